// Host functions that are called with their arguments in registers: every shape that has such an entry, held against what was passed; slots of a pool
// that change hands between linkers; requests to stop; and how long a delegate lives.
using System.Linq.Expressions;
using System.Reflection;
using System.Runtime.CompilerServices;
using Tarn.Execution;
using Tarn.Functions;

namespace Tarn.Runtime.Tests.Api;

public sealed class DirectHostCallTests : IDisposable
{
    private const string One = """
        (module (import "e" "f" (func $f (param i32) (result i32)))
          (func (export "call") (param i32) (result i32) (call $f (local.get 0)))
          (func (export "loop") (loop $l (drop (call $f (i32.const 1))) (br $l)))
          (func (export "times") (param i32) (result i32) (local i32)
            (loop $l
              (local.set 1 (i32.add (local.get 1) (call $f (local.get 0))))
              (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))
        """;

    private static readonly Type[] s_types = [typeof(int), typeof(long), typeof(float), typeof(double)];

    private readonly Engine _engine = new();

    public void Dispose() => _engine.Dispose();

    public static TheoryData<bool, int> Arities
    {
        get
        {
            TheoryData<bool, int> data = [];
            foreach (bool caller in new[] { false, true })
            {
                for (int arity = 0; arity <= 5; arity++)
                    data.Add(caller, arity);
            }
            return data;
        }
    }

    // Every entry of the generated file is reached: those of up to two parameters in all combinations, and of up to five i32.
    [Theory]
    [MemberData(nameof(Arities))]
    public void Every_shape_passes_its_values_unchanged(bool caller, int arity)
    {
        Random random = new(arity);
        int entries = 0;
        IEnumerable<Type[]> parameters = arity > 2 ? [[.. Enumerable.Repeat(typeof(int), arity)]] : Combinations(arity);
        foreach (Type[] types in parameters)
        {
            foreach (Type? result in arity > 2 ? [null, typeof(int), typeof(long)] : s_types.Prepend(null))
            {
                Check(random, types, result, caller);
                entries++;
            }
        }
        Assert.Equal(
            entries,
            typeof(DirectHostCalls).GetMethods(BindingFlags.NonPublic | BindingFlags.Static)
                .Count(m => m.Name.StartsWith("Call", StringComparison.Ordinal) && m.Name.Contains("WithCaller", StringComparison.Ordinal) == caller
                    && m.Name != "CallerOf" && m.GetParameters().Length == arity + 1));
    }

    [Fact]
    public void A_slot_of_a_pool_calls_the_host_functions_of_whoever_has_it()
    {
        using var engine = new Engine(new EngineOptions { Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 1 } } });
        using Module module = Module.FromText(engine, One);
        using InstanceTemplate add = new Linker(engine).DefineFunction("e", "f", (int a) => a + 1).Prepare(module);
        using InstanceTemplate twice = new Linker(engine).DefineFunction("e", "f", (int a) => a * 2).Prepare(module);
        using InstanceTemplate general = new Linker(engine).DefineFunction("e", "f", (uint a) => a - 1).Prepare(module);
        using InstanceTemplate withCaller = new Linker(engine).DefineFunction("e", "f", (Caller c, int a) => c.GetState<string>().Length + a).Prepare(module);
        for (int round = 0; round < 3; round++)
        {
            foreach ((InstanceTemplate template, int expected) in new[] { (add, 11), (twice, 20), (general, 9), (add, 11), (withCaller, 13), (general, 9) })
            {
                using Instance instance = template.Instantiate("abc");
                Assert.Equal(expected, instance.GetFunction<int, int>("call").Invoke(10));
            }
        }
    }

    // Compiled code does not look whether it has to stop here, so host calls are where a guest notices.
    [Fact]
    public void A_guest_that_was_asked_to_stop_gets_no_further_than_its_next_call_of_the_host()
    {
        using var source = new CancellationTokenSource();
        int calls = 0;
        Instance? instance = null;
        using InstanceTemplate template = new Linker(_engine).DefineFunction("e", "f", (int a) =>
        {
            calls++;
            if (calls == 1000)
                source.Cancel();
            if (calls == 3000)
                instance!.Interrupt();
            return a;
        }).Prepare(Module.FromText(_engine, One));
        using (instance = template.Instantiate())
        {
            TypedAction loop = instance.GetAction("loop");
            Assert.Throws<OperationCanceledException>(() => loop.Invoke(source.Token));
            Assert.Equal(1000, calls);
            Assert.Equal(55, instance.GetFunction<int, int>("times").Invoke(10));
            Assert.Equal(1010, calls);
            calls = 2000;
            Assert.Equal(TrapCode.Interrupted, Assert.Throws<TrapException>(loop.Invoke).Code);
            Assert.Equal(3000, calls);
            Assert.Equal(55, instance.GetFunction<int, int>("times").Invoke(10));
            instance.CallTimeout = TimeSpan.FromMilliseconds(50);
            Assert.Equal(TrapCode.Interrupted, Assert.Throws<TrapException>(loop.Invoke).Code);
            instance.CallTimeout = Timeout.InfiniteTimeSpan;
            Assert.Equal(55, instance.GetFunction<int, int>("times").Invoke(10));
        }
    }

    // The inner call's trap is swallowed, so the reason is found once more by the outer guest, whose token is the cancelled one.
    [Fact]
    public void A_cancelled_outer_call_stops_inner_and_outer_guest()
    {
        using var source = new CancellationTokenSource();
        Instance? instance = null;
        int inner = 0;
        int outer = 0;
        using InstanceTemplate template = new Linker(_engine).DefineFunction("e", "f", (int a) =>
        {
            if (a == 1)
                return ++inner;
            outer++;
            if (outer > 1)
                return a;
            source.Cancel();
            Assert.Equal(TrapCode.Interrupted, Assert.Throws<TrapException>(() => instance!.GetAction("loop").Invoke()).Code);
            return a;
        }).Prepare(Module.FromText(_engine, One));
        using (instance = template.Instantiate())
        {
            Assert.Throws<OperationCanceledException>(() => instance.GetFunction<int, int>("times").Invoke(9, source.Token));
            Assert.Equal(0, inner);
            Assert.Equal(1, outer);
        }
    }

    [Fact]
    public void A_delegate_lives_as_long_as_anything_that_may_call_it_and_no_longer()
    {
        WeakReference target = Use();
        // The pool's slot keeps the template's functions until it is bound to others.
        _engine.Dispose();
        Collect();
        Assert.False(target.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        WeakReference Use()
        {
            (Instance instance, WeakReference target) = Make();
            Collect();
            Assert.Equal(31, instance.GetFunction<int, int>("call").Invoke(1));
            Assert.True(target.IsAlive);
            instance.Dispose();
            return target;
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        (Instance, WeakReference) Make()
        {
            int[] captured = new int[30];
            using Module module = Module.FromText(_engine, One);
            var linker = new Linker(_engine);
            linker.DefineFunction("e", "f", (int a) => linker.Engine == _engine ? captured.Length + a : 0);
            using InstanceTemplate template = linker.Prepare(module);
            return (template.Instantiate(), new WeakReference(captured));
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Collect()
        {
            for (int i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }
    }

    [Fact]
    public void Direct_calls_allocate_nothing()
    {
        using InstanceTemplate template = new Linker(_engine).DefineFunction("e", "f", (Caller _, int a) => a).Prepare(Module.FromText(_engine, One));
        using Instance instance = template.Instantiate();
        TypedFunction<int, int> times = instance.GetFunction<int, int>("times");
        times.Invoke(1000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        int sum = times.Invoke(1000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(500_500, sum);
    }

    private static IEnumerable<Type[]> Combinations(int arity)
    {
        IEnumerable<Type[]> all = [[]];
        for (int i = 0; i < arity; i++)
            all = [.. all.SelectMany(head => s_types.Select(type => (Type[])[.. head, type]))];
        return all;
    }

    private void Check(Random random, Type[] parameters, Type? result, bool caller)
    {
        object[] arguments = [.. parameters.Select(type => Any(random, type))];
        object? returned = result is null ? null : Any(random, result);
        var probe = new Probe(returned);
        Delegate body = probe.Delegate(parameters, result, caller);
        Type[] generics = [.. parameters, .. result is null ? Array.Empty<Type>() : [result]];

        // The overload that a C# caller gets, found by the delegate's type.
        MethodInfo define = typeof(Linker).GetMethods().Single(m =>
        {
            if (m.Name != "DefineFunction" || m.GetGenericArguments().Length != generics.Length)
                return false;
            MethodInfo closed = generics.Length == 0 ? m : m.MakeGenericMethod(generics);
            return closed.GetParameters().Length == 3 && closed.GetParameters()[2].ParameterType == body.GetType();
        });
        if (generics.Length != 0)
            define = define.MakeGenericMethod(generics);
        var linker = new Linker(_engine);
        define.Invoke(linker, ["e", "f", body]);
        string types = $"{(arguments.Length == 0 ? "" : $"(param {string.Join(' ', parameters.Select(Name))})")} {(result is null ? "" : $"(result {Name(result)})")}";
        using Module module = Module.FromText(_engine, $"""
            (module (import "e" "f" (func $f {types}))
              (func (export "call") {types} {string.Concat(Enumerable.Range(0, arguments.Length).Select(i => $"(local.get {i})"))} (call $f)))
            """);
        using InstanceTemplate template = linker.Prepare(module);
        using Instance instance = template.Instantiate();
        Assert.Equal(!ExecutionSwitch.IsPortable, IsDirect(instance));
        Value[] results = instance.GetFunction("call").Invoke([.. arguments.Select(ToValue)]);
        Assert.Equal(arguments, probe.Seen);
        Assert.Equal(returned is null ? [] : [ToValue(returned)], results);
    }

    private static unsafe bool IsDirect(Instance instance)
    {
        var record = (FunctionReference*)(instance.Data.Context + instance.Module.Core.Layout.FunctionReference(0));
        return record->Code != instance.Module.Engine.Core.StubsFor(record->TypeId).HostExit && record->Opaque != 0;
    }

    private static object Any(Random random, Type type)
    {
        if (type == typeof(int))
            return random.Next(int.MinValue, int.MaxValue);
        if (type == typeof(long))
            return random.NextInt64(long.MinValue, long.MaxValue);
        if (type == typeof(float))
            return random.NextSingle() - 0.5f;
        return random.NextDouble() - 0.5;
    }

    private static string Name(Type type) => type == typeof(int) ? "i32" : type == typeof(long) ? "i64" : type == typeof(float) ? "f32" : "f64";

    private static Value ToValue(object value) => value switch
    {
        int v => Value.FromInt32(v),
        long v => Value.FromInt64(v),
        float v => Value.FromSingle(v),
        _ => Value.FromDouble((double)value),
    };

    // Makes delegates of any type that note their arguments.
    private sealed class Probe(object? result)
    {
        public object[] Seen { get; private set; } = [];

        public Delegate Delegate(Type[] parameters, Type? returned, bool caller)
        {
            var declared = (caller ? parameters.Prepend(typeof(Caller)) : parameters).Select(Expression.Parameter).ToArray();
            var noted = declared.Skip(caller ? 1 : 0).Select(p => Expression.Convert(p, typeof(object)));
            var body = Expression.Call(
                Expression.Constant(this), nameof(Note), null, Expression.NewArrayInit(typeof(object), noted));
            return Expression.Lambda(
                returned is null ? Expression.Block(typeof(void), body) : Expression.Convert(body, returned), declared).Compile();
        }

        public object? Note(object[] arguments)
        {
            Seen = arguments;
            return result;
        }
    }
}

// Typed handles that enter the guest with their arguments in registers: every combination of number types has to arrive in order and come back, and what
// ends such a call otherwise (a trap, an exception of the host, a deadline) has to leave the store as it was.
using System.Reflection;

namespace Tarn.Runtime.Tests.Api;

public sealed class TypedCallTests : IDisposable
{
    private static readonly Type[] s_types = [typeof(int), typeof(long), typeof(float), typeof(double)];

    private readonly Engine _engine = new();

    public void Dispose() => _engine.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Every_parameter_comes_back_as_it_was(int arity)
    {
        Random random = new(arity);
        IEnumerable<Type[]> all = [[]];
        for (int i = 0; i < arity; i++)
            all = [.. all.SelectMany(head => s_types.Select(type => (Type[])[.. head, type]))];
        // Of 256 combinations of four the 64 will do in which a type follows from the others: any two places see all pairs.
        if (arity == 4)
            all = all.Where(types => types.Sum(type => Array.IndexOf(s_types, type)) % 4 == 0);
        foreach (Type[] types in all)
        {
            string parameters = string.Join(' ', types.Select(Name));
            string functions = string.Concat(types.Select((type, i) => $"(func (export \"p{i}\") (param {parameters}) (result {Name(type)}) (local.get {i}))"));
            using Module module = Module.FromText(_engine, $"(module {functions} (func (export \"none\") (param {parameters})))");
            using Instance instance = new Linker(_engine).Prepare(module).Instantiate();
            object[] arguments = [.. types.Select(type => Any(random, type))];
            for (int i = 0; i < arity; i++)
                Assert.Equal(arguments[i], Call(instance, "GetFunction", [.. types, types[i]], $"p{i}", arguments));
            Assert.Null(Call(instance, "GetAction", types, "none", arguments));
        }
    }

    [Fact]
    public void Unsigned_numbers_are_the_same_bits()
    {
        using Module module = Module.FromText(_engine, """(module (func (export "f") (param i32 i64) (result i64) (i64.add (i64.extend_i32_u (local.get 0)) (local.get 1))))""");
        using Instance instance = new Linker(_engine).Prepare(module).Instantiate();
        Assert.Equal(ulong.MaxValue, instance.GetFunction<uint, ulong, ulong>("f").Invoke(uint.MaxValue, ulong.MaxValue - uint.MaxValue));
        Assert.Equal(uint.MaxValue, instance.GetFunction<int, long, long>("f").Invoke(-1, 0));
    }

    [Fact]
    public void Whatever_ends_a_call_the_next_one_is_like_the_first()
    {
        using Module module = Module.FromText(_engine, """
            (module (import "e" "f" (func $f (param i32) (result i32)))
              (func (export "call") (param i32) (result i32) (if (i32.eqz (local.get 0)) (then unreachable)) (call $f (local.get 0)))
              (func (export "loop") (loop $l (drop (call $f (i32.const 1))) (br $l)))
              (func $deep (export "deep") (call $deep)))
            """);
        Instance? instance = null;
        using InstanceTemplate template = new Linker(_engine).DefineFunction("e", "f", (int a) => a switch
        {
            2 => throw new InvalidTimeZoneException(),
            3 => Assert.Throws<TrapException>(() => instance!.GetFunction<int, int>("call").Invoke(0)).GuestBacktrace.Count,
            4 => instance!.GetFunction<int, int>("call").Invoke(2),
            _ => a,
        }).Prepare(module);
        using (instance = template.Instantiate())
        {
            TypedFunction<int, int> call = instance.GetFunction<int, int>("call");
            for (int round = 0; round < 3; round++)
            {
                Assert.Equal(1, call.Invoke(1));
                Assert.Equal(TrapCode.Unreachable, Assert.Throws<TrapException>(() => call.Invoke(0)).Code);
                Assert.Throws<InvalidTimeZoneException>(() => call.Invoke(2));
                Assert.Equal(2, call.Invoke(3));
                Assert.Throws<InvalidTimeZoneException>(() => call.Invoke(4));
                Assert.Equal(TrapCode.StackExhausted, Assert.Throws<TrapException>(instance.GetAction("deep").Invoke).Code);
                instance.CallTimeout = TimeSpan.FromMilliseconds(20);
                Assert.Equal(TrapCode.Interrupted, Assert.Throws<TrapException>(instance.GetAction("loop").Invoke).Code);
                Assert.Equal(7, call.Invoke(7));
                instance.CallTimeout = Timeout.InfiniteTimeSpan;
            }
        }
        Assert.Throws<ObjectDisposedException>(() => instance.GetFunction<int, int>("call"));
    }

    [Fact]
    public void A_handle_outlives_its_instance_only_to_say_so()
    {
        using Module module = Module.FromText(_engine, """(module (func (export "f") (param i32) (result i32) (local.get 0)))""");
        Instance instance = new Linker(_engine).Prepare(module).Instantiate();
        TypedFunction<int, int> f = instance.GetFunction<int, int>("f");
        Assert.Equal(5, f.Invoke(5));
        instance.Dispose();
        Assert.Throws<ObjectDisposedException>(() => f.Invoke(5));
        Assert.Throws<InvalidOperationException>(() => default(TypedFunction<int, int>).Invoke(5));
    }

    private static object? Call(Instance instance, string get, Type[] types, string name, object[] arguments)
    {
        object handle = typeof(Instance).GetMethods().Single(m => m.Name == get && m.GetGenericArguments().Length == types.Length && m.GetParameters().Length == 1)
            .MakeGenericMethod(types).Invoke(instance, [name])!;
        MethodInfo invoke = handle.GetType().GetMethods().Single(m => m.Name == "Invoke" && m.GetParameters().Length == arguments.Length);
        return invoke.Invoke(handle, arguments);
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
}

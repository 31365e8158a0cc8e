// Host functions as guests reach them: every kind of value in both directions, exceptions, nesting, and no allocation.
using System.Runtime.Intrinsics;

namespace Tarn.Runtime.Tests.Api;

public sealed class HostFunctionTests : IDisposable
{
    private readonly Engine _engine = new();

    public void Dispose() => _engine.Dispose();

    [Fact]
    public void Each_kind_of_value_passes_unchanged()
    {
        var thing = new object();
        var linker = new Linker(_engine)
            .DefineFunction("e", "i32", (int a) => a).DefineFunction("e", "u32", (uint a) => a).DefineFunction("e", "i64", (long a) => a)
            .DefineFunction("e", "f32", (float a) => a).DefineFunction("e", "f64", (double a) => a).DefineFunction("e", "bool", (bool a) => !a)
            .DefineFunction("e", "ext", (object? a) => a).DefineFunction("e", "v128", (Vector128<byte> a) => a);
        using Instance i = Identity(linker, ("i32", "i32"), ("u32", "i32"), ("i64", "i64"), ("f32", "f32"), ("f64", "f64"), ("bool", "i32"), ("ext", "externref"), ("v128", "v128"));
        Assert.Equal(int.MinValue, i.GetFunction<int, int>("i32").Invoke(int.MinValue));
        Assert.Equal(uint.MaxValue, i.GetFunction<uint, uint>("u32").Invoke(uint.MaxValue));
        Assert.Equal(long.MinValue, i.GetFunction<long, long>("i64").Invoke(long.MinValue));
        Assert.Equal(1.5f, i.GetFunction<float, float>("f32").Invoke(1.5f));
        Assert.Equal(double.Epsilon, i.GetFunction<double, double>("f64").Invoke(double.Epsilon));
        Assert.True(i.GetFunction<bool, bool>("bool").Invoke(false));
        Assert.Same(thing, i.GetFunction<object?, object?>("ext").Invoke(thing));
        Assert.Null(i.GetFunction<object?, object?>("ext").Invoke(null));
        Vector128<byte> vector = Vector128.Create(1UL, 0x8000000000000001UL).AsByte();
        Assert.Equal(vector, i.GetFunction<Vector128<byte>, Vector128<byte>>("v128").Invoke(vector));
    }

    [Fact]
    public void Many_parameters_keep_their_order()
    {
        var linker = new Linker(_engine).DefineFunction("e", "f", (int a, double b, long c, float d, int e, int f, int g, int h, int i, int j, double k, int l) =>
            $"{a} {b} {c} {d} {e} {f} {g} {h} {i} {j} {k} {l}".Length + (a * 10000));
        using Module module = Module.FromText(_engine, """
            (module (import "e" "f" (func $f (param i32 f64 i64 f32 i32 i32 i32 i32 i32 i32 f64 i32) (result i32))) (export "f" (func $f)))
            """);
        using Instance instance = linker.Prepare(module).Instantiate();
        int result = instance.GetFunction<int, double, long, float, int, int, int, int, int, int, double, int, int>("f").Invoke(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
        Assert.Equal(10000 + "1 2 3 4 5 6 7 8 9 10 11 12".Length, result);
    }

    [Fact]
    public void Several_results_are_a_tuple()
    {
        var linker = new Linker(_engine).DefineFunction("e", "f", (int a, double b) => (b, a, (long)a + 1, 2.5f));
        using Module module = Module.FromText(_engine, """(module (import "e" "f" (func $f (param i32 f64) (result f64 i32 i64 f32))) (export "f" (func $f)))""");
        using Instance instance = linker.Prepare(module).Instantiate();
        Assert.Equal((1.25, 7, 8L, 2.5f), instance.GetFunction<int, double, (double, int, long, float)>("f").Invoke(7, 1.25));
        Value[] untyped = instance.GetFunction("f").Invoke(7, 1.25);
        Assert.Equal([1.25, 7, 8L, 2.5f], untyped);
    }

    [Fact]
    public void Ten_results_of_mixed_types_arrive()
    {
        var linker = new Linker(_engine).DefineFunction("e", "f", () => (1, 2L, 3f, 4d, 5, 6L, 7, 8, 9, 10));
        using Module module = Module.FromText(_engine, """(module (import "e" "f" (func $f (result i32 i64 f32 f64 i32 i64 i32 i32 i32 i32))) (export "f" (func $f)))""");
        using Instance instance = linker.Prepare(module).Instantiate();
        Assert.Equal((1, 2L, 3f, 4d, 5, 6L, 7, 8, 9, 10), instance.GetFunction<(int, long, float, double, int, long, int, int, int, int)>("f").Invoke());
    }

    [Fact]
    public void An_exception_arrives_unchanged_and_the_instance_stays_usable()
    {
        var thrown = new InvalidTimeZoneException("mine");
        bool fail = true;
        using Instance instance = Identity(new Linker(_engine).DefineFunction("e", "f", (int a) => fail ? throw thrown : a), ("f", "i32"));
        TypedFunction<int, int> f = instance.GetFunction<int, int>("f");
        Assert.Same(thrown, Assert.Throws<InvalidTimeZoneException>(() => f.Invoke(1)));
        fail = false;
        Assert.Equal(3, f.Invoke(3));
    }

    [Fact]
    public void The_host_calls_the_guest_which_calls_the_host()
    {
        const int Depth = 100;
        Instance? instance = null;
        using Module module = Module.FromText(_engine, """(module (import "e" "f" (func $f (param i32) (result i32))) (export "f" (func $f)))""");
        instance = new Linker(_engine).DefineFunction("e", "f", (int n) => n == 0 ? 0 : 1 + instance!.GetFunction<int, int>("f").Invoke(n - 1)).Prepare(module).Instantiate();
        Assert.Equal(Depth, instance.GetFunction<int, int>("f").Invoke(Depth));
        instance.Dispose();
    }

    [Fact]
    public void An_exception_passes_nested_activations()
    {
        Instance? instance = null;
        using Module module = Module.FromText(_engine, """(module (import "e" "f" (func $f (param i32) (result i32))) (export "f" (func $f)))""");
        instance = new Linker(_engine).DefineFunction("e", "f", (int n) => n == 0 ? throw new InvalidTimeZoneException() : 1 + instance!.GetFunction<int, int>("f").Invoke(n - 1)).Prepare(module).Instantiate();
        Assert.Throws<InvalidTimeZoneException>(() => instance.GetFunction<int, int>("f").Invoke(20));
        Assert.Throws<InvalidTimeZoneException>(() => instance.GetFunction<int, int>("f").Invoke(20));
        instance.Dispose();
    }

    [Fact]
    public void The_caller_offers_memory_state_and_functions()
    {
        using Module module = Module.FromText(_engine, """
            (module (import "e" "f" (func $f (param i32) (result i32))) (export "f" (func $f))
              (memory (export "memory") 1) (data (i32.const 8) "abc"))
            """);
        Linker linker = new Linker(_engine).DefineFunction("e", "f", (Caller caller, int at) =>
        {
            caller.GetState<List<string>>().Add(caller.Memory.ReadUtf8(at, 3));
            return caller.TryGetFunction("f", out _) ? 1 : 0;
        });
        var state = new List<string>();
        using Instance instance = linker.Prepare(module).Instantiate(state);
        Assert.Equal(1, instance.GetFunction<int, int>("f").Invoke(8));
        Assert.Equal(["abc"], state);
    }

    [Fact]
    public void An_untyped_callback_serves_any_signature()
    {
        var signature = new FunctionType([ValueKind.I32, ValueKind.ExternRef], [ValueKind.ExternRef, ValueKind.I64]);
        Linker linker = new Linker(_engine).DefineFunction("e", "f", signature, (_, arguments, results) =>
        {
            results[0] = arguments[1];
            results[1] = arguments[0].AsInt32() * 2L;
        });
        using Module module = Module.FromText(_engine, """(module (import "e" "f" (func $f (param i32 externref) (result externref i64))) (export "f" (func $f)))""");
        using Instance instance = linker.Prepare(module).Instantiate();
        Value[] results = instance.GetFunction("f").Invoke(21, Value.FromObject("x"));
        Assert.Equal("x", results[0].AsObject());
        Assert.Equal(42, results[1].AsInt64());
    }

    [Fact]
    public void A_result_of_the_wrong_kind_is_the_callbacks_fault()
    {
        Linker linker = new Linker(_engine).DefineFunction("e", "f", new FunctionType([], [ValueKind.I32]), (_, _, results) => results[0] = 1L);
        using Module module = Module.FromText(_engine, """(module (import "e" "f" (func $f (result i32))) (export "f" (func $f)))""");
        using Instance instance = linker.Prepare(module).Instantiate();
        Assert.Throws<ArgumentException>(() => instance.GetFunction("f").Invoke());
    }

    [Fact]
    public void Function_references_travel_as_values()
    {
        using Module module = Module.FromText(_engine, """
            (module (import "e" "pick" (func $pick (param funcref) (result funcref))) (import "e" "seven" (func $seven (result i32)))
              (export "pick" (func $pick)) (export "seven" (func $seven)))
            """);
        using Instance instance = new Linker(_engine).DefineFunction("e", "pick", (Function f) => f).DefineFunction("e", "seven", () => 7).Prepare(module).Instantiate();
        Function seven = instance.GetFunction("seven");
        Function same = instance.GetFunction<Function, Function>("pick").Invoke(seven);
        Assert.Equal(seven, same);
        Assert.Equal(7, same.Invoke()[0].AsInt32());
        Assert.True(instance.GetFunction<Function, Function>("pick").Invoke(default).IsNull);
    }

    [Fact]
    public void A_typed_handle_of_another_signature_is_refused_with_both()
    {
        using Instance instance = Identity(new Linker(_engine).DefineFunction("e", "f", (int a) => a), ("f", "i32"));
        ArgumentException e = Assert.Throws<ArgumentException>(() => instance.GetFunction<long, int>("f"));
        Assert.Contains("(func (param i32) (result i32)), not (func (param i64) (result i32))", e.Message, StringComparison.Ordinal);
        Assert.Contains("exports \"f\"", Assert.Throws<ArgumentException>(() => instance.GetFunction("g")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Calls_allocate_nothing()
    {
        using Instance instance = Identity(new Linker(_engine).DefineFunction("e", "f", (int a) => a + 1), ("f", "i32"));
        TypedFunction<int, int> f = instance.GetFunction<int, int>("f");
        int sum = 0;
        for (int i = 0; i < 1000; i++)
            sum += f.Invoke(i);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            sum += f.Invoke(i);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.NotEqual(0, sum);
    }

    private Instance Identity(Linker linker, params (string Name, string Type)[] functions)
    {
        string imports = string.Concat(functions.Select(f => $"(import \"e\" \"{f.Name}\" (func ${f.Name} (param {f.Type}) (result {f.Type})))"));
        string exports = string.Concat(functions.Select(f => $"(export \"{f.Name}\" (func ${f.Name}))"));
        using Module module = Module.FromText(_engine, $"(module {imports} {exports})");
        using InstanceTemplate template = linker.Prepare(module);
        return template.Instantiate();
    }
}

// What may be the type of a parameter or a result, in typed handles and in host functions, and what is refused at once and by name.
using System.Runtime.Intrinsics;

namespace Tarn.Runtime.Tests.Api;

public sealed class ResultTypeTests : IDisposable
{
    private const string Program = """
        (module
          (import "e" "many" (func $many (param i32) (result i32 i64 f64 externref funcref i32)))
          (import "e" "narrow" (func $narrow (param i32 i32) (result i32)))
          (import "e" "nothing" (func $nothing (param i32)))
          (import "e" "later" (func $later (param i32) (result i32)))
          (func $seven (export "seven") (result i32) (i32.const 7))
          (elem declare func $seven)
          (func (export "many") (param i32) (result i32 i64 f64 externref funcref i32) (call $many (local.get 0)))
          (func (export "own") (param externref) (result i32 i64 f64 externref funcref i32)
            (i32.const 200) (i64.const -5) (f64.const 2.5) (local.get 0) (ref.func $seven) (i32.const 1))
          (func (export "i32") (param i32) (result i32) (local.get 0))
          (func (export "i64") (param i64) (result i64) (local.get 0))
          (func (export "narrow") (param i32 i32) (result i32) (call $narrow (local.get 0) (local.get 1)))
          (func (export "nothing") (call $nothing (i32.const 41)))
          (func (export "later") (param i32) (result i32) (call $later (local.get 0)))
          (func (export "eight") (result i32 i32 i32 i32 i32 i32 i32 i32 i64)
            (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5) (i32.const 6) (i32.const 7) (i32.const 8) (i64.const 9)))
        """;

    private readonly Engine _engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
    private readonly Module _module;
    private readonly Instance _instance;
    private int _seen;

    public ResultTypeTests()
    {
        _module = Module.FromText(_engine, Program);
        var linker = new Linker(_engine);
        linker.DefineFunction("e", "many", (byte a) => ((byte)(a + 1), (long)a, ((double)a, "text"), default(Function), a > 5));
        linker.DefineFunction("e", "narrow", (sbyte a, ushort b) => (short)(a + b));
        // An assignment is an expression with a value.
        linker.DefineFunction("e", "nothing", (int a) => _seen = a + 1);
        linker.DefineFunction("e", "later", (int a) => LaterAsync(a));
        _instance = linker.Prepare(_module).Instantiate();
    }

    public void Dispose()
    {
        _instance.Dispose();
        _module.Dispose();
        _engine.Dispose();
    }

    [Fact]
    public void Tuples_may_be_nested_and_hold_references_functions_and_narrow_numbers()
    {
        (byte a, (long b, double c), object d, Function e, bool f) = _instance.GetFunction<string, (byte, (long, double), object, Function, bool)>("own").Invoke("mine");
        Assert.Equal((200, -5L, 2.5, "mine", true), (a, b, c, (string)d, f));
        Assert.Equal([Value.FromInt32(7)], e.Invoke());
        (int g, long h, double i, string j, Function k, int l) = _instance.GetFunction<int, (int, long, double, string, Function, int)>("many").Invoke(6);
        Assert.Equal((7, 6, 6.0, "text", true, 1), (g, h, i, j, k.IsNull, l));
        Assert.Equal((1, 2, 3, 4, 5, 6, 7, 8, 9L), _instance.GetFunction<(int, int, int, int, int, int, int, int, long)>("eight").Invoke());
    }

    [Fact]
    public void An_object_of_another_type_than_the_result_is_refused()
    {
        InvalidCastException e = Assert.Throws<InvalidCastException>(() => _instance.GetFunction<object, (int, long, double, string, Function, int)>("own").Invoke(new List<int>()));
        Assert.Contains("System.String", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Narrow_numbers_take_the_low_bits_and_are_extended_by_their_sign()
    {
        Assert.Equal(0x34, _instance.GetFunction<int, byte>("i32").Invoke(0x1234));
        Assert.Equal(-1, _instance.GetFunction<int, sbyte>("i32").Invoke(0xFF));
        Assert.Equal(-1, _instance.GetFunction<sbyte, int>("i32").Invoke(-1));
        Assert.Equal(255, _instance.GetFunction<byte, int>("i32").Invoke(255));
        Assert.Equal(-32768, _instance.GetFunction<short, int>("i32").Invoke(short.MinValue));
        Assert.Equal(65535, _instance.GetFunction<char, int>("i32").Invoke('\uFFFF'));
        Assert.Equal(-7, _instance.GetFunction<nint, nint>("i64").Invoke(-7));
        Assert.Equal(nuint.MaxValue, _instance.GetFunction<nuint, nuint>("i64").Invoke(nuint.MaxValue));
        Assert.Equal(99, _instance.GetFunction<int, int, int>("narrow").Invoke(-1, 100));
        Assert.Equal(-128 + 65535 - 65536, _instance.GetFunction<int, int, int>("narrow").Invoke(128, 65535));
    }

    [Fact]
    public void An_assigning_lambda_may_stand_for_a_function_without_results()
    {
        _instance.GetAction("nothing").Invoke();
        Assert.Equal(42, _seen);
    }

    [Fact]
    public async Task Functions_that_return_tasks_are_asynchronous_host_functions() =>
        Assert.Equal(10, await _instance.GetFunction<int, int>("later").InvokeAsync(5, TestContext.Current.CancellationToken));

    [Fact]
    public void What_cannot_be_a_result_is_refused_by_name_each_time()
    {
        for (int i = 0; i < 2; i++)
        {
            Assert.Contains("System.Guid", Assert.Throws<NotSupportedException>(() => _instance.GetFunction<int, Guid>("i32")).Message, StringComparison.Ordinal);
            Assert.Contains("System.Decimal", Assert.Throws<NotSupportedException>(() => _instance.GetFunction<int, (int, decimal)>("i32")).Message, StringComparison.Ordinal);
            Assert.Contains("System.Decimal", Assert.Throws<NotSupportedException>(() => new Linker(_engine).DefineFunction("e", "f", () => 1m)).Message, StringComparison.Ordinal);
            Assert.Contains("too large", Assert.Throws<NotSupportedException>(() => _instance.GetFunction<((Vector128<byte>, Vector128<byte>, Vector128<byte>, Vector128<byte>), (Vector128<byte>, Vector128<byte>, Vector128<byte>, Vector128<byte>), (Vector128<byte>, Vector128<byte>, Vector128<byte>, Vector128<byte>), (Vector128<byte>, Vector128<byte>, Vector128<byte>, Vector128<byte>))>("i32")).Message, StringComparison.Ordinal);
        }
    }

    private static async Task<int> LaterAsync(int value)
    {
        await Task.Yield();
        return value * 2;
    }
}

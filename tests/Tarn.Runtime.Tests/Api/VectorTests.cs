// Vectors between host and guest: arguments and results of typed and untyped functions, in tuples, host functions, globals; as many as go on the stack; with lanes of every type.
using System.Runtime.Intrinsics;

namespace Tarn.Runtime.Tests.Api;

public sealed class VectorTests : IDisposable
{
    private readonly Engine _engine = new();

    public void Dispose() => _engine.Dispose();

    [Fact]
    public void Lanes_of_every_type_are_the_same_bits()
    {
        using Module module = Module.FromText(_engine, """(module (func (export "f") (param v128) (result v128) (i8x16.add (local.get 0) (i8x16.splat (i32.const 1)))))""");
        using Instance instance = new Linker(_engine).Prepare(module).Instantiate();
        Vector128<byte> vector = Vector128.Create((byte)0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 250, 251, 252, 253, 254, 255);
        Vector128<byte> expected = vector + Vector128<byte>.One;
        Assert.Equal(expected, instance.GetFunction<Vector128<byte>, Vector128<byte>>("f").Invoke(vector));
        Assert.Equal(expected.AsSByte(), instance.GetFunction<Vector128<sbyte>, Vector128<sbyte>>("f").Invoke(vector.AsSByte()));
        Assert.Equal(expected.AsInt16(), instance.GetFunction<Vector128<short>, Vector128<short>>("f").Invoke(vector.AsInt16()));
        Assert.Equal(expected.AsUInt16(), instance.GetFunction<Vector128<ushort>, Vector128<ushort>>("f").Invoke(vector.AsUInt16()));
        Assert.Equal(expected.AsInt32(), instance.GetFunction<Vector128<int>, Vector128<int>>("f").Invoke(vector.AsInt32()));
        Assert.Equal(expected.AsUInt32(), instance.GetFunction<Vector128<uint>, Vector128<uint>>("f").Invoke(vector.AsUInt32()));
        Assert.Equal(expected.AsInt64(), instance.GetFunction<Vector128<long>, Vector128<long>>("f").Invoke(vector.AsInt64()));
        Assert.Equal(expected.AsUInt64(), instance.GetFunction<Vector128<ulong>, Vector128<ulong>>("f").Invoke(vector.AsUInt64()));
        Assert.Equal(expected.AsUInt64(), instance.GetFunction<Vector128<float>, Vector128<double>>("f").Invoke(vector.AsSingle()).AsUInt64());
        Assert.Equal(expected.AsInt32(), instance.GetFunction("f").Invoke(Value.FromVector(vector.AsInt32()))[0].AsVector<int>());
        Assert.Throws<NotSupportedException>(() => Value.FromVector(default(Vector128<char>)));
        Assert.Throws<NotSupportedException>(() => Value.FromVector(vector).AsVector<bool>());
        Assert.Throws<InvalidOperationException>(() => Value.FromInt32(1).AsVector<int>());
    }

    [Fact]
    public void Vectors_are_elements_of_tuples()
    {
        var linker = new Linker(_engine).DefineFunction("e", "f", (Vector128<int> a, long b) => (a + Vector128.Create(1), b, a.AsSingle()));
        using Module module = Module.FromText(_engine, """
            (module (import "e" "f" (func $f (param v128 i64) (result v128 i64 v128)))
                    (func (export "g") (param v128 i64) (result v128 i64 v128) (call $f (local.get 0) (local.get 1))))
            """);
        using Instance instance = linker.Prepare(module).Instantiate();
        Assert.Equal(
            (Vector128.Create(2, 3, 4, 5), 9L, Vector128.Create(1, 2, 3, 4).AsUInt16()),
            instance.GetFunction<Vector128<int>, long, (Vector128<int>, long, Vector128<ushort>)>("g").Invoke(Vector128.Create(1, 2, 3, 4), 9));
    }

    // More than there are registers, between others, from host to guest to guest to host and back.
    [Fact]
    public void Twelve_vectors_and_as_many_numbers_keep_their_order()
    {
        var types = string.Concat(Enumerable.Repeat("v128 i32 f64 ", 12));
        var locals = string.Concat(Enumerable.Range(0, 36).Select(i => $"(local.get {i})"));
        using Module module = Module.FromText(_engine, $"""
            (module (import "e" "f" (func $f (param {types}) (result {types})))
                    (func $inner (param {types}) (result {types}) {locals} (call $f))
                    (func (export "g") (param {types}) (result {types}) {locals} (call $inner)))
            """);
        ValueKind[] kinds = [.. Enumerable.Range(0, 36).Select(i => (i % 3) switch { 0 => ValueKind.V128, 1 => ValueKind.I32, _ => ValueKind.F64 })];
        WasmValueType[] types128 = [.. kinds.Select(kind => (WasmValueType)kind)];
        FunctionType type = new(types128, types128);
        var linker = new Linker(_engine).DefineFunction("e", "f", type, (_, arguments, results) => arguments.CopyTo(results));
        using Instance instance = linker.Prepare(module).Instantiate();
        Value[] values = [.. kinds.Select((kind, i) => kind switch
        {
            ValueKind.V128 => Value.FromVector(Vector128.Create(i, -i, i * 1000, int.MinValue + i)),
            ValueKind.I32 => (Value)(i * 77),
            _ => (Value)(i + 0.25),
        })];
        Assert.Equal(values, instance.GetFunction("g").Invoke(values));
    }

    [Fact]
    public void Globals_hold_vectors()
    {
        using Module module = Module.FromText(_engine, """
            (module (import "e" "m" (global $m (mut v128))) (import "e" "c" (global $c v128)) (global $own (export "own") (mut v128) (v128.const i32x4 1 2 3 4))
                    (func (export "f") (result v128) (global.set $own (i32x4.add (global.get $own) (global.get $c))) (global.set $m (global.get $own)) (global.get $m)))
            """);
        using Store store = new(_engine);
        Global mutable = store.CreateGlobal(new GlobalType(ValueKind.V128, isMutable: true), Value.FromVector(Vector128.Create(0)));
        Global constant = store.CreateGlobal(new GlobalType(ValueKind.V128, isMutable: false), Value.FromVector(Vector128.Create(10, 20, 30, 40)));
        Instance instance = new Linker(_engine).Define("e", "m", mutable).Define("e", "c", constant).Instantiate(store, module);
        Assert.Equal(Vector128.Create(11, 22, 33, 44), instance.GetFunction<Vector128<int>>("f").Invoke());
        Assert.Equal(Vector128.Create(11, 22, 33, 44), mutable.Value.AsVector<int>());
        Global own = instance.GetGlobal("own");
        own.Value = Value.FromVector(Vector128.Create(-1));
        Assert.Equal(Vector128.Create(9, 19, 29, 39), instance.GetFunction<Vector128<int>>("f").Invoke());
    }

    // A pooled slot is handed on: nothing of the tenant before is in its vector globals.
    [Fact]
    public void Vector_globals_are_reset()
    {
        using Module module = Module.FromText(_engine, """
            (module (global $g (mut v128) (v128.const i64x2 5 6)) (func (export "get") (result v128) (global.get $g)) (func (export "set") (param v128) (global.set $g (local.get 0))))
            """);
        using InstanceTemplate template = new Linker(_engine).Prepare(module);
        for (int i = 0; i < 50; i++)
        {
            using Instance instance = template.Instantiate();
            Assert.Equal(Vector128.Create(5L, 6L), instance.GetFunction<Vector128<long>>("get").Invoke());
            instance.GetAction<Vector128<long>>("set").Invoke(Vector128.Create(-1L));
        }
    }
}

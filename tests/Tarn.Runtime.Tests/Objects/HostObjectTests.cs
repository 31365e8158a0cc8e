// Structures and arrays that the host makes, reads and writes: what it is given it finds, what does not fit is refused, and the collector knows of all of it.
namespace Tarn.Runtime.Tests.Objects;

public sealed class HostObjectTests : IDisposable
{
    private const string Text = """
        (module
          (type $point (struct (field $x (mut i32)) (field $y f64) (field $name externref) (field $next (mut (ref null $point))) (field $small (mut i8)) (field $f (mut funcref))))
          (type $bytes (array (mut i8)))
          (type $chars (array (mut i16)))
          (type $fixed (array i32))
          (type $points (array (mut (ref $point))))
          (type $any (array (mut anyref)))
          (type $lanes (array (mut v128)))
          (func (export "x") (param (ref $point)) (result i32) (struct.get $point $x (local.get 0)))
          (func (export "depth") (param (ref null $point)) (result i32) (local $n i32)
            (block $done (loop $l
              (br_if $done (ref.is_null (local.get 0)))
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (local.set 0 (struct.get $point $next (local.get 0)))
              (br $l)))
            (local.get $n))
          (func (export "sum") (param (ref $bytes)) (result i32) (local $i i32) (local $sum i32)
            (block $done (loop $l
              (br_if $done (i32.ge_u (local.get $i) (array.len (local.get 0))))
              (local.set $sum (i32.add (local.get $sum) (array.get_u $bytes (local.get 0) (local.get $i))))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br $l)))
            (local.get $sum))
          (func (export "first") (param (ref $points)) (result i32) (struct.get $point $x (array.get $points (local.get 0) (i32.const 0))))
          (func (export "chars") (param (ref $chars)))
          (func (export "fixed") (param (ref $fixed)) (result i32) (array.len (local.get 0)))
          (func (export "any") (param (ref $any)) (result anyref) (array.get $any (local.get 0) (i32.const 0)))
          (func (export "lanes") (param (ref $lanes)))
          (func (export "make") (result (ref $point)) (struct.new $point (i32.const 1) (f64.const 2) (ref.null extern) (ref.null $point) (i32.const -1) (ref.null func)))
          (func $garbage (export "garbage") (param $n i64)
            (loop $l
              (drop (array.new_default $bytes (i32.const 16)))
              (br_if $l (i64.gt_s (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0))))))
        """;

    private readonly Engine _engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand });
    private readonly Module _module;
    private readonly Instance _instance;

    public HostObjectTests()
    {
        _module = Module.FromText(_engine, Text);
        _instance = new Linker(_engine).Prepare(_module).Instantiate();
    }

    private Store Store => _instance.Store;

    public void Dispose()
    {
        _instance.Dispose();
        _module.Dispose();
        _engine.Dispose();
    }

    [Fact]
    public void A_structure_has_the_fields_it_was_given()
    {
        object name = new();
        using StructReference point = MakePoint(5, name);
        Collect();
        Assert.Equal(6, point.FieldCount);
        Assert.Equal(5, point[0].AsInt32());
        Assert.Equal(2.5, point[1].AsDouble());
        Assert.Same(name, point[2].AsObject());
        Assert.True(point[3].IsNull);
        Assert.Equal(200, point[4].AsInt32());
        Assert.Equal(5, _instance.GetFunction("x").Invoke(Value.FromAny(point))[0].AsInt32());
        point[0] = 6;
        point[4] = 0x1FF;
        point[3] = Value.FromAny(point);
        point[5] = _instance.GetFunction("x");
        Collect();
        Assert.Equal(6, _instance.GetFunction("x").Invoke(Value.FromAny(point))[0].AsInt32());
        Assert.Equal(255, point[4].AsInt32());
        Assert.Equal(6, point[5].AsFunction().Invoke(point[3])[0].AsInt32());
        using var self = (StructReference)point[3].AsAny()!;
        Assert.True(self.RefersToSame(point));
        Assert.Equal(Type("x"), point.Type);
    }

    [Fact]
    public void Old_structures_keep_new_ones_alive()
    {
        using StructReference head = MakePoint(0, null);
        Collect();
        StructReference last = head;
        for (int i = 1; i < 200; i++)
        {
            StructReference next = MakePoint(i, null);
            last[3] = Value.FromAny(next);
            last.Dispose();
            last = next;
            _instance.GetFunction("garbage").Invoke(5000L);
        }
        last.Dispose();
        Assert.Throws<ObjectDisposedException>(() => head.FieldCount);
        using StructReference again = MakePoint(0, null);
        Assert.Equal(1, _instance.GetFunction("depth").Invoke(Value.FromAny(again))[0].AsInt32());
    }

    [Fact]
    public void A_chain_of_structures_is_as_long_as_it_was_made()
    {
        using StructReference head = MakePoint(0, null);
        StructReference last = head;
        for (int i = 1; i < 200; i++)
        {
            StructReference next = MakePoint(i, null);
            last[3] = Value.FromAny(next);
            if (last != head)
                last.Dispose();
            last = next;
            _instance.GetFunction("garbage").Invoke(5000L);
        }
        last.Dispose();
        Assert.Equal(200, _instance.GetFunction("depth").Invoke(Value.FromAny(head))[0].AsInt32());
    }

    [Fact]
    public void Arrays_are_copied_as_blocks_and_by_element()
    {
        using ArrayReference bytes = Store.CreateArray<byte>(Type("sum"), [1, 2, 250]);
        Assert.Equal(3, bytes.Length);
        Assert.Equal(253, _instance.GetFunction("sum").Invoke(Value.FromAny(bytes))[0].AsInt32());
        bytes[0] = 4;
        bytes.CopyFrom<sbyte>(1, [5, -1]);
        Collect();
        Assert.Equal([4, 5, 255], bytes.ToArray<byte>());
        Assert.Equal(255, bytes[2].AsInt32());
        using ArrayReference large = Store.CreateArray(Type("sum"), 3_000_000);
        Assert.Equal(0, _instance.GetFunction("sum").Invoke(Value.FromAny(large))[0].AsInt32());
        using ArrayReference text = Store.CreateArray<char>(Type("chars"), "häuser");
        Assert.Equal("häuser", new string(text.ToArray<char>()));
        using ArrayReference points = Store.CreateArray(Type("first"), [Value.FromAny(MakePoint(9, null))]);
        Collect();
        Assert.Equal(9, _instance.GetFunction("first").Invoke(Value.FromAny(points))[0].AsInt32());
        using ArrayReference any = Store.CreateArray(Type("any"), [Value.FromAny(new I31Reference(-3))]);
        Assert.Equal(-3, Assert.IsType<I31Reference>(_instance.GetFunction("any").Invoke(Value.FromAny(any))[0].AsAny()).Value);
        using ArrayReference lanes = Store.CreateArray<Int128>(Type("lanes"), [Int128.One]);
        Assert.Equal(Int128.One, lanes.ToArray<Int128>()[0]);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        DefinedType point = Type("x");
        Assert.Throws<ArgumentException>(() => Store.CreateStruct(point, 1, 2));
        Assert.Throws<ArgumentException>(() => Store.CreateStruct(Type("sum"), 1));
        Assert.Throws<ArgumentException>(() => Store.CreateArray(point, 1));
        Assert.Throws<ArgumentException>(() => Store.CreateArray(Type("first"), 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Store.CreateArray(Type("sum"), -1));
        Assert.Throws<ArgumentException>(() => Store.CreateArray<int>(Type("sum"), [1]));
        Assert.Throws<ArgumentException>(() => Store.CreateArray<float>(Type("fixed"), [1]));
        Assert.Throws<ArgumentException>(() => Store.CreateArray<Guid>(Type("first"), [default]));
        Assert.Throws<ArgumentException>(() => Store.CreateArray(Type("first"), [Value.FromAny(null)]));
        Assert.Throws<ArgumentException>(() => Store.CreateArray(Type("first"), [Value.FromAny(new object())]));
        TrapException full = Assert.Throws<TrapException>(() => Store.CreateArray(Type("sum"), 400 << 20));
        Assert.Equal(TrapCode.AllocationTooLarge, full.Code);
        using StructReference made = MakePoint(1, null);
        Assert.Throws<ArgumentOutOfRangeException>(() => made[6]);
        Assert.Throws<ArgumentOutOfRangeException>(() => made[-1]);
        Assert.Throws<InvalidOperationException>(() => made[1] = 1.0);
        Assert.Throws<ArgumentException>(() => made[0] = 1L);
        Assert.Throws<ArgumentException>(() => made[3] = Value.FromAny(new I31Reference(1)));
        using ArrayReference fixedArray = Store.CreateArray<int>(Type("fixed"), [1, 2]);
        Assert.Throws<InvalidOperationException>(() => fixedArray[0] = 1);
        Assert.Throws<InvalidOperationException>(() => fixedArray.CopyFrom<int>(0, [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => fixedArray.CopyTo<int>(1, new int[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => fixedArray.CopyTo<int>(-1, new int[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => fixedArray[2]);
        Assert.Throws<ArgumentOutOfRangeException>(() => new I31Reference(1 << 30));
        using var other = new Store(_engine);
        Assert.Throws<ArgumentException>(() => other.CreateStruct(point, 1, 2.0, Value.NullExtern, Value.FromAny(null), 0, Value.NullFunction));
        using Instance second = new Linker(_engine).Prepare(_module).Instantiate();
        using StructReference theirs = second.Store.CreateStruct(point, 1, 2.0, Value.NullExtern, Value.FromAny(null), 0, Value.NullFunction);
        Assert.Throws<ArgumentException>(() => made[3] = Value.FromAny(theirs));
        Assert.False(made.RefersToSame(theirs));
    }

    [Fact]
    public void Typed_functions_take_and_give_references()
    {
        var linker = new Linker(_engine);
        linker.DefineFunction("host", "weigh", (StructReference point) => point[0].AsInt32() * 10);
        linker.DefineFunction("host", "make", new FunctionType([], [WasmValueType.Reference(Type("x"), isNullable: false)]), (_, _, results) => results[0] = _next);
        using Module module = Module.FromText(_engine, Text.Insert(Text.IndexOf("(func (export \"x\")", StringComparison.Ordinal), """
            (import "host" "weigh" (func $weigh (param (ref $point)) (result i32)))
            (import "host" "make" (func $make (result (ref $point))))
            (func (export "weighed") (result i32) (call $weigh (call $make)))
            (func (export "echo") (param anyref) (result anyref) (local.get 0))
            """));
        using Instance instance = linker.Prepare(module).Instantiate();
        DefinedType type = instance.GetFunction("x").Type.Parameters[0].DefinedType!;
        using StructReference made = instance.Store.CreateStruct(type, 7, 2.0, Value.NullExtern, Value.FromAny(null), 0, Value.NullFunction);
        _next = Value.FromAny(made);
        Assert.Equal(70, instance.GetFunction<int>("weighed").Invoke());
        _next = Value.FromAny(new I31Reference(5));
        Assert.Throws<ArgumentException>(() => instance.GetFunction<int>("weighed").Invoke());
        _next = Value.FromAny(null);
        Assert.Throws<ArgumentException>(() => instance.GetFunction<int>("weighed").Invoke());
        using StructReference echoed = Assert.IsType<StructReference>(instance.GetFunction<GuestReference, GuestReference>("echo").Invoke(made));
        Assert.True(echoed.RefersToSame(made));
        using StructReference point = instance.GetFunction<StructReference>("make").Invoke();
        Assert.Equal(255, point[4].AsInt32());
        Assert.Throws<ArgumentException>(() => instance.GetFunction<StructReference, int>("x"));
    }

    private Value _next;

    private DefinedType Type(string export) => _instance.GetFunction(export).Type.Parameters[0].DefinedType!;

    private StructReference MakePoint(int x, object? name) =>
        Store.CreateStruct(Type("x"), x, 2.5, Value.FromObject(name), Value.FromAny(null), 200, Value.NullFunction);

    private void Collect() => _instance.Data.Store.ManagedHeap!.Collect(0, forceFull: true);
}

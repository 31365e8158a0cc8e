// Instantiation as the specification orders it, memories, tables and globals through the host's eyes, and disposal.
namespace Tarn.Runtime.Tests.Api;

public sealed class InstantiationTests : IDisposable
{
    private readonly Engine _engine = new(new EngineOptions { Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Tables = 2 } } });

    public void Dispose() => _engine.Dispose();

    [Fact]
    public void Globals_take_their_initial_values()
    {
        using Instance i = Instantiate("""
            (module (global $a (export "a") i32 (i32.const -5)) (global (export "b") i64 (i64.add (i64.const 40) (i64.mul (i64.const 1) (i64.const 2))))
              (global (export "c") f32 (f32.const 1.5)) (global (export "d") f64 (f64.const -0.0)) (global (export "e") funcref (ref.null func))
              (global (export "f") i32 (i32.sub (global.get $a) (i32.const 1))) (global (export "g") externref (ref.null extern)))
            """);
        Assert.Equal(-5, i.GetGlobal("a").Value.AsInt32());
        Assert.Equal(42, i.GetGlobal("b").Value.AsInt64());
        Assert.Equal(1.5f, i.GetGlobal("c").Value.AsSingle());
        Assert.Equal(-0.0, i.GetGlobal("d").Value.AsDouble());
        Assert.True(i.GetGlobal("e").Value.IsNull);
        Assert.Equal(-6, i.GetGlobal("f").Value.AsInt32());
        Assert.True(i.GetGlobal("g").Value.IsNull);
    }

    [Fact]
    public void Immutable_globals_cannot_be_set_and_types_are_checked()
    {
        using Instance i = Instantiate("""(module (global (export "a") i32 (i32.const 1)) (global (export "b") (mut i32) (i32.const 1)))""");
        Global a = i.GetGlobal("a");
        Assert.Throws<InvalidOperationException>(() => a.Value = 2);
        Global b = i.GetGlobal("b");
        Assert.Throws<ArgumentException>(() => b.Value = 2L);
        b.Value = 3;
        Assert.Equal(3, b.Value.AsInt32());
    }

    [Fact]
    public void Data_segments_are_copied_in_order()
    {
        using Instance i = Instantiate("""(module (memory (export "memory") 1) (data (i32.const 0) "aaaa") (data (i32.const 2) "bb") (data "passive"))""");
        Assert.Equal("aabb", i.Memory.ReadNullTerminatedUtf8(0));
    }

    [Fact]
    public void What_earlier_segments_wrote_to_a_shared_memory_stays_when_a_later_one_traps()
    {
        using var store = new Store(_engine);
        Memory memory = store.CreateMemory(new MemoryType(1));
        using Module module = Module.FromText(_engine, """(module (import "e" "m" (memory 1)) (data (i32.const 0) "kept") (data (i32.const 65533) "beyond"))""");
        TrapException e = Assert.Throws<TrapException>(() => new Linker(_engine).Define("e", "m", memory).Instantiate(store, module));
        Assert.Equal(TrapCode.MemoryOutOfBounds, e.Code);
        Assert.StartsWith("out of bounds memory access", e.Message, StringComparison.Ordinal);
        Assert.Equal("kept", memory.ReadUtf8(0, 4));
        Assert.Equal(0, memory.Read<int>(65532));
    }

    [Fact]
    public void Functions_that_leaked_from_a_failed_instantiation_stay_callable()
    {
        using var store = new Store(_engine);
        Table table = store.CreateTable(new TableType(ValueKind.FuncRef, 2));
        using (Module module = Module.FromText(_engine, """
            (module (import "e" "t" (table 2 funcref)) (import "e" "f" (func $f (result i32)))
              (elem (i32.const 0) $f) (elem (i32.const 1) $f $f))
            """))
        {
            Linker linker = new Linker(_engine).Define("e", "t", table).DefineFunction("e", "f", () => 99);
            TrapException e = Assert.Throws<TrapException>(() => linker.Instantiate(store, module));
            Assert.Equal(TrapCode.TableOutOfBounds, e.Code);
        }
        GC.Collect();
        Assert.Equal(99, table.Get(0).AsFunction().Invoke()[0].AsInt32());
        Assert.True(table.Get(1).IsNull);
    }

    [Fact]
    public void Tables_take_initial_elements_and_grow()
    {
        using Instance i = Instantiate("""
            (module (import "e" "f" (func $f (result i32))) (table (export "t") 3 10 funcref (ref.func $f)) (table (export "x") 1 externref))
            """, new Linker(_engine).DefineFunction("e", "f", () => 5));
        Table t = i.GetTable("t");
        Assert.Equal(5, t.Get(2).AsFunction().Invoke()[0].AsInt32());
        Assert.Equal(3, t.Grow(7, Value.NullFunction));
        Assert.True(t.Get(9).IsNull);
        Assert.Throws<InvalidOperationException>(() => t.Grow(1, Value.NullFunction));
        Assert.Throws<ArgumentOutOfRangeException>(() => t.Get(10));
        Assert.Throws<ArgumentException>(() => t.Set(0, Value.FromObject("x")));
        Table x = i.GetTable("x");
        x.Set(0, Value.FromObject("x"));
        Assert.Equal("x", x.Get(0).AsObject());
    }

    [Theory]
    [InlineData(MemoryStrategy.Guarded)]
    [InlineData(MemoryStrategy.Checked)]
    public void Memory_is_checked_grown_and_zero(MemoryStrategy strategy)
    {
        using var engine = new Engine(new EngineOptions { MemoryStrategy = strategy });
        using Module module = Module.FromText(engine, """(module (memory (export "memory") 1 3))""");
        using Instance i = new Linker(engine).Prepare(module).Instantiate();
        Memory memory = i.Memory;
        Assert.Equal((65536, 1, 3), (memory.Length, memory.Pages, memory.GrowthLimit));
        memory.Write(65532, 0x12345678);
        Assert.Equal(0x12345678, memory.Read<int>(65532));
        ArgumentOutOfRangeException e = Assert.Throws<ArgumentOutOfRangeException>(() => memory.Read<int>(65533));
        Assert.Contains("4 bytes at offset 65533 are not within the memory's 65536 bytes", e.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Read<int>(-1));
        Assert.Equal(1, memory.Grow(2));
        Assert.Equal(0x12345678, memory.Read<int>(65532));
        Assert.Equal(0, memory.Read<long>((3 * 65536) - 8));
        Assert.Throws<InvalidOperationException>(() => memory.Grow(1));
        Assert.Equal(6, memory.WriteUtf8(0, "päöx"));
        Assert.Equal("päöx", memory.ReadUtf8(0, 6));
    }

    [Fact]
    public void A_memory_above_the_engines_limit_fails_instantiation()
    {
        using var engine = new Engine(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, MaximumMemoryPages = 4 });
        using Module tooLarge = Module.FromText(engine, "(module (memory 5))");
        Assert.Contains("MaximumMemoryPages", Assert.Throws<InstantiationException>(() => new Linker(engine).Prepare(tooLarge).Instantiate()).Message, StringComparison.Ordinal);
        using Module fits = Module.FromText(engine, """(module (memory (export "memory") 4))""");
        using Instance instance = new Linker(engine).Prepare(fits).Instantiate();
        Assert.False(instance.Memory.TryGrow(1, out _));
    }

    [Fact]
    public void Handles_of_a_disposed_instance_are_stale()
    {
        Instance i = Instantiate("""
            (module (import "e" "f" (func $f (result i32))) (export "f" (func $f)) (memory (export "memory") 1) (table (export "t") 1 funcref) (global (export "g") i32 (i32.const 1)))
            """, new Linker(_engine).DefineFunction("e", "f", () => 5));
        Memory memory = i.Memory;
        TypedFunction<int> f = i.GetFunction<int>("f");
        Function untyped = i.GetFunction("f");
        Table table = i.GetTable("t");
        Global global = i.GetGlobal("g");
        i.Dispose();
        i.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.Length);
        Assert.Throws<ObjectDisposedException>(() => f.Invoke());
        Assert.Throws<ObjectDisposedException>(() => untyped.Invoke());
        Assert.Throws<ObjectDisposedException>(() => table.Length);
        Assert.Throws<ObjectDisposedException>(() => global.Value);
        Assert.Throws<ObjectDisposedException>(() => i.Memory);
    }

    [Fact]
    public void An_instance_that_its_own_host_function_disposes_ends_when_the_guest_has_been_left()
    {
        Instance? instance = null;
        bool returned = false;
        using Module module = Module.FromText(_engine, """(module (import "e" "f" (func $f)) (memory (export "memory") 1) (func (export "f") (call $f) (i32.store (i32.const 0) (i32.const 1))))""");
        var linker = new Linker(_engine).DefineFunction("e", "f", (Caller caller) =>
        {
            instance!.Dispose();
            Assert.Throws<ObjectDisposedException>(() => instance.Memory);
            Assert.Throws<ObjectDisposedException>(() => caller.Memory);
            returned = true;
        });
        instance = linker.Prepare(module).Instantiate();
        TypedAction f = instance.GetAction("f");
        Memory memory = instance.Memory;
        f.TryInvoke(out Trap? trap);
        Assert.True(returned);
        Assert.True(trap is null || trap.Code == TrapCode.Interrupted);
        Assert.Throws<ObjectDisposedException>(() => f.Invoke());
        Assert.Throws<ObjectDisposedException>(() => memory.Length);
        instance.Dispose();
    }

    [Fact]
    public void A_module_may_be_disposed_before_its_instances()
    {
        Module module = Module.FromText(_engine, """(module (memory (export "memory") 1))""");
        using Instance instance = new Linker(_engine).Prepare(module).Instantiate();
        module.Dispose();
        Assert.Equal(1, instance.Memory.Pages);
        Assert.Throws<ObjectDisposedException>(() => new Linker(_engine).Prepare(module));
    }

    private Instance Instantiate(string text, Linker? linker = null)
    {
        using Module module = Module.FromText(_engine, text);
        using InstanceTemplate template = (linker ?? new Linker(_engine)).Prepare(module);
        return template.Instantiate();
    }
}

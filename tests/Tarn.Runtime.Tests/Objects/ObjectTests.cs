// Managed objects and their collector as an embedder meets them: what lives stays what it was, whoever holds it; what is full traps and goes on; what is over leaves nothing behind.
using System.Runtime.CompilerServices;

namespace Tarn.Runtime.Tests.Objects;

public sealed class ObjectTests
{
    // Lists of numbers, and ways to make garbage.
    private const string Lists = """
        (module
          (type $list (sub (struct (field $value i64) (field $next (mut (ref null $list))))))
          (type $long (sub final $list (struct (field $value i64) (field $next (mut (ref null $list))) (field $more i32))))
          (type $bytes (array (mut i8)))
          (type $refs (array (mut (ref null $list))))
          (import "host" "call" (func $call))
          (global $kept (export "kept") (mut (ref null $list)) (struct.new $list (i64.const 7) (struct.new $list (i64.const 8) (ref.null $list))))
          (table $table (export "table") 4 (ref null $list))
          (elem $segment (ref null $list) (struct.new $list (i64.const 40) (ref.null $list)) (item ref.null $list))
          (func $make (export "make") (param $n i64) (result (ref null $list)) (local $head (ref null $list))
            (block $done
              (loop $l
                (br_if $done (i64.eqz (local.get $n)))
                (local.set $head (struct.new $list (local.get $n) (local.get $head)))
                (local.set $n (i64.sub (local.get $n) (i64.const 1)))
                (br $l)))
            (local.get $head))
          (func $sum (export "sum") (param $head (ref null $list)) (result i64) (local $sum i64)
            (block $done
              (loop $l
                (br_if $done (ref.is_null (local.get $head)))
                (local.set $sum (i64.add (local.get $sum) (struct.get $list $value (local.get $head))))
                (local.set $head (struct.get $list $next (local.get $head)))
                (br $l)))
            (local.get $sum))
          (func $garbage (export "garbage") (param $n i64)
            (loop $l
              (drop (struct.new $list (i64.const 1) (ref.null $list)))
              (br_if $l (i64.gt_s (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0)))))
          (func (export "keep") (param (ref null $list)) (global.set $kept (local.get 0)))
          (func (export "kept-sum") (result i64) (call $sum (global.get $kept)))
          (func (export "from-segment") (result i64)
            (table.init $table $segment (i32.const 0) (i32.const 0) (i32.const 2))
            (call $sum (table.get $table (i32.const 0))))
          (func (export "append") (param (ref null $list)) (struct.set $list $next (ref.as_non_null (global.get $kept)) (local.get 0)))
          (func (export "across") (param $n i64) (result i64) (local $a (ref null $list)) (local $b (ref null $list))
            (local.set $a (call $make (local.get $n)))
            (local.set $b (call $make (i64.const 10)))
            (call $call)
            (i64.add (call $sum (local.get $a)) (call $sum (local.get $b))))
          (func $deep (export "deep") (param $n i32) (result i64) (local $mine (ref null $list))
            (if (i32.eqz (local.get $n)) (then (call $garbage (i64.const 200000)) (return (i64.const 0))))
            (local.set $mine (struct.new $list (i64.extend_i32_s (local.get $n)) (ref.null $list)))
            (i64.add (call $deep (i32.sub (local.get $n) (i32.const 1))) (struct.get $list $value (local.get $mine))))
          (func (export "bytes") (param i32) (result (ref $bytes)) (array.new_default $bytes (local.get 0)))
          (func (export "refs") (param $n i32) (result i64) (local $a (ref $refs)) (local $i i32)
            (local.set $a (array.new_default $refs (local.get $n)))
            (loop $l
              (array.set $refs (local.get $a) (local.get $i) (struct.new $list (i64.extend_i32_s (local.get $i)) (ref.null $list)))
              (br_if $l (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
            (call $garbage (i64.const 200000))
            (i64.add
              (call $sum (array.get $refs (local.get $a) (i32.sub (local.get $n) (i32.const 1))))
              (call $sum (array.get $refs (local.get $a) (i32.const 1)))))
          (func (export "nonzero") (param $n i32) (result i32) (local $a (ref $bytes)) (local $i i32) (local $any i32)
            (local.set $a (array.new_default $bytes (local.get $n)))
            (loop $l
              (local.set $any (i32.or (local.get $any) (array.get_u $bytes (local.get $a) (local.get $i))))
              (br_if $l (i32.lt_s (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
            (local.get $any))
          (func (export "fill") (param $n i32) (result i32) (array.len (array.new $bytes (i32.const 255) (local.get $n))))
          (func (export "is-long") (param (ref null $list)) (result i32) (ref.test (ref $long) (local.get 0)))
          (func (export "long") (result (ref null $list)) (struct.new $long (i64.const 5) (ref.null $list) (i32.const 6)))
          (func (export "take-long") (param (ref null $long)) (result i32) (struct.get $long $more (local.get 0)))
          (func (export "small") (result i31ref) (ref.i31 (i32.const -9)))
          (func (export "echo") (param anyref) (result anyref) (local.get 0)))
        """;

    public static TheoryData<AllocationStrategy, CompilationMode> Configurations => new()
    {
        { AllocationStrategy.OnDemand, CompilationMode.Eager },
        { AllocationStrategy.OnDemand, CompilationMode.Lazy },
        { AllocationStrategy.Pooling, CompilationMode.Eager },
    };

    [Theory]
    [MemberData(nameof(Configurations))]
    public void What_lives_stays_what_it_was(AllocationStrategy allocation, CompilationMode mode)
    {
        using Engine engine = Make(allocation, mode);
        using Instance i = Instantiate(engine);
        Value list = i.GetFunction("make").Invoke(100_000L)[0];
        for (int round = 0; round < 5; round++)
        {
            i.GetFunction("garbage").Invoke(300_000L);
            Assert.Equal(5_000_050_000, i.GetFunction("sum").Invoke(list)[0].AsInt64());
        }
        i.GetFunction("keep").Invoke(list);
        i.GetFunction("garbage").Invoke(300_000L);
        Assert.Equal(5_000_050_000, i.GetFunction("kept-sum").Invoke()[0].AsInt64());
        Assert.Equal(999 * 1000 / 2, i.GetFunction("deep").Invoke(999)[0].AsInt64());
        Assert.Equal(40, i.GetFunction("from-segment").Invoke()[0].AsInt64());
        Assert.Equal(99_999 + 1, i.GetFunction("refs").Invoke(100_000)[0].AsInt64());
        Assert.True(i.Data.Store.ManagedHeap!.Collections > 10);
    }

    [Fact]
    public void An_old_object_keeps_a_young_one_alive()
    {
        using Engine engine = Make(AllocationStrategy.OnDemand, CompilationMode.Eager);
        using Instance i = Instantiate(engine);
        i.GetFunction("garbage").Invoke(300_000L);
        for (int round = 1; round < 20; round++)
        {
            Value young = i.GetFunction("make").Invoke((long)round)[0];
            i.GetFunction("append").Invoke(young);
            ((GuestReference)young.AsAny()!).Dispose();
            i.GetFunction("garbage").Invoke(100_000L);
            Assert.Equal(7 + (round * (round + 1) / 2), i.GetFunction("kept-sum").Invoke()[0].AsInt64());
        }
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Frames_of_guests_that_wait_for_the_host_are_roots(AllocationStrategy allocation, CompilationMode mode)
    {
        using Engine engine = Make(allocation, mode);
        Instance? instance = null;
        using Instance i = Instantiate(engine, () =>
        {
            instance!.GetFunction("garbage").Invoke(300_000L);
            Assert.Equal(500_500, instance.GetFunction("sum").Invoke(instance.GetFunction("make").Invoke(1000L)[0])[0].AsInt64());
        });
        instance = i;
        Assert.Equal(50_005_000 + 55, i.GetFunction("across").Invoke(10_000L)[0].AsInt64());
    }

    [Fact]
    public async Task Suspended_guests_are_roots()
    {
        using Engine engine = Make(AllocationStrategy.OnDemand, CompilationMode.Eager);
        var gate = new TaskCompletionSource();
        using Module module = Module.FromText(engine, Lists);
        using var store = new Store(engine);
        var linker = new Linker(engine);
        linker.DefineFunction("host", "call", async ValueTask () => await gate.Task);
        Instance waiting = linker.Instantiate(store, module);
        ValueTask<Value[]> call = waiting.GetFunction("across").InvokeAsync([10_000L]);
        Assert.False(call.IsCompleted);
        linker = new Linker(engine);
        linker.DefineFunction("host", "call", () => { });
        Instance other = linker.Instantiate(store, module);
        for (int round = 0; round < 3; round++)
            other.GetFunction("garbage").Invoke(300_000L);
        gate.SetResult();
        Assert.Equal(50_005_000 + 55, (await call)[0].AsInt64());
    }

    [Fact]
    public void Two_instances_share_objects()
    {
        using Engine engine = Make(AllocationStrategy.OnDemand, CompilationMode.Eager);
        using Module module = Module.FromText(engine, Lists);
        using var store = new Store(engine);
        Linker linker = new Linker(engine).DefineFunction("host", "call", () => { });
        Instance one = linker.Instantiate(store, module);
        Instance two = linker.Instantiate(store, module);
        two.GetFunction("keep").Invoke(one.GetFunction("make").Invoke(1000L)[0]);
        one.GetFunction("garbage").Invoke(300_000L);
        two.GetFunction("garbage").Invoke(300_000L);
        Assert.Equal(500_500, two.GetFunction("kept-sum").Invoke()[0].AsInt64());
    }

    [Theory]
    [InlineData(AllocationStrategy.OnDemand)]
    [InlineData(AllocationStrategy.Pooling)]
    public void A_full_heap_traps_and_goes_on(AllocationStrategy allocation)
    {
        using Engine engine = new(Options(allocation) with { MaximumHeapBytes = 4 << 20 });
        using Instance i = Instantiate(engine);
        Assert.False(i.GetFunction("make").TryInvoke([10_000_000L], new Value[1], out Trap? trap));
        Assert.Equal(TrapCode.AllocationTooLarge, trap.Code);
        Assert.Contains("MaximumHeapBytes", trap.Message, StringComparison.Ordinal);
        Assert.Equal(5050, i.GetFunction("sum").Invoke(i.GetFunction("make").Invoke(100L)[0])[0].AsInt64());
        Assert.False(i.GetFunction("bytes").TryInvoke([5 << 20], new Value[1], out trap));
        Assert.Equal(TrapCode.AllocationTooLarge, trap.Code);
        Assert.False(i.GetFunction("bytes").TryInvoke([-1], new Value[1], out trap));
        Assert.Equal(TrapCode.AllocationTooLarge, trap.Code);
        for (int round = 0; round < 50; round++)
        {
            Value bytes = i.GetFunction("bytes").Invoke(1 << 20)[0];
            ((GuestReference)bytes.AsAny()!).Dispose();
        }
        i.GetFunction("garbage").Invoke(1_000_000L);
        Assert.Equal(15, i.GetFunction("kept-sum").Invoke()[0].AsInt64());
    }

    [Fact]
    public void A_slot_begins_each_life_with_what_constant_expressions_made()
    {
        using Engine engine = new(Options(AllocationStrategy.Pooling) with { Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 1 } } });
        using Module module = Module.FromText(engine, Lists);
        using InstanceTemplate template = new Linker(engine).DefineFunction("host", "call", () => { }).Prepare(module);
        for (int life = 0; life < 20; life++)
        {
            using Instance i = template.Instantiate();
            Assert.Equal(15, i.GetFunction("kept-sum").Invoke()[0].AsInt64());
            Assert.Equal(40, i.GetFunction("from-segment").Invoke()[0].AsInt64());
            // What the last life wrote everywhere is nowhere.
            Assert.Equal(0, i.GetFunction("nonzero").Invoke(300_000)[0].AsInt32());
            Assert.Equal(0, i.GetFunction("nonzero").Invoke(10_000)[0].AsInt32());
            i.GetFunction("keep").Invoke(i.GetFunction("make").Invoke(life * 10_000L)[0]);
            i.GetFunction("garbage").Invoke(100_000L);
            Assert.Equal(300_000, i.GetFunction("fill").Invoke(300_000)[0].AsInt32());
            for (int k = 0; k < 60; k++)
                Assert.Equal(10_000, i.GetFunction("fill").Invoke(10_000)[0].AsInt32());
        }
    }

    [Fact]
    public void Heaps_are_limited_in_number()
    {
        using Engine engine = new(Options(AllocationStrategy.Pooling) with { Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 4 }, TotalHeaps = 1 } });
        using Module module = Module.FromText(engine, Lists);
        using InstanceTemplate template = new Linker(engine).DefineFunction("host", "call", () => { }).Prepare(module);
        using (Instance first = template.Instantiate())
        {
            PoolExhaustedException refused = Assert.Throws<PoolExhaustedException>(() => template.Instantiate());
            Assert.Equal("heap", refused.Pool);
            Assert.Contains("TotalHeaps", refused.Message, StringComparison.Ordinal);
        }
        using Instance second = template.Instantiate();
        Assert.Equal(15, second.GetFunction("kept-sum").Invoke()[0].AsInt64());
        using Module plain = Module.FromText(engine, "(module (func (export \"f\")))");
        using Instance without = new Linker(engine).Prepare(plain).Instantiate();
        Assert.Null(without.Data.Store.ManagedHeap);
    }

    [Fact]
    public void References_of_the_host_follow_what_they_refer_to()
    {
        using Engine engine = Make(AllocationStrategy.OnDemand, CompilationMode.Eager);
        using Instance i = Instantiate(engine);
        Value list = i.GetFunction("long").Invoke()[0];
        StructReference reference = Assert.IsType<StructReference>(list.AsAny());
        i.GetFunction("garbage").Invoke(300_000L);
        Assert.Equal(1, i.GetFunction("is-long").Invoke(list)[0].AsInt32());
        Assert.Equal(6, i.GetFunction("take-long").Invoke(list)[0].AsInt32());
        Value shorter = i.GetFunction("make").Invoke(1L)[0];
        Assert.Throws<ArgumentException>(() => i.GetFunction("take-long").Invoke(shorter));
        Value small = i.GetFunction("small").Invoke()[0];
        Assert.Equal(-9, Assert.IsType<I31Reference>(small.AsAny()).Value);
        Assert.Throws<ArgumentException>(() => i.GetFunction("take-long").Invoke(small));
        object mine = new();
        Assert.Same(mine, i.GetFunction("echo").Invoke(Value.FromAny(mine))[0].AsAny());
        Assert.Throws<ArgumentException>(() => i.GetFunction("take-long").Invoke(Value.FromAny(mine)));
        using Instance other = Instantiate(engine);
        Assert.Throws<ArgumentException>(() => other.GetFunction("echo").Invoke(list));
        reference.Dispose();
        Assert.Throws<ObjectDisposedException>(() => i.GetFunction("is-long").Invoke(list));
        Assert.Throws<ObjectDisposedException>(() => reference.FieldCount);
    }

    [Fact]
    public void References_end_with_their_instance()
    {
        using Engine engine = new(Options(AllocationStrategy.Pooling) with { Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 1 } } });
        using Module module = Module.FromText(engine, Lists);
        using InstanceTemplate template = new Linker(engine).DefineFunction("host", "call", () => { }).Prepare(module);
        Instance first = template.Instantiate();
        Value kept = first.GetFunction("make").Invoke(3L)[0];
        first.Dispose();
        using Instance second = template.Instantiate();
        Assert.Throws<ArgumentException>(() => second.GetFunction("sum").Invoke(kept));
        Assert.Throws<ObjectDisposedException>(() => ((StructReference)kept.AsAny()!).FieldCount);
        ((GuestReference)kept.AsAny()!).Dispose();
        Value mine = second.GetFunction("make").Invoke(4L)[0];
        second.GetFunction("garbage").Invoke(300_000L);
        Assert.Equal(10, second.GetFunction("sum").Invoke(mine)[0].AsInt64());
    }

    [Fact]
    public void Objects_of_the_host_that_guests_drop_are_released()
    {
        using Engine engine = Make(AllocationStrategy.OnDemand, CompilationMode.Eager);
        using Module module = Module.FromText(engine, """
            (module
              (type $box (struct (field externref)))
              (global $kept (mut (ref null $box)) (ref.null $box))
              (func (export "keep") (param externref) (global.set $kept (struct.new $box (local.get 0))))
              (func (export "get") (result externref) (struct.get $box 0 (global.get $kept)))
              (func (export "garbage") (param $n i32)
                (loop $l
                  (drop (struct.new_default $box))
                  (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
            """);
        using Instance i = new Linker(engine).Prepare(module).Instantiate();
        WeakReference dropped = Give(i);
        object kept = new();
        i.GetFunction("keep").Invoke(Value.FromObject(kept));
        i.Data.Store.ManagedHeap!.Collect(0, forceFull: true);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.False(dropped.IsAlive);
        i.GetFunction("garbage").Invoke(1_000_000);
        Assert.Same(kept, i.GetFunction("get").Invoke()[0].AsObject());
    }

    [Fact]
    public void A_deadline_ends_a_guest_that_only_allocates()
    {
        using Engine engine = Make(AllocationStrategy.OnDemand, CompilationMode.Eager);
        using Instance i = Instantiate(engine);
        i.Store.CallTimeout = TimeSpan.FromMilliseconds(50);
        Assert.False(i.GetFunction("garbage").TryInvoke([long.MaxValue], [], out Trap? trap));
        Assert.Equal(TrapCode.Interrupted, trap.Code);
    }

    [Fact]
    public void Modules_with_objects_go_through_artifacts()
    {
        using Engine engine = Make(AllocationStrategy.OnDemand, CompilationMode.Eager);
        using Module module = Module.FromText(engine, Lists);
        byte[] artifact = module.Serialize();
        using Module loaded = Module.Deserialize(engine, artifact);
        Assert.Equal(artifact, loaded.Serialize());
        using Instance i = new Linker(engine).DefineFunction("host", "call", () => { }).Prepare(loaded).Instantiate();
        Assert.Equal(999 * 1000 / 2, i.GetFunction("deep").Invoke(999)[0].AsInt64());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Give(Instance instance)
    {
        object given = new();
        instance.GetFunction("keep").Invoke(Value.FromObject(given));
        return new WeakReference(given);
    }

    private static EngineOptions Options(AllocationStrategy allocation) => new() { AllocationStrategy = allocation };

    private static Engine Make(AllocationStrategy allocation, CompilationMode mode) => new(Options(allocation) with { CompilationMode = mode });

    private static Instance Instantiate(Engine engine, Action? call = null)
    {
        using Module module = Module.FromText(engine, Lists);
        return new Linker(engine).DefineFunction("host", "call", call ?? (() => { })).Prepare(module).Instantiate();
    }
}

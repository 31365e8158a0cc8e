// The pool's contract: limits at n and n + 1, exhaustion, that a used slot equals a fresh one, and that no slot is ever lost.
using CsCheck;
using Tarn.Pooling;

namespace Tarn.Runtime.Tests.Pooling;

public sealed class PooledInstanceTests
{
    private const string Rich = """
        (module
          (import "e" "f" (func $f (result i32)))
          (memory (export "memory") 2 5) (table (export "t") 3 6 funcref)
          (global (export "g") (mut i32) (i32.const 7)) (global (export "h") (mut externref) (ref.null extern))
          (data (i32.const 100) "hello") (data (i32.const 70000) "far") (elem (i32.const 1) $f)
          (export "f" (func $f)))
        """;

    public static TheoryData<ResetStrategy, MemoryStrategy> Strategies
    {
        get
        {
            var data = new TheoryData<ResetStrategy, MemoryStrategy>();
            foreach (ResetStrategy reset in new[] { ResetStrategy.Learned, ResetStrategy.Decommit, ResetStrategy.Copy })
            {
                data.Add(reset, MemoryStrategy.Guarded);
                data.Add(reset, MemoryStrategy.Checked);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void A_used_slot_equals_a_fresh_one(ResetStrategy reset, MemoryStrategy strategy)
    {
        using Engine engine = Make(new InstanceLimits { Count = 2, MemoryPages = 5, TableElements = 6 }, reset, strategy);
        using Module module = Module.FromText(engine, Rich);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "f", () => 1).Prepare(module);
        Gen.Int[0, 1000].Array[1, 12].Sample(
            actions =>
            {
                using (Instance used = template.Instantiate())
                {
                    AssertFresh(used);
                    foreach (int action in actions)
                        Disturb(used, action);
                }
                using Instance next = template.Instantiate();
                AssertFresh(next);
            },
            iter: 300,
            threads: 1);
        Assert.Equal(1, 2 - ((PooledAllocator)engine.Allocator).FreeContexts);
    }

    [Fact]
    public void A_full_pool_says_so_and_a_returned_slot_serves_again()
    {
        using Engine engine = Make(new InstanceLimits { Count = 3, MemoryPages = 5, TableElements = 6 });
        using Module module = Module.FromText(engine, Rich);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "f", () => 1).Prepare(module);
        Instance[] all = [template.Instantiate(), template.Instantiate(), template.Instantiate()];
        PoolExhaustedException e = Assert.Throws<PoolExhaustedException>(() => template.Instantiate());
        Assert.Equal(("instance", 3L), (e.Pool, e.Limit));
        all[1].Dispose();
        using (template.Instantiate())
            Assert.Throws<PoolExhaustedException>(() => template.Instantiate());
        all[0].Dispose();
        all[2].Dispose();
    }

    [Fact]
    public void A_full_pool_may_overflow_to_memory_on_demand()
    {
        using var engine = new Engine(new EngineOptions
        {
            AllocationStrategy = AllocationStrategy.Pooling,
            Pooling = new PoolingOptions { Limits = new InstanceLimits { Count = 1, MemoryPages = 5, TableElements = 6 }, Exhaustion = PoolExhaustion.AllocateOnDemand },
        });
        using Module module = Module.FromText(engine, Rich);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "f", () => 1).Prepare(module);
        using Instance pooled = template.Instantiate();
        using Instance other = template.Instantiate();
        AssertFresh(pooled);
        AssertFresh(other);
    }

    [Fact]
    public void A_slot_that_another_module_left_is_taken_when_no_free_one_is_left()
    {
        using Engine engine = Make(new InstanceLimits { Count = 1, MemoryPages = 5, TableElements = 6 });
        using Module one = Module.FromText(engine, """(module (memory (export "memory") 1) (data (i32.const 0) "one"))""");
        using Module two = Module.FromText(engine, """(module (memory (export "memory") 1) (data (i32.const 4096) "two"))""");
        using InstanceTemplate first = new Linker(engine).Prepare(one);
        using InstanceTemplate second = new Linker(engine).Prepare(two);
        for (int i = 0; i < 20; i++)
        {
            using (Instance a = first.Instantiate())
            {
                Assert.Equal("one", a.Memory.ReadUtf8(0, 3));
                Assert.Equal(0, a.Memory.Read<int>(4096));
                a.Memory.AsSpan().Fill(0xAB);
            }
            using Instance b = second.Instantiate();
            Assert.Equal(0, b.Memory.Read<int>(0));
            Assert.Equal("two", b.Memory.ReadUtf8(4096, 3));
            Assert.Equal(65536 - 3, b.Memory.AsSpan().Count((byte)0));
            b.Memory.AsSpan().Fill(0xCD);
        }
    }

    [Theory]
    [InlineData("(memory 5)", true)]
    [InlineData("(memory 6)", false)]
    [InlineData("(memory 1) (memory 1)", false)]
    [InlineData("(table 6 funcref)", true)]
    [InlineData("(table 7 funcref)", false)]
    [InlineData("(table 1 funcref) (table 1 funcref)", false)]
    public void Limits_hold_at_n_and_not_at_n_plus_one(string fields, bool fits)
    {
        using Engine engine = Make(new InstanceLimits { Count = 2, MemoryPages = 5, TableElements = 6 });
        using Module module = Module.FromText(engine, $"(module {fields})");
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        if (fits)
            template.Instantiate().Dispose();
        else
            Assert.Contains("InstanceLimits.", Assert.Throws<InstantiationException>(() => template.Instantiate()).Message, StringComparison.Ordinal);
        module.Dispose();
        AssertAllFree(engine, 2);
    }

    [Fact]
    public void An_instance_that_needs_more_than_a_slot_says_what_it_went_to()
    {
        using Engine engine = Make(new InstanceLimits { Count = 2, Size = 4096 });
        string globals = string.Concat(Enumerable.Repeat("(global i32 (i32.const 1))", 300));
        using Module module = Module.FromText(engine, $"(module {globals})");
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        string message = Assert.Throws<InstantiationException>(() => template.Instantiate()).Message;
        Assert.Contains("a slot has 4096 (InstanceLimits.Size)", message, StringComparison.Ordinal);
        Assert.Contains("4800 for 300 globals", message, StringComparison.Ordinal);
        AssertAllFree(engine, 2);
    }

    [Fact]
    public void Growth_ends_at_the_limits()
    {
        using Engine engine = Make(new InstanceLimits { Count = 1, MemoryPages = 5, TableElements = 6 });
        using Module module = Module.FromText(engine, """(module (memory (export "memory") 1) (table (export "t") 1 funcref))""");
        using Instance instance = new Linker(engine).Prepare(module).Instantiate();
        Assert.Equal(5, instance.Memory.GrowthLimit);
        Assert.Equal(1, instance.Memory.Grow(4));
        Assert.False(instance.Memory.TryGrow(1, out _));
        Assert.Equal(1, instance.GetTable("t").Grow(5, Value.NullFunction));
        Assert.Throws<InvalidOperationException>(() => instance.GetTable("t").Grow(1, Value.NullFunction));
    }

    [Fact]
    public void A_failed_instantiation_gives_its_slots_back()
    {
        using Engine engine = Make(new InstanceLimits { Count = 2, MemoryPages = 5, TableElements = 6 });
        using Module module = Module.FromText(engine, """(module (memory 1) (table 1 funcref) (data (i32.const 65535) "xx"))""");
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        for (int i = 0; i < 10; i++)
            Assert.Equal(TrapCode.MemoryOutOfBounds, Assert.Throws<TrapException>(() => template.Instantiate()).Code);
        AssertAllFree(engine, 2);
    }

    [Fact]
    public void Disposing_the_module_frees_its_idle_slots()
    {
        using Engine engine = Make(new InstanceLimits { Count = 2, MemoryPages = 5, TableElements = 6 });
        Module module = Module.FromText(engine, Rich);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "f", () => 1).Prepare(module);
        Instance live = template.Instantiate();
        template.Instantiate().Dispose();
        module.Dispose();
        live.Dispose();
        AssertAllFree(engine, 2);
    }

    [Fact]
    public void Handles_of_the_last_instance_do_not_reach_the_next()
    {
        using Engine engine = Make(new InstanceLimits { Count = 1, MemoryPages = 5, TableElements = 6 });
        using Module module = Module.FromText(engine, Rich);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "f", () => 1).Prepare(module);
        Instance old = template.Instantiate();
        Memory memory = old.Memory;
        TypedFunction<int> f = old.GetFunction<int>("f");
        old.Dispose();
        using Instance next = template.Instantiate();
        Assert.Throws<ObjectDisposedException>(() => memory.Write(0, 1));
        Assert.Throws<ObjectDisposedException>(() => f.Invoke());
        old.Dispose();
        old.Interrupt();
        Assert.Equal(1, next.GetFunction<int>("f").Invoke());
    }

    [Fact]
    public void Instances_in_a_store_take_slots_and_give_them_back()
    {
        using Engine engine = Make(new InstanceLimits { Count = 2, MemoryPages = 5, TableElements = 6 });
        using Module module = Module.FromText(engine, Rich);
        Linker linker = new Linker(engine).DefineFunction("e", "f", () => 1);
        for (int i = 0; i < 5; i++)
        {
            using var store = new Store(engine);
            AssertFresh(linker.Instantiate(store, module));
            Instance second = linker.Instantiate(store, module);
            Disturb(second, 3);
            Assert.Throws<PoolExhaustedException>(() => linker.Instantiate(store, module));
        }
        AssertAllFree(engine, 2);
    }

    [Fact]
    public void Two_threads_rent_and_return_without_losing_slots()
    {
        const int Rounds = 3000;
        using Engine engine = Make(new InstanceLimits { Count = 8, MemoryPages = 5, TableElements = 6 });
        using Module module = Module.FromText(engine, Rich);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "f", () => 1).Prepare(module);
        Parallel.For(0, 4, n =>
        {
            for (int i = 0; i < Rounds; i++)
            {
                using Instance instance = template.Instantiate();
                Assert.Equal(7, instance.GetGlobal("g").Value.AsInt32());
                Assert.Equal(0, instance.Memory.Read<int>(5000));
                instance.GetGlobal("g").Value = i;
                instance.Memory.Write(5000, -1);
            }
        });
        module.Dispose();
        AssertAllFree(engine, 8);
    }

    [Fact]
    public void The_steady_state_allocates_one_small_object()
    {
        using Engine engine = Make(new InstanceLimits { Count = 2, MemoryPages = 5, TableElements = 6 });
        using Module module = Module.FromText(engine, Rich);
        using InstanceTemplate template = new Linker(engine).DefineFunction("e", "f", () => 1).Prepare(module);
        for (int i = 0; i < 100; i++)
            template.Instantiate().Dispose();
        long before = GC.GetAllocatedBytesForCurrentThread();
        const int Rounds = 100;
        for (int i = 0; i < Rounds; i++)
            template.Instantiate().Dispose();
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / Rounds, 1, 64);
    }

    private static Engine Make(InstanceLimits limits, ResetStrategy reset = ResetStrategy.Default, MemoryStrategy strategy = MemoryStrategy.Guarded) =>
        new(new EngineOptions { AllocationStrategy = AllocationStrategy.Pooling, MemoryStrategy = strategy, Pooling = new PoolingOptions { Limits = limits, ResetStrategy = reset, MemoryKeepResident = 4 * 4096 } });

    private static void AssertFresh(Instance instance)
    {
        Memory memory = instance.Memory;
        Assert.Equal(2 * 65536, memory.Length);
        Span<byte> bytes = memory.AsSpan();
        Assert.True(bytes.Slice(100, 5).SequenceEqual("hello"u8));
        Assert.True(bytes.Slice(70000, 3).SequenceEqual("far"u8));
        Assert.Equal(bytes.Length - 8, bytes.Count((byte)0));
        Assert.Equal(7, instance.GetGlobal("g").Value.AsInt32());
        Assert.True(instance.GetGlobal("h").Value.IsNull);
        Table table = instance.GetTable("t");
        Assert.Equal(3, table.Length);
        Assert.True(table.Get(0).IsNull);
        Assert.Equal(1, table.Get(1).AsFunction().Invoke()[0].AsInt32());
        Assert.True(table.Get(2).IsNull);
    }

    private static void Disturb(Instance instance, int action)
    {
        Memory memory = instance.Memory;
        Table table = instance.GetTable("t");
        switch (action % 8)
        {
            case 0:
                memory.AsSpan(action * 64, 64).Fill(0xFF);
                break;
            case 1:
                if (memory.TryGrow(1, out _))
                    memory.AsSpan((int)memory.Length - 5000, 5000).Fill(0xEE);
                break;
            case 2:
                instance.GetGlobal("g").Value = action;
                break;
            case 3:
                instance.GetGlobal("h").Value = Value.FromObject("secret");
                break;
            case 4:
                table.Set(action % (int)table.Length, instance.GetFunction("f"));
                break;
            case 5:
                if (table.Length < 6)
                    table.Grow(1, instance.GetFunction("f"));
                break;
            case 6:
                memory.AsSpan().Fill((byte)action);
                break;
            default:
                memory.Write(100, 0);
                break;
        }
    }

    private static void AssertAllFree(Engine engine, int count)
    {
        var pool = (PooledAllocator)engine.Allocator;
        Assert.Equal((count, count, count), (pool.FreeContexts, pool.FreeMemories, pool.FreeTables));
    }
}

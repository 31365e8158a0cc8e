// What may stay warm or resident between instances, and what shares a system call: the budgets of PoolingOptions, by the calls that are made and the slots that are kept.
using Tarn.Execution;
using Tarn.Platform;

namespace Tarn.Runtime.Tests.Pooling;

public sealed class BudgetTests
{
    [Fact]
    public void The_warm_slots_of_modules_that_nobody_uses_make_room_for_those_of_others()
    {
        using Engine engine = Make(new InstanceLimits { Count = 10, MemoryPages = 1, Tables = 0 }, static o => o with { MaximumWarmSlots = 2 });
        using Module old = Module.FromText(engine, "(module (memory 1))");
        using Module busy = Module.FromText(engine, "(module (memory 1) (global i32 (i32.const 1)))");
        using InstanceTemplate oldTemplate = new Linker(engine).Prepare(old);
        using InstanceTemplate busyTemplate = new Linker(engine).Prepare(busy);
        Live(oldTemplate, 5);
        // The budget's two, and the one that the thread keeps.
        Assert.Equal(3, engine.GetPoolStatistics().Instances.Warm);
        Live(busyTemplate, 3);
        Assert.Equal(4, engine.GetPoolStatistics().Instances.Warm);
        long bindings = engine.GetPoolStatistics().Bindings;
        for (int i = 0; i < 5; i++)
            Live(busyTemplate, 3);
        Assert.Equal(bindings, engine.GetPoolStatistics().Bindings);
    }

    [Fact]
    public void Without_a_budget_each_thread_keeps_one_slot_for_a_module()
    {
        using Engine engine = Make(new InstanceLimits { Count = 10, MemoryPages = 1, Tables = 0 }, static o => o with { MaximumWarmSlots = 0 });
        using Module module = Module.FromText(engine, "(module (memory 1))");
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        Live(template, 5);
        Assert.Equal(1, engine.GetPoolStatistics().Instances.Warm);
    }

    [Theory]
    [InlineData(4096, 1)]
    [InlineData(80_000, 0)]
    public void A_table_beyond_its_resident_budget_is_given_back(long budget, int calls)
    {
        using FaultyMemory.Scope scope = FaultyMemory.Enter();
        using Engine engine = Make(new InstanceLimits { Count = 1, Memories = 0 }, o => o with { TableKeepResident = budget });
        Module module = Module.FromText(engine, """(module (table (export "t") 10000 funcref) (elem (i32.const 9999) $f) (func $f))""");
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        template.Instantiate().Dispose();
        template.Dispose();
        scope.Calls = 0;
        module.Dispose();
        Assert.Equal(calls, scope.Calls);
        using Module other = Module.FromText(engine, """(module (table (export "t") 10000 funcref))""");
        using InstanceTemplate next = new Linker(engine).Prepare(other);
        using Instance instance = next.Instantiate();
        Assert.True(instance.GetTable("t").Get(9999).IsNull);
    }

    [Theory]
    [InlineData(1, 4)]
    [InlineData(4, 1)]
    public void Memories_side_by_side_that_nobody_uses_share_a_call(int batch, int calls)
    {
        using FaultyMemory.Scope scope = FaultyMemory.Enter();
        using Engine engine = Make(new InstanceLimits { Count = 4, MemoryPages = 1, Tables = 0 }, o => o with { DecommitBatchSize = batch, MaximumWarmSlots = 10 });
        Module module = Module.FromText(engine, """(module (memory (export "memory") 1))""");
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        Live(template, 4);
        template.Dispose();
        scope.Calls = 0;
        module.Dispose();
        Assert.Equal(calls, scope.Calls);
        Assert.Equal(4, engine.GetPoolStatistics().Decommits);
    }

    [Fact]
    public void Memories_that_wait_for_others_to_share_a_call_are_there_when_the_pool_runs_out()
    {
        using Engine engine = Make(new InstanceLimits { Count = 3, MemoryPages = 1, Tables = 0 }, static o => o with { DecommitBatchSize = 100 });
        for (int i = 0; i < 4; i++)
        {
            using Module module = Module.FromText(engine, """(module (memory (export "memory") 1))""");
            using InstanceTemplate template = new Linker(engine).Prepare(module);
            using Instance instance = template.Instantiate();
            Assert.Equal(-1, instance.Memory.AsSpan().IndexOfAnyExcept((byte)0));
            instance.Memory.AsSpan().Fill(1);
        }
        Assert.Equal(3, engine.GetPoolStatistics().Decommits);
    }

    [Fact]
    public unsafe void Stacks_beyond_those_that_stay_open_are_closed_and_one_that_the_system_does_not_close_is_kept()
    {
        using FaultyMemory.Scope scope = FaultyMemory.Enter();
        nuint page = VirtualMemory.Current.PageSize;
        Assert.True(SlabLayout.TryCreate(3, GuestStack.Headroom * 4, page, page, page, out SlabLayout layout, out _));
        using var slab = new Slab(layout);
        using var pool = new GuestStackPool(VirtualMemory.Current, GuestStack.Headroom * 4, keep: 1, slab);
        for (int round = 0; round < 3; round++)
        {
            GuestStack[] all = [pool.Rent(), pool.Rent(), pool.Rent()];
            Assert.Equal(3, all.Select(s => s.Low).Distinct().Count());
            foreach (GuestStack stack in all)
            {
                // All of it, and neither neighbour's.
                new Span<byte>((void*)stack.Low, (int)(stack.High - stack.Low)).Fill((byte)round);
                Assert.Equal(layout.UsableBytes, (ulong)(stack.High - stack.Low));
            }
            Assert.Throws<InvalidOperationException>(pool.Rent);
            scope.Calls = 0;
            // The second to come back is the first that would be closed.
            scope.FailFrom = round == 1 ? 0 : int.MaxValue / 2;
            foreach (GuestStack stack in all)
                pool.Return(stack);
            Assert.Equal(2, scope.Calls);
            Assert.Equal(round == 1 ? 1 : 2, slab.Free.FreeCount);
            scope.FailFrom = int.MaxValue / 2;
        }
    }

    private static void Live(InstanceTemplate template, int count)
    {
        Instance[] all = [.. Enumerable.Range(0, count).Select(_ => template.Instantiate())];
        foreach (Instance instance in all)
            instance.Dispose();
    }

    private static Engine Make(InstanceLimits limits, Func<PoolingOptions, PoolingOptions> change) =>
        new(new EngineOptions { Pooling = change(new PoolingOptions { Limits = limits, ResetStrategy = ResetStrategy.Learned }) });
}

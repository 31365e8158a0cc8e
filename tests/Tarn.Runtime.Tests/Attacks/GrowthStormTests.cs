// Memories and tables that grow all the time, in all slots at once, by amounts from nothing to as much as can be named: what a guest gets is what it asked for or −1, what lies
// beyond stays out of bounds in every step, and the next guest of the slot starts small and empty. While other threads grow theirs, the collector runs and slots change hands.
namespace Tarn.Runtime.Tests.Attacks;

public sealed class GrowthStormTests
{
    private const int MemoryPages = 20;
    private const int TableElements = 500;

    private const string Guest = """
        (module
          (memory (export "memory") 1) (table $t 2 funcref) (elem (table $t) (i32.const 0) func $one)
          (type $i (func (result i32)))
          (func $one (type $i) (i32.const 1))
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
          (func (export "grow-table") (param i32) (result i32) (table.grow $t (ref.func $one) (local.get 0)))
          (func (export "size") (result i32) (memory.size))
          (func (export "table-size") (result i32) (table.size $t))
          (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
          (func (export "store") (param i32) (i32.store8 (local.get 0) (i32.const 0x5A)))
          (func (export "call") (param i32) (result i32) (call_indirect $t (type $i) (local.get 0))))
        """;

    public static TheoryData<MemoryStrategy, AllocationStrategy> Configurations => new()
    {
        { MemoryStrategy.Guarded, AllocationStrategy.Pooling },
        { MemoryStrategy.Checked, AllocationStrategy.Pooling },
        { MemoryStrategy.Guarded, AllocationStrategy.OnDemand },
    };

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Growth_in_all_slots_at_once_stays_within_its_limits(MemoryStrategy memory, AllocationStrategy allocation)
    {
        const int threads = 4;
        using var engine = new Engine(new EngineOptions
        {
            MemoryStrategy = memory,
            AllocationStrategy = allocation,
            Pooling = new PoolingOptions { Limits = new InstanceLimits { Count = threads, MemoryPages = MemoryPages, TableElements = TableElements }, MaximumWarmSlots = 1 },
        });
        using Module module = Module.FromText(engine, Guest);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        using var over = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!over.IsCancellationRequested)
            {
                GC.Collect();
                Thread.Sleep(5);
            }
        });
        collector.Start();
        var failures = new Exception?[threads];
        Thread[] guests = [.. Enumerable.Range(0, threads).Select(number => new Thread(() => failures[number] = Record.Exception(() =>
        {
            var random = new Random(number);
            for (int life = 0; life < 60; life++)
                Live(template, random, isPooled: allocation == AllocationStrategy.Pooling);
        })))];
        foreach (Thread guest in guests)
            guest.Start();
        foreach (Thread guest in guests)
            guest.Join();
        over.Cancel();
        collector.Join();
        Assert.All(failures, Assert.Null);
    }

    private static void Live(InstanceTemplate template, Random random, bool isPooled)
    {
        // Without a pool the system's memory is the limit: the storm is kept small by limits of the store.
        var limits = new StoreLimits { MaximumMemoryBytes = MemoryPages << 16, MaximumTableElements = TableElements };
        using Instance instance = template.Instantiate(limits: isPooled && random.Next(2) == 0 ? null : limits);
        TypedFunction<int, int> grow = instance.GetFunction<int, int>("grow");
        TypedFunction<int, int> growTable = instance.GetFunction<int, int>("grow-table");
        TypedFunction<int, int> load = instance.GetFunction<int, int>("load");
        TypedFunction<int, int> call = instance.GetFunction<int, int>("call");
        TypedAction<int> store = instance.GetAction<int>("store");
        int pages = 1;
        int elements = 2;
        Assert.Equal(1, instance.GetFunction<int>("size").Invoke());
        Assert.Equal(2, instance.GetFunction<int>("table-size").Invoke());
        for (int step = random.Next(30); step >= 0; step--)
        {
            int by = Amount(random, MemoryPages);
            bool fits = (uint)by <= MemoryPages - pages;
            if (by >= 0 && random.Next(4) == 0)
            {
                Assert.Equal(fits, instance.Memory.TryGrow(by, out long before));
                Assert.True(!fits || before == pages);
            }
            else
            {
                Assert.Equal(fits ? pages : -1, grow.Invoke(by));
            }
            int old = pages << 16;
            pages += fits ? by : 0;
            int end = pages << 16;
            Assert.Equal(end, instance.Memory.Length);
            if (end > old)
            {
                // New pages are empty, whoever had them before.
                Assert.Equal(0, load.Invoke(old));
                Assert.Equal(0, load.Invoke(random.Next(old, end)));
                store.Invoke(random.Next(old, end));
            }
            store.Invoke(end - 1);
            Assert.Equal(0x5A, load.Invoke(end - 1));
            foreach (int beyond in (int[])[end, end + random.Next(1 << 16), MemoryPages << 16, int.MaxValue, -1])
            {
                Assert.False(load.TryInvoke(beyond, out _, out Trap? trap));
                Assert.Equal(TrapCode.MemoryOutOfBounds, trap.Code);
                Assert.False(store.TryInvoke(beyond, out trap));
                Assert.Equal(TrapCode.MemoryOutOfBounds, trap.Code);
            }

            by = Amount(random, TableElements);
            fits = (uint)by <= TableElements - elements;
            Assert.Equal(fits ? elements : -1, growTable.Invoke(by));
            elements += fits ? by : 0;
            Assert.Equal(1, call.Invoke(0));
            if (elements > 2)
                Assert.Equal(1, call.Invoke(elements - 1));
            Assert.False(call.TryInvoke(1, out _, out Trap? hole));
            Assert.Equal(TrapCode.UninitializedElement, hole.Code);
            Assert.False(call.TryInvoke(elements, out _, out Trap? outside));
            Assert.Equal(TrapCode.UndefinedElement, outside.Code);
        }
    }

    private static int Amount(Random random, int most) => random.Next(8) switch
    {
        0 => 0,
        1 => int.MaxValue,
        2 => -1,
        3 => most,
        4 => most + 1,
        5 => 65536,
        _ => random.Next(most / 3),
    };
}

// "A reset slot equals a fresh instance", as a property: random modules, random sequences of what guests and hosts do, every strategy of reset, guarded and
// checked. After each the slot's next instance must be indistinguishable from one that was made on demand: in what it holds and in what it does.
using Tarn.Pooling;
using Tarn.TestSupport;

namespace Tarn.Runtime.Tests.Pooling;

public sealed class ResetEqualsFreshTests
{
    public static TheoryData<ResetStrategy, MemoryStrategy, int> Configurations
    {
        get
        {
            var data = new TheoryData<ResetStrategy, MemoryStrategy, int>();
            foreach (ResetStrategy reset in new[] { ResetStrategy.Learned, ResetStrategy.PageMapScan, ResetStrategy.Decommit, ResetStrategy.Copy })
            {
                foreach (MemoryStrategy strategy in Enum.GetValues<MemoryStrategy>())
                {
                    // Room for everything that is touched, and for two pages: then pages are given back, and slots with learning open as a whole.
                    data.Add(reset, strategy, 1 << 20);
                    data.Add(reset, strategy, 2 * 4096);
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public void A_used_slot_behaves_like_a_fresh_instance(ResetStrategy reset, MemoryStrategy strategy, int keepResident)
    {
        Assert.SkipWhen(reset == ResetStrategy.PageMapScan && !Platform.VirtualMemory.Current.CanFindResident, "this kernel has no PAGEMAP_SCAN (Linux 6.7)");
        const int Modules = 12;
        const int Lives = 12;
        // Longer by hand, with other modules each time.
        using FuzzRun run = FuzzRun.Start(typeof(ResetEqualsFreshTests), nameof(A_used_slot_behaves_like_a_fresh_instance), 20251125 + (int)reset, $"{reset}-{strategy}-{keepResident}");
        var limits = new InstanceLimits { Count = 2, Size = 4096, Tables = 2, TableElements = RandomGuest.MostElements, MemoryPages = RandomGuest.MostPages };
        using var pooled = new Engine(new EngineOptions
        {
            AllocationStrategy = AllocationStrategy.Pooling,
            MemoryStrategy = strategy,
            StackSize = EngineOptions.MinimumStackSize,
            Pooling = new PoolingOptions { Limits = limits, ResetStrategy = reset, MemoryKeepResident = keepResident, StackSize = EngineOptions.MinimumStackSize },
        });
        using var onDemand = new Engine(new EngineOptions
        {
            AllocationStrategy = AllocationStrategy.OnDemand,
            MemoryStrategy = strategy,
            MaximumMemoryPages = RandomGuest.MostPages,
            MaximumTableElements = RandomGuest.MostElements,
            StackSize = EngineOptions.MinimumStackSize,
        });
        for (int m = 0; m < Modules || run.GoesOn; m++)
        {
            int first = run.First + m;
            var random = new Random(first);
            var guest = new RandomGuest(random);
            using Module module = Module.FromText(pooled, guest.Text);
            using InstanceTemplate template = new Linker(pooled).Prepare(module);
            using Module freshModule = Module.FromText(onDemand, guest.Text);
            using InstanceTemplate freshTemplate = new Linker(onDemand).Prepare(freshModule);
            for (int life = 0; life < Lives; life++)
            {
                int seed = random.Next();
                string expected;
                using (Instance fresh = freshTemplate.Instantiate())
                    expected = guest.Run(fresh, seed, 20);
                using Instance used = template.Instantiate();
                string actual = guest.Run(used, seed, 20);
                if (expected != actual)
                    Assert.Fail($"seed {first}, life {life}, {reset}, {strategy}; {run.Keep(first, System.Text.Encoding.UTF8.GetBytes(guest.Text))}:\n{guest.Text}\n--- fresh\n{expected}\n--- pooled\n{actual}");
            }
        }
        var pool = (PooledAllocator)pooled.Allocator;
        Assert.Equal((2, 2, 4), (pool.FreeContexts, pool.FreeMemories, pool.FreeTables));
    }

    [Theory]
    [InlineData(MemoryStrategy.Guarded)]
    [InlineData(MemoryStrategy.Checked)]
    public void Nothing_survives_many_lives_of_growing_and_shrinking(MemoryStrategy strategy)
    {
        var limits = new InstanceLimits { Count = 1, MemoryPages = 8, Tables = 0 };
        using var engine = new Engine(new EngineOptions
        {
            AllocationStrategy = AllocationStrategy.Pooling,
            MemoryStrategy = strategy,
            Pooling = new PoolingOptions { Limits = limits, ResetStrategy = ResetStrategy.Learned },
        });
        using Module module = Module.FromText(engine, """
            (module (memory (export "memory") 1)
              (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
              (func (export "swap") (param i32 i32) (result i32) (i32.load (local.get 0)) (i32.store (local.get 0) (local.get 1))))
            """);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        var random = new Random(7);
        for (int life = 0; life < 3000; life++)
        {
            using Instance instance = template.Instantiate();
            TypedFunction<int, int, int> swap = instance.GetFunction<int, int, int>("swap");
            int pages = 1;
            for (int i = 0; i < 6; i++)
            {
                int by = random.Next(-2, 3);
                if (by > 0 && instance.GetFunction<int, int>("grow").Invoke(by) >= 0)
                    pages += by;
                int at = random.Next(0, (pages << 16) - 4);
                // Each place is read for the first time or holds what this life wrote, never −1 of another.
                Assert.InRange(swap.Invoke(at, 0), 0, 0);
                _ = swap.Invoke(at, -1);
                _ = swap.Invoke(at, 0);
                swap.Invoke(random.Next(0, pages << 4) << 12, life % 2 == 0 ? 0 : -1);
                Assert.Equal(TrapCode.MemoryOutOfBounds, Assert.Throws<TrapException>(() => swap.Invoke(pages << 16, 1)).Code);
                if (life % 2 != 0)
                    break;
            }
        }
    }
}

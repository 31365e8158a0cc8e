// Every system call of the pool's life is made to fail in turn, alone and with all that follow. Whatever happens, it is a typed error, the next guest finds a
// fresh instance, and no slot is lost.
using Tarn.Platform;
using Tarn.Pooling;

namespace Tarn.Runtime.Tests.Pooling;

public sealed class FaultInjectionTests
{
    private const string Guest = """
        (module
          (memory (export "memory") 2) (table (export "t") 3 funcref) (global $g (export "g") (mut i32) (i32.const 7))
          (data (i32.const 100) "hello") (data (i32.const 70000) "far")
          (func (export "write") (param i32)
            (local $at i32)
            (drop (memory.grow (i32.const 1)))
            (loop $again
              (i32.store (local.get $at) (i32.const -1))
              (local.set $at (i32.add (local.get $at) (local.get 0)))
              (br_if $again (i32.lt_u (local.get $at) (i32.const 131072))))
            (global.set $g (i32.const 8))))
        """;

    public static TheoryData<ResetStrategy, MemoryStrategy, bool> Configurations
    {
        get
        {
            var data = new TheoryData<ResetStrategy, MemoryStrategy, bool>();
            foreach (ResetStrategy reset in new[] { ResetStrategy.Learned, ResetStrategy.PageMapScan, ResetStrategy.Decommit, ResetStrategy.Copy })
            {
                foreach (MemoryStrategy strategy in Enum.GetValues<MemoryStrategy>())
                {
                    data.Add(reset, strategy, false);
                    if (reset == ResetStrategy.Learned)
                        data.Add(reset, strategy, true);
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Configurations))]
    public void Every_refused_system_call_leaves_the_pool_consistent(ResetStrategy reset, MemoryStrategy strategy, bool hidesResident)
    {
        using FaultyMemory.Scope scope = FaultyMemory.Enter();
        scope.HidesResident = hidesResident;
        Assert.SkipWhen(reset == ResetStrategy.PageMapScan && !VirtualMemory.Current.CanFindResident, "this kernel has no PAGEMAP_SCAN (Linux 6.7)");
        using var engine = new Engine(new EngineOptions
        {
            AllocationStrategy = AllocationStrategy.Pooling,
            MemoryStrategy = strategy,
            StackSize = EngineOptions.MinimumStackSize,
            Pooling = new PoolingOptions
            {
                Limits = new InstanceLimits { Count = 3, Size = 4096, MemoryPages = 4, TableElements = 3 },
                ResetStrategy = reset,
                StackSize = EngineOptions.MinimumStackSize,
                MemoryKeepResident = 12 * 4096,
                DecommitBatchSize = 2,
                MaximumWarmSlots = 1,
            },
        });
        using Module module = Module.FromText(engine, Guest);
        using Module other = Module.FromText(engine, """(module (memory (export "memory") 1))""");
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        using InstanceTemplate otherTemplate = new Linker(engine).Prepare(other);
        int failures = 0;
        foreach (int failCount in new[] { 1, 2, 1000 })
        {
            for (int call = 0; ; call++)
            {
                scope.Calls = 0;
                scope.Failed = 0;
                scope.FailFrom = call;
                scope.FailCount = failCount;
                RunLives(template, otherTemplate);
                scope.FailFrom = int.MaxValue / 2;
                bool wasLast = scope.Failed == 0;
                failures += scope.Failed;
                AssertUnharmed(engine, template, otherTemplate);
                if (wasLast)
                    break;
                Assert.True(call < 10_000, "the pool makes ever more system calls");
            }
        }
        Assert.True(failures > 10, $"only {failures} faults were injected");
    }

    [Fact]
    public void A_page_that_the_system_will_not_open_stops_the_guest_with_a_reason_and_the_slot_serves_again()
    {
        using Engine engine = new(new EngineOptions
        {
            AllocationStrategy = AllocationStrategy.Pooling,
            Pooling = new PoolingOptions { Limits = new InstanceLimits { Count = 1, MemoryPages = 4 }, ResetStrategy = ResetStrategy.Learned },
        });
        using Module module = Module.FromText(engine, Guest);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        using (Instance instance = template.Instantiate())
        {
            // A file that was opened for reading cannot be made writable, so mprotect of the page fails.
            using FileStream file = File.OpenRead(typeof(FaultInjectionTests).Assembly.Location);
            MapOver(instance, 16 * 4096, file);
            TrapException e = Assert.Throws<TrapException>(() => instance.GetAction<int>("write").Invoke(4096));
            Assert.Equal(TrapCode.AllocationTooLarge, e.Code);
            Assert.Contains("refused to make the memory's page at 0x10000 accessible (error 13)", e.Message, StringComparison.Ordinal);
            Unmap(instance, 16 * 4096);
        }
        using Instance next = template.Instantiate();
        AssertFresh(next);
        next.GetAction<int>("write").Invoke(4096);
    }

    private static unsafe void MapOver(Instance instance, int offset, FileStream file)
    {
        const int Shared = 1;
        const int Fixed = 16;
        nint at = (nint)instance.Memory.Instance.Base + offset;
        nint mapped = Platform.Linux.LinuxNative.Map(at, 4096, Platform.Linux.LinuxNative.ProtectionRead, Shared | Fixed, (int)file.SafeFileHandle.DangerousGetHandle(), 0);
        Assert.Equal(at, mapped);
    }

    private static unsafe void Unmap(Instance instance, int offset)
    {
        byte* at = instance.Memory.Instance.Base + offset;
        VirtualMemory.Current.Decommit(at, 4096);
        VirtualMemory.Current.Protect(at, 4096, MemoryProtection.Read);
    }

    private static void RunLives(InstanceTemplate template, InstanceTemplate other)
    {
        var live = new List<Instance>();
        for (int i = 0; i < 4; i++)
        {
            try
            {
                Instance instance = (i == 2 ? other : template).Instantiate();
                live.Add(instance);
                if (i != 2)
                    instance.GetAction<int>("write").Invoke(i == 0 ? 65536 : 4096);
                instance.Memory.AsSpan(0, 20000).Fill(0xEE);
                instance.Memory.TryGrow(1, out _);
                instance.Memory.Write(instance.Memory.Length - 8, -1L);
            }
            catch (Exception e) when (e is PlatformException or InstantiationException or PoolExhaustedException)
            {
                // What the embedder may see. A trap is not among it: a guest must not be blamed.
            }
            if (live.Count > 1 && i % 2 == 1)
            {
                live[0].Dispose();
                live.RemoveAt(0);
            }
        }
        foreach (Instance instance in live)
            instance.Dispose();
    }

    private static void AssertUnharmed(Engine engine, InstanceTemplate template, InstanceTemplate other)
    {
        var all = new List<Instance>();
        for (int i = 0; i < 3; i++)
        {
            Instance instance = template.Instantiate();
            AssertFresh(instance);
            all.Add(instance);
        }
        Assert.Throws<PoolExhaustedException>(() => template.Instantiate());
        foreach (Instance instance in all)
            instance.Dispose();
        using (Instance instance = other.Instantiate())
        {
            byte[] bytes = new byte[65536];
            instance.Memory.CopyTo(0, bytes);
            Assert.Equal(bytes.Length, bytes.AsSpan().Count((byte)0));
        }
        var pool = (PooledAllocator)engine.Allocator;
        Assert.True(pool.FreeContexts <= 3 && pool.FreeMemories == pool.FreeContexts && pool.FreeTables >= pool.FreeContexts);
    }

    private static void AssertFresh(Instance instance)
    {
        Assert.Equal(2 * 65536, instance.Memory.Length);
        byte[] bytes = new byte[2 * 65536];
        instance.Memory.CopyTo(0, bytes);
        Assert.True(bytes.AsSpan(100, 5).SequenceEqual("hello"u8));
        Assert.True(bytes.AsSpan(70000, 3).SequenceEqual("far"u8));
        Assert.Equal(bytes.Length - 8, bytes.AsSpan().Count((byte)0));
        Assert.Equal(7, instance.GetGlobal("g").Value.AsInt32());
    }
}

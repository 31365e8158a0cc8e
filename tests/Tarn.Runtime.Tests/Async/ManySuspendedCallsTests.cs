// Thousands of calls suspended at the same time: each keeps a slot and a stack, none a thread.
namespace Tarn.Runtime.Tests.Async;

public sealed class ManySuspendedCallsTests
{
    private const int Count = 2500;

    private const string Text = """
        (module
          (import "e" "f" (func $f (param i32) (result i32)))
          (memory (export "memory") 1)
          (func $deep (param $n i32) (param $a i32) (result i32)
            (if (result i32) (local.get $n)
              (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get $n) (i32.const 1)) (local.get $a))))
              (else (i32.add (call $f (local.get $a)) (i32.load (i32.const 0))))))
          (func (export "run") (param $a i32) (result i32)
            (i32.store (i32.const 0) (local.get $a))
            (i32.add (call $deep (i32.const 20) (local.get $a)) (call $f (local.get $a)))))
        """;

    [Theory]
    [InlineData(AllocationStrategy.OnDemand)]
    [InlineData(AllocationStrategy.Pooling)]
    public async Task Thousands_are_suspended_at_once_and_all_come_back(AllocationStrategy allocation)
    {
        // Checked memories: thousands of guarded ones would need more mappings than a process may have.
        using var engine = new Engine(new EngineOptions
        {
            AllocationStrategy = allocation,
            MemoryStrategy = MemoryStrategy.Checked,
            StackSize = EngineOptions.MinimumStackSize,
            Pooling = new PoolingOptions
            {
                Limits = InstanceLimits.Default with { Count = Count, Size = 4096, MemoryPages = 1, TableElements = 16 },
                StackSize = EngineOptions.MinimumStackSize,
            },
        });
        var gates = new Gates[2] { new(), new() };
        int calls = 0;
        Linker linker = new Linker(engine).DefineFunction("e", "f", (int a) => gates[Interlocked.Increment(ref calls) <= Count ? 0 : 1].Wait(a));
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate template = linker.Prepare(module);
        var instances = new Instance[Count];
        var results = new Task<int>[Count];
        for (int i = 0; i < Count; i++)
        {
            instances[i] = template.Instantiate();
            results[i] = instances[i].GetFunction<int, int>("run").InvokeAsync(i, TestContext.Current.CancellationToken).AsTask();
            Assert.False(results[i].IsCompleted);
        }
        int threads = ThreadPool.ThreadCount;
        Assert.InRange(threads, 0, 200);
        GC.Collect();
        foreach (Gates gate in gates)
        {
            // Two threads go on with them in turn; the second half is suspended again.
            await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(
                () =>
                {
                    for (int i = 0; i < Count / 2; i++)
                        gate.Open(5);
                },
                TestContext.Current.CancellationToken)));
        }
        for (int i = 0; i < Count; i++)
        {
            Assert.Equal(20 + 5 + i + 5, await results[i]);
            instances[i].Dispose();
        }
        if (engine.Allocator is Tarn.Pooling.PooledAllocator pool)
        {
            pool.Forget(module.Core);
            Assert.Equal(Count, pool.FreeContexts);
            Assert.Equal(Count, pool.FreeMemories);
        }
    }

    [Fact]
    public async Task A_slot_whose_guest_was_suspended_serves_the_next()
    {
        using var engine = new Engine(new EngineOptions
        {
            AllocationStrategy = AllocationStrategy.Pooling,
            Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 1 } },
        });
        var gates = new Gates();
        Linker linker = new Linker(engine).DefineFunction("e", "f", (int a) => gates.Wait(a));
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate template = linker.Prepare(module);
        for (int i = 0; i < 50; i++)
        {
            Instance instance = template.Instantiate();
            Assert.Equal(0, instance.Memory.Read<int>(0));
            Task<int> call = instance.GetFunction<int, int>("run").InvokeAsync(i, TestContext.Current.CancellationToken).AsTask();
            if (i % 3 != 0)
            {
                gates.Open(i);
                gates.Open(i);
                Assert.Equal((3 * i) + 20, await call);
            }
            Assert.Throws<PoolExhaustedException>(() => template.Instantiate());
            instance.Dispose();
            if (i % 3 == 0)
            {
                await Assert.ThrowsAsync<ObjectDisposedException>(() => call);
                gates.Open(0);
            }
        }
    }
}

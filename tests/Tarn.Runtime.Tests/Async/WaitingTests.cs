// Waiting for a slot: first come, first served, and a wait that ends early leaves nothing behind.
using System.Collections.Concurrent;

namespace Tarn.Runtime.Tests.Async;

public sealed class WaitingTests
{
    private const string Empty = """(module (memory (export "memory") 1) (func (export "one") (result i32) i32.const 1))""";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Those_who_wait_are_served_in_the_order_in_which_they_came()
    {
        using Engine engine = Pool(1);
        using Module module = Module.FromText(engine, Empty);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        Instance held = await template.InstantiateAsync(cancellationToken: Token);
        var waiting = new List<Task<Instance>>();
        for (int i = 0; i < 6; i++)
        {
            waiting.Add(template.InstantiateAsync(cancellationToken: Token).AsTask());
            Assert.False(waiting[i].IsCompleted);
        }
        Assert.Equal(6, engine.GetPoolStatistics().Waiting);
        for (int i = 0; i < 6; i++)
        {
            held.Dispose();
            held = await waiting[i];
            Assert.Equal(1, held.GetFunction<int>("one").Invoke());
            Assert.All(waiting.Skip(i + 1), later => Assert.False(later.IsCompleted));
        }
        held.Dispose();
        PoolStatistics statistics = engine.GetPoolStatistics();
        Assert.Equal((0, 6L, 7L, 0), (statistics.Waiting, statistics.Waits, statistics.Rents, statistics.Instances.InUse));
    }

    [Fact]
    public async Task A_cancelled_wait_lets_the_next_one_in_and_leaks_nothing()
    {
        using Engine engine = Pool(1);
        using Module module = Module.FromText(engine, Empty);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        Instance held = template.Instantiate();
        using var source = new CancellationTokenSource();
        Task<Instance> first = template.InstantiateAsync(cancellationToken: source.Token).AsTask();
        Task<Instance> second = template.InstantiateAsync(cancellationToken: Token).AsTask();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.False(second.IsCompleted);
        held.Dispose();
        (await second).Dispose();
        // Given back at the very moment in which the wait is cancelled, many times.
        for (int i = 0; i < 200; i++)
        {
            held = template.Instantiate();
            using var race = new CancellationTokenSource();
            Task<Instance> wait = template.InstantiateAsync(cancellationToken: race.Token).AsTask();
            Task cancel = Task.Run(race.Cancel, Token);
            held.Dispose();
            try
            {
                (await wait).Dispose();
            }
            catch (OperationCanceledException)
            {
            }
            await cancel;
            Assert.Equal(0, engine.GetPoolStatistics().Instances.InUse);
        }
    }

    [Fact]
    public async Task What_is_free_is_for_those_who_wait()
    {
        using Engine engine = Pool(1);
        using Module module = Module.FromText(engine, Empty);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        Instance held = template.Instantiate();
        Task<Instance> waiting = template.InstantiateAsync(cancellationToken: Token).AsTask();
        Assert.Throws<PoolExhaustedException>(() => template.Instantiate());
        held.Dispose();
        (await waiting).Dispose();
        template.Instantiate().Dispose();
        Assert.Equal((1L, 1L), (engine.GetPoolStatistics().Exhaustions, engine.GetPoolStatistics().Waits));
    }

    [Fact]
    public async Task By_option_an_exhausted_pool_overflows_on_demand()
    {
        using Engine engine = Pool(1, PoolExhaustion.AllocateOnDemand);
        using Module module = Module.FromText(engine, Empty);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        using Instance held = template.Instantiate();
        using Instance beside = template.Instantiate();
        Assert.Equal(1, beside.GetFunction<int>("one").Invoke());
        Assert.Equal(1, engine.GetPoolStatistics().Instances.InUse);
        Task<Instance> waiting = template.InstantiateAsync(cancellationToken: Token).AsTask();
        Assert.False(waiting.IsCompleted);
        held.Dispose();
        (await waiting).Dispose();
    }

    [Theory]
    [InlineData(AllocationStrategy.Pooling)]
    [InlineData(AllocationStrategy.OnDemand)]
    public async Task A_start_function_may_be_suspended_and_may_fail(AllocationStrategy allocation)
    {
        using Engine engine = Pool(2, allocation: allocation);
        Linker linker = new Linker(engine).DefineFunction("e", "f", async (int a) =>
        {
            await Task.Delay(1);
            return a == 0 ? throw new InvalidDataException() : a;
        });
        string text = """(module (import "e" "f" (func $f (param i32) (result i32))) (global $g (export "g") (mut i32) (i32.const 0)) (func $start (global.set $g (call $f (i32.const X)))) (start $start))""";
        using Module good = Module.FromText(engine, text.Replace("X", "7", StringComparison.Ordinal));
        using InstanceTemplate template = linker.Prepare(good);
        Assert.Throws<SuspensionException>(() => template.Instantiate());
        for (int i = 0; i < 5; i++)
        {
            using Instance instance = await template.InstantiateAsync(cancellationToken: Token);
            Assert.Equal(7, instance.GetGlobal("g").Value.AsInt32());
        }
        using Module bad = Module.FromText(engine, text.Replace("X", "0", StringComparison.Ordinal));
        using InstanceTemplate failing = linker.Prepare(bad);
        for (int i = 0; i < 5; i++)
            await Assert.ThrowsAsync<InvalidDataException>(async () => await failing.InstantiateAsync(cancellationToken: Token));
        Assert.Equal(0, engine.GetPoolStatistics().Instances.InUse);
    }

    [Fact]
    public async Task Many_waiters_on_several_threads_all_get_their_turn()
    {
        using Engine engine = Pool(3);
        using Module module = Module.FromText(engine, Empty);
        using Module other = Module.FromText(engine, """(module (memory 2) (func (export "one") (result i32) i32.const 1))""");
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        using InstanceTemplate another = new Linker(engine).Prepare(other);
        int most = 0;
        int live = 0;
        var served = new ConcurrentBag<int>();
        await Task.WhenAll(Enumerable.Range(0, 300).Select(i => Task.Run(
            async () =>
            {
                using var source = new CancellationTokenSource();
                if (i % 5 == 0)
                    source.CancelAfter(i % 7);
                try
                {
                    using Instance instance = await (i % 3 == 0 ? another : template).InstantiateAsync(cancellationToken: source.Token);
                    int now = Interlocked.Increment(ref live);
                    for (int seen = most; now > seen; seen = most)
                        Interlocked.CompareExchange(ref most, now, seen);
                    if (i % 2 == 0)
                        await Task.Yield();
                    served.Add(instance.GetFunction<int>("one").Invoke());
                    Interlocked.Decrement(ref live);
                }
                catch (OperationCanceledException) when (i % 5 == 0)
                {
                }
            },
            Token)));
        Assert.InRange(served.Count, 240, 300);
        Assert.InRange(most, 1, 3);
        PoolStatistics statistics = engine.GetPoolStatistics();
        Assert.Equal((0, 0), (statistics.Instances.InUse, statistics.Waiting));
    }

    private static Engine Pool(int count, PoolExhaustion exhaustion = PoolExhaustion.Fail, AllocationStrategy allocation = AllocationStrategy.Pooling) => new(new EngineOptions
    {
        AllocationStrategy = allocation,
        Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = count }, Exhaustion = exhaustion },
    });
}

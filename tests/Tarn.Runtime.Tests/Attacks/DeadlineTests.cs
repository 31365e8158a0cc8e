// Deadlines and cancellations that a host function swallows on the way: whoever is still over the deadline is still stopped.
namespace Tarn.Runtime.Tests.Attacks;

public sealed class DeadlineTests
{
    private const string Program = """
        (module
          (import "e" "cb" (func $cb))
          (func (export "spin") (loop $l (br $l)))
          (func (export "run") (call $cb) (loop $l (br $l)))
          (func (export "once") (call $cb))
          (func (export "loops") (param i32) (result i32) (loop $l (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 0)))
        """;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public enum Means
    {
        Timeout,
        Cancellation,
        Interrupt,
    }

    public static TheoryData<Means, bool, bool, AllocationStrategy> All
    {
        get
        {
            var data = new TheoryData<Means, bool, bool, AllocationStrategy>();
            foreach (Means means in Enum.GetValues<Means>())
            {
                foreach (AllocationStrategy allocation in new[] { AllocationStrategy.OnDemand, AllocationStrategy.Pooling })
                {
                    for (int i = 0; i < 4; i++)
                        data.Add(means, i % 2 == 0, i / 2 == 0, allocation);
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_swallowed_interruption_stops_the_guest_around_it_too(Means means, bool isAsync, bool innerIsAsync, AllocationStrategy allocation)
    {
        using Engine engine = Make(allocation);
        Instance? instance = null;
        TrapCode? seen = null;
        using var source = new CancellationTokenSource();
        var linker = new Linker(engine).DefineFunction("e", "cb", () =>
        {
            if (means == Means.Interrupt)
                _ = new Timer(_ => instance!.Interrupt(), null, 50, Timeout.Infinite);
            else if (means == Means.Cancellation)
                source.CancelAfter(50);
            if (innerIsAsync)
            {
                try
                {
                    _ = instance!.GetAction("spin").InvokeAsync(Token).AsTask().Exception;
                    seen = TrapCode.Interrupted;
                }
                catch (TrapException e)
                {
                    seen = e.Code;
                }
            }
            else
            {
                instance!.GetFunction("spin").TryInvoke([], [], out Trap? trap, CancellationToken.None);
                seen = trap!.Code;
            }
        });
        using Module module = Module.FromText(engine, Program);
        using InstanceTemplate template = linker.Prepare(module);
        instance = template.Instantiate();
        if (means == Means.Timeout)
            instance.CallTimeout = TimeSpan.FromMilliseconds(50);
        Task call = Task.Run(async () =>
        {
            if (isAsync)
                await instance.GetAction("run").InvokeAsync(source.Token);
            else
                instance.GetAction("run").Invoke(source.Token);
        }, Token);
        Exception stopped = await Assert.ThrowsAnyAsync<Exception>(() => call.WaitAsync(s_patience, Token));
        if (means == Means.Cancellation)
            Assert.IsType<OperationCanceledException>(stopped);
        else
            Assert.Equal(TrapCode.Interrupted, Assert.IsType<TrapException>(stopped).Code);
        if (means == Means.Timeout)
            Assert.Contains("time of 50 ms ran out", stopped.Message, StringComparison.Ordinal);
        Assert.Equal(TrapCode.Interrupted, seen);
        // Neither the request nor the deadline is for a later call.
        instance.CallTimeout = Timeout.InfiniteTimeSpan;
        Assert.Equal(0, instance.GetFunction<int, int>("loops").Invoke(1000));
        instance.Dispose();
    }

    [Fact]
    public void A_request_that_a_nested_guest_has_met_is_over_when_the_outermost_call_returns()
    {
        using Engine engine = Make(AllocationStrategy.OnDemand);
        Instance? instance = null;
        var linker = new Linker(engine).DefineFunction("e", "cb", () =>
        {
            instance!.Interrupt();
            Assert.False(instance.GetFunction("spin").TryInvoke([], [], out _));
        });
        using Module module = Module.FromText(engine, Program);
        using InstanceTemplate template = linker.Prepare(module);
        instance = template.Instantiate();
        instance.GetFunction("once").TryInvoke([], [], out _);
        Assert.Equal(0, instance.GetFunction<int, int>("loops").Invoke(1000));
        instance.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_instance_that_comes_into_a_store_after_its_deadline_is_stopped(bool byToken)
    {
        using Engine engine = Make(AllocationStrategy.OnDemand);
        using Module plugin = Module.FromText(engine, "(module (func $s (loop $l (br $l))) (start $s))");
        using InstanceTemplate plugins = new Linker(engine).Prepare(plugin);
        using var source = new CancellationTokenSource();
        using var store = new Store(engine);
        if (!byToken)
            store.CallTimeout = TimeSpan.FromMilliseconds(20);
        var linker = new Linker(engine).DefineFunction("e", "load", (Caller caller) =>
        {
            if (byToken)
                source.Cancel();
            else
                caller.CancellationToken.WaitHandle.WaitOne(s_patience);
            plugins.Instantiate(caller.Store);
        });
        using Module module = Module.FromText(engine, """(module (import "e" "load" (func $load)) (func (export "run") (call $load)))""");
        using InstanceTemplate template = linker.Prepare(module);
        TypedAction run = template.Instantiate(store).GetAction("run");
        Exception stopped = await Assert.ThrowsAnyAsync<Exception>(() => Task.Run(() => run.Invoke(source.Token), Token).WaitAsync(s_patience, Token));
        Assert.True(stopped is OperationCanceledException or TrapException { Code: TrapCode.Interrupted });
    }

    private static Engine Make(AllocationStrategy allocation) => new(new EngineOptions
    {
        EnableInterruption = true,
        AllocationStrategy = allocation,
        Pooling = new PoolingOptions { Limits = new InstanceLimits { Count = 2, MemoryPages = 4 } },
    });
}

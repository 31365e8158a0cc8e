// A limit that the engine's compiled code cannot honour is refused where it is set, by a message that names the option; none is ignored.
namespace Tarn.Runtime.Tests.Api;

public sealed class UnkeptLimitTests
{
    private const string Program = "(module (memory (export \"memory\") 1) (func $f (export \"f\")) (func (export \"spin\") (loop $l (br $l))))";

    [Fact]
    public void The_default_engine_keeps_timeouts_and_tokens()
    {
        using var engine = new Engine();
        using Module module = Module.FromText(engine, Program);
        using Instance instance = new Linker(engine).Prepare(module).Instantiate();
        instance.CallTimeout = TimeSpan.FromMilliseconds(20);
        TrapException stopped = Assert.Throws<TrapException>(() => instance.GetAction("spin").Invoke());
        Assert.Equal(TrapCode.Interrupted, stopped.Code);
        Assert.Contains("time of 20 ms ran out", stopped.Message, StringComparison.Ordinal);
        instance.CallTimeout = Timeout.InfiniteTimeSpan;
        using var source = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => instance.GetAction("spin").Invoke(source.Token));
    }

    [Theory]
    [InlineData(AllocationStrategy.OnDemand)]
    [InlineData(AllocationStrategy.Pooling)]
    public async Task Every_way_to_set_one_is_refused_without_what_it_needs(AllocationStrategy allocation)
    {
        using var engine = new Engine(new EngineOptions
        {
            EnableInterruption = false,
            AllocationStrategy = allocation,
            Pooling = new PoolingOptions { Limits = new InstanceLimits { Count = 1, MemoryPages = 2 } },
        });
        using Module module = Module.FromText(engine, Program);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        using var source = new CancellationTokenSource();
        TimeSpan second = TimeSpan.FromSeconds(1);
        Refused("EnableInterruption", () => template.Instantiate(limits: new StoreLimits { CallTimeout = second }));
        Refused("EnableFuel", () => template.Instantiate(limits: new StoreLimits { Fuel = 5 }));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await template.InstantiateAsync(limits: new StoreLimits { CallTimeout = second }, cancellationToken: CancellationToken.None));
        using (var store = new Store(engine))
        {
            Refused("EnableInterruption", () => store.CallTimeout = second);
            Refused("EnableFuel", () => store.Fuel = 5);
            store.CallTimeout = Timeout.InfiniteTimeSpan;
        }
        using Instance instance = template.Instantiate();
        Refused("EnableInterruption", () => instance.CallTimeout = second);
        Refused("EnableFuel", () => instance.Fuel = 5);
        Refused("EnableInterruption", () => instance.GetAction("f").Invoke(source.Token));
        Refused("EnableInterruption", () => instance.GetAction("f").TryInvoke(out _, source.Token));
        Refused("EnableInterruption", () => instance.GetFunction("f").Invoke([], [], source.Token));
        Refused("EnableInterruption", () => instance.GetFunction("f").TryInvoke([], [], out _, source.Token));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await instance.GetAction("f").InvokeAsync(source.Token));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await instance.GetFunction("f").InvokeAsync([], source.Token));
        // What asks for nothing is not refused.
        instance.GetAction("f").Invoke(CancellationToken.None);
        await instance.GetAction("f").InvokeAsync(CancellationToken.None);
    }

    private static void Refused(string option, Action set) =>
        Assert.Contains($"EngineOptions.{option} = false", Assert.Throws<InvalidOperationException>(set).Message, StringComparison.Ordinal);
}

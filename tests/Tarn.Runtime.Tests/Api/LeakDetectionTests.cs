// Instances that nobody disposed are reported with what is needed to find them, those that were disposed are not, and without the option nothing is watched.
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Tarn.Runtime.Tests.Api;

/// <summary>The detector of instances that were not disposed.</summary>
public sealed class LeakDetectionTests
{
    [Theory]
    [InlineData(AllocationStrategy.Pooling, true)]
    [InlineData(AllocationStrategy.OnDemand, true)]
    [InlineData(AllocationStrategy.Pooling, false)]
    public async Task What_was_not_disposed_is_reported_once(AllocationStrategy allocation, bool capture)
    {
        var leaks = new ConcurrentQueue<InstanceLeak>();
        using var engine = new Engine(new EngineOptions
        {
            AllocationStrategy = allocation,
            Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = 4 } },
            LeakDetection = new LeakDetectionOptions(leak =>
            {
                leaks.Enqueue(leak);
                throw new InvalidOperationException("ignored");
            })
            { CaptureStackTrace = capture },
        });
        using Module module = Module.FromText(engine, "(module $plugin (memory (export \"memory\") 1))");
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        for (int i = 0; i < 3; i++)
        {
            template.Instantiate().Dispose();
            await (await template.InstantiateAsync(cancellationToken: TestContext.Current.CancellationToken)).DisposeAsync();
        }
        using Instance kept = template.Instantiate();
        Memory memory = Lose(template);
        for (int i = 0; i < 100 && leaks.IsEmpty; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Yield();
        }
        InstanceLeak leak = Assert.Single(leaks);
        Assert.Equal("plugin", leak.ModuleName);
        Assert.Equal(allocation == AllocationStrategy.Pooling, leak.Slot is >= 0 and < 4);
        Assert.Equal(capture, leak.ToString().Contains(nameof(Lose), StringComparison.Ordinal));
        Assert.Contains("plugin was not disposed", leak.ToString(), StringComparison.Ordinal);
        // Handles of it work on: it is reported, not ended.
        Assert.Equal(65536, memory.Length);
        Assert.Equal(65536, kept.Memory.Length);
        Assert.Null(memory.Store!.EndLife(memory.Generation));
    }

    [Fact]
    public void Nothing_is_watched_unless_it_is_wanted()
    {
        using var engine = new Engine();
        Assert.Null(engine.Leaks);
        Assert.NotEmpty(new EngineOptions { LeakDetection = new LeakDetectionOptions(null!) }.Validate());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Memory Lose(InstanceTemplate template) => template.Instantiate().Memory;
}

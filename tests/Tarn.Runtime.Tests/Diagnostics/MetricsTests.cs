// What the meter and the statistics say, held against what was done.
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Tarn.Runtime.Tests.Diagnostics;

public sealed class MetricsTests
{
    private const string Text = """
        (module (memory (export "memory") 20) (table 3 funcref)
          (func (export "touch") (param i32) (i32.store (local.get 0) (i32.const 1)))
          (func (export "boom") unreachable))
        """;

    [Fact]
    public void Statistics_tell_what_the_pools_hold_and_have_done()
    {
        using var engine = new Engine(Options(3));
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        Assert.Equal(new PoolUsage(3, 3, 0), engine.GetPoolStatistics().Instances);
        var live = new Instance[3];
        for (int i = 0; i < 3; i++)
            live[i] = template.Instantiate();
        PoolStatistics full = engine.GetPoolStatistics();
        Assert.Equal((3, 3, 3), (full.Instances.InUse, full.Memories.InUse, full.Tables.InUse));
        // A stack for each instance.
        Assert.Equal(3, full.Stacks.Slots);
        Assert.Throws<PoolExhaustedException>(() => template.Instantiate());
        live[0].GetAction<int>("touch").Invoke(100_000);
        foreach (Instance instance in live)
            instance.Dispose();
        template.Instantiate().Dispose();
        PoolStatistics statistics = engine.GetPoolStatistics();
        Assert.Equal(new PoolUsage(3, 0, 3), statistics.Instances);
        Assert.Equal((4L, 3L, 1L, 0L), (statistics.Rents, statistics.Bindings, statistics.Exhaustions, statistics.Waits));
        Assert.InRange(statistics.Faults, 1, 3);
        Assert.True(statistics.BytesReset > 0);
        using Module other = Module.FromText(engine, "(module)");
        using InstanceTemplate empty = new Linker(engine).Prepare(other);
        empty.Instantiate().Dispose();
        Assert.Equal(1, engine.GetPoolStatistics().Evictions);
        Assert.Equal(1, engine.GetPoolStatistics().Decommits);
        module.Dispose();
        Assert.Equal(new PoolUsage(3, 2, 1), engine.GetPoolStatistics().Instances);
        Assert.Equal((5L, 4L), (engine.GetPoolStatistics().Rents, engine.GetPoolStatistics().Bindings));
    }

    [Fact]
    public void The_meter_shows_pools_traps_and_compilations()
    {
        var sums = new Dictionary<string, double>();
        var names = new HashSet<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Meter.Name != "Tarn")
                    return;
                l.EnableMeasurementEvents(instrument);
                lock (sums)
                    names.Add(instrument.Name);
            },
        };
        void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string key = instrument.Name;
            foreach (KeyValuePair<string, object?> tag in tags)
                key += "/" + tag.Value;
            lock (sums)
                sums[key] = sums.GetValueOrDefault(key) + value;
        }
        listener.SetMeasurementEventCallback<int>((i, v, t, _) => Record(i, v, t));
        listener.SetMeasurementEventCallback<long>((i, v, t, _) => Record(i, v, t));
        listener.SetMeasurementEventCallback<double>((i, v, t, _) => Record(i, v, t));
        listener.Start();
        var activities = new List<string>();
        using var activityListener = new ActivityListener
        {
            ShouldListenTo = s => s.Name == "Tarn",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = a =>
            {
                lock (activities)
                    activities.Add(a.OperationName);
            },
        };
        ActivitySource.AddActivityListener(activityListener);

        using var engine = new Engine(Options(5));
        using Module module = Module.FromText(engine, Text);
        using InstanceTemplate template = new Linker(engine).Prepare(module);
        using Instance instance = template.Instantiate();
        Assert.Throws<TrapException>(() => instance.GetAction("boom").Invoke());
        Instance[] others = [.. Enumerable.Range(0, 4).Select(_ => template.Instantiate())];
        Assert.Throws<PoolExhaustedException>(() => template.Instantiate());
        foreach (Instance other in others)
        {
            other.GetAction<int>("touch").Invoke(100_000);
            other.Dispose();
        }
        listener.RecordObservableInstruments();
        // Other tests have engines of their own at the same time: at least what was done here.
        lock (sums)
        {
            Assert.True(sums["tarn.pool.slots/instance/used"] >= 1);
            Assert.True(sums["tarn.pool.slots/memory/used"] >= 1);
            Assert.True(sums.ContainsKey("tarn.pool.slots/table/free"));
            Assert.True(sums.ContainsKey("tarn.pool.slots/stack/free"));
            Assert.True(sums.ContainsKey("tarn.pool.slots/heap/free"));
            Assert.True(sums["tarn.pool.rents"] >= 1);
            Assert.True(sums["tarn.pool.exhaustions"] >= 1);
            Assert.True(sums["tarn.pool.faults"] >= 1);
            Assert.Equal(
                [
                    "tarn.heap.collection.duration", "tarn.heap.collections", "tarn.heap.moved",
                    "tarn.module.compile.duration", "tarn.pool.bindings", "tarn.pool.decommits", "tarn.pool.evictions", "tarn.pool.exhaustions", "tarn.pool.faults", "tarn.pool.rents",
                    "tarn.pool.reset", "tarn.pool.slots", "tarn.pool.wait.duration", "tarn.pool.waiting", "tarn.pool.waits", "tarn.traps",
                ],
                names.Order());
            string[] shown = ["bindings", "decommits", "evictions", "reset", "waiting", "waits"];
            Assert.All(shown, name => Assert.Contains("tarn.pool." + name, sums.Keys));
            Assert.True(sums["tarn.traps/unreachable"] >= 1);
            Assert.True(sums["tarn.module.compile.duration"] > 0);
        }
        lock (activities)
            Assert.Contains("Tarn.Compile", activities);
    }

    private static EngineOptions Options(int count) => new()
    {
        AllocationStrategy = AllocationStrategy.Pooling,
        Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = count }, ResetStrategy = ResetStrategy.Learned },
    };
}

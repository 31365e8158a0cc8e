// The meter "Tarn" and the activity source of the same name. What pools hold and have done is observed: read from their statistics when a listener asks, and
// not before. The rest is counted where something slow happens anyway (a trap, a compilation, a wait), after asking whether anybody listens.
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Tarn.Diagnostics;

internal static class TarnMetrics
{
    private static readonly Meter s_meter = new("Tarn");
    private static readonly Lock s_lock = new();
    private static readonly List<WeakReference<IPoolStatisticsSource>> s_pools = [];
    private static readonly Counter<long> s_traps = s_meter.CreateCounter<long>("tarn.traps", "{trap}", "Guests that trapped, by code.");
    private static readonly Histogram<double> s_compile = s_meter.CreateHistogram<double>("tarn.module.compile.duration", "s", "Time to validate and compile a module.");
    private static readonly Histogram<double> s_wait = s_meter.CreateHistogram<double>("tarn.pool.wait.duration", "s", "Time that an instantiation waited for a slot.");

    private static readonly Counter<long> s_collections = s_meter.CreateCounter<long>("tarn.heap.collections", "{collection}", "Collections of heaps of managed objects, by kind.");
    private static readonly Counter<long> s_moved = s_meter.CreateCounter<long>("tarn.heap.moved", "By", "Bytes of objects that collections have moved.");
    private static readonly Histogram<double> s_collect = s_meter.CreateHistogram<double>("tarn.heap.collection.duration", "s", "Time that a collection took.");

    static TarnMetrics()
    {
        s_meter.CreateObservableUpDownCounter("tarn.pool.slots", ObserveSlots, "{slot}", "Slots by pool and state.");
        s_meter.CreateObservableUpDownCounter("tarn.pool.waiting", () => Sum(static s => s.Waiting), "{instantiation}", "Instantiations that wait for a slot.");
        Observe("tarn.pool.rents", "{instance}", "Instances made from slots.", static s => s.Rents);
        Observe("tarn.pool.bindings", "{slot}", "Slots bound to a module because none was warm.", static s => s.Bindings);
        Observe("tarn.pool.evictions", "{slot}", "Warm slots taken from one module for another.", static s => s.Evictions);
        Observe("tarn.pool.exhaustions", "{request}", "Slots that were wanted when there were none.", static s => s.Exhaustions);
        Observe("tarn.pool.waits", "{instantiation}", "Instantiations that had to wait.", static s => s.Waits);
        Observe("tarn.pool.reset", "By", "Bytes of memories that resets looked at.", static s => s.BytesReset);
        Observe("tarn.pool.faults", "{page}", "Pages that guests opened by touching them.", static s => s.Faults);
        Observe("tarn.pool.decommits", "{slot}", "Memory slots returned to the system.", static s => s.Decommits);
    }

    public static ActivitySource Activities { get; } = new("Tarn");

    /// <summary>A pool's slots are shown from now on.</summary>
    public static void Add(IPoolStatisticsSource pool)
    {
        lock (s_lock)
            s_pools.Add(new WeakReference<IPoolStatisticsSource>(pool));
    }

    /// <summary>A pool has ended.</summary>
    public static void Remove(IPoolStatisticsSource pool)
    {
        lock (s_lock)
            s_pools.RemoveAll(p => !p.TryGetTarget(out IPoolStatisticsSource? there) || there == pool);
    }

    public static void CountTrap(TrapCode code)
    {
        if (s_traps.Enabled)
            s_traps.Add(1, new KeyValuePair<string, object?>("tarn.trap.code", NameOf(code)));
    }

    /// <summary>A heap was collected.</summary>
    public static void CountCollection(bool isFull, long bytesMoved, TimeSpan duration)
    {
        var kind = new KeyValuePair<string, object?>("tarn.heap.collection.kind", isFull ? "full" : "nursery");
        if (s_collections.Enabled)
            s_collections.Add(1, kind);
        if (s_moved.Enabled)
            s_moved.Add(bytesMoved);
        if (s_collect.Enabled)
            s_collect.Record(duration.TotalSeconds, kind);
    }

    // Values of attributes are in snake case, as OpenTelemetry has them.
    private static string NameOf(TrapCode code) => string.Concat(code.ToString().Select(static (c, i) => char.IsUpper(c) ? (i == 0 ? "" : "_") + char.ToLowerInvariant(c) : c.ToString()));

    /// <summary>When something began that will be timed; 0 if no listener is attached.</summary>
    public static long Now(bool isWait) => (isWait ? s_wait : s_compile).Enabled ? Stopwatch.GetTimestamp() : 0;

    public static void Record(bool isWait, long start)
    {
        if (start != 0)
            (isWait ? s_wait : s_compile).Record(Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    private static void Observe(string name, string unit, string description, Func<PoolStatistics, long> value) =>
        s_meter.CreateObservableCounter(name, () => Sum(value), unit, description);

    private static long Sum(Func<PoolStatistics, long> value) => Statistics().Sum(value);

    private static List<Measurement<int>> ObserveSlots()
    {
        var measurements = new List<Measurement<int>>();
        foreach (PoolStatistics statistics in Statistics())
        {
            Measure("instance", statistics.Instances);
            Measure("memory", statistics.Memories);
            Measure("table", statistics.Tables);
            Measure("stack", statistics.Stacks);
            Measure("heap", statistics.Heaps);
        }
        return measurements;

        void Measure(string pool, PoolUsage usage)
        {
            foreach ((string state, int count) in new[] { ("free", usage.Free), ("warm", usage.Warm), ("used", usage.InUse) })
                measurements.Add(new Measurement<int>(count, new KeyValuePair<string, object?>("tarn.pool.name", pool), new KeyValuePair<string, object?>("tarn.slot.state", state)));
        }
    }

    private static List<PoolStatistics> Statistics()
    {
        lock (s_lock)
        {
            var statistics = new List<PoolStatistics>(s_pools.Count);
            foreach (WeakReference<IPoolStatisticsSource> reference in s_pools)
            {
                if (reference.TryGetTarget(out IPoolStatisticsSource? pool))
                    statistics.Add(pool.GetStatistics());
            }
            return statistics;
        }
    }
}

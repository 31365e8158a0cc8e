// Looks at the pools again and again. Rates and percentiles are of the last second, or of less at the beginning: of the time between two pictures they would flicker.
using System.Diagnostics;
using Tarn.Pooling;

namespace Tarn.Cli.Pool;

internal sealed class PoolSampler
{
    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(1);

    private readonly Engine _engine;
    private readonly PoolLoad _load;
    private readonly Queue<(long Time, PoolStatistics Statistics, LatencyHistogram Latencies)> _earlier = [];

    public PoolSampler(Engine engine, PoolLoad load)
    {
        _engine = engine;
        _load = load;
        _earlier.Enqueue((Stopwatch.GetTimestamp(), default, new LatencyHistogram()));
    }

    public PoolSample Look()
    {
        long time = Stopwatch.GetTimestamp();
        PoolStatistics now = _engine.GetPoolStatistics();
        LatencyHistogram latencies = _load.Latencies();
        while (_earlier.Count > 1 && Stopwatch.GetElapsedTime(_earlier.Peek().Time, time) > s_window)
            _earlier.Dequeue();
        (long before, PoolStatistics statistics, LatencyHistogram histogram) = _earlier.Peek();
        _earlier.Enqueue((time, now, latencies));
        double seconds = Math.Max(0.001, Stopwatch.GetElapsedTime(before, time).TotalSeconds);
        return new PoolSample(((PooledAllocator)_engine.Allocator).GetSlotStates(), now, statistics, latencies.Since(histogram), seconds);
    }
}

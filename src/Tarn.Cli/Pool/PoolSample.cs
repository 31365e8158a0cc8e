// One look at the pools under load: what they hold and have done, and what was measured over the last second.
using Tarn.Pooling;

namespace Tarn.Cli.Pool;

/// <param name="Slots">The state of each slot of the instance pool.</param>
/// <param name="Now">The pools' statistics.</param>
/// <param name="Before">The same as they were earlier.</param>
/// <param name="Latencies">Times of the cycles that ended meanwhile.</param>
/// <param name="Seconds">How long that is.</param>
internal readonly record struct PoolSample(SlotState[] Slots, PoolStatistics Now, PoolStatistics Before, LatencyHistogram Latencies, double Seconds)
{
    /// <summary>What is counted, a second.</summary>
    public double Rate(Func<PoolStatistics, long> count) => (count(Now) - count(Before)) / Seconds;
}

// Times by their order of magnitude: sixteen buckets for each doubling, so that a percentile is right to 5 %. One writer, any number of readers.
using System.Numerics;

namespace Tarn.Cli.Pool;

internal sealed class LatencyHistogram
{
    private const int PerDoubling = 16;
    private const int PerDoublingLog2 = 4;

    private readonly long[] _buckets = new long[64 * PerDoubling];

    public long Count { get; private set; }

    public void Record(TimeSpan time)
    {
        _buckets[BucketOf((ulong)Math.Max(1, time.TotalNanoseconds))]++;
        Count++;
    }

    public void Add(LatencyHistogram other)
    {
        for (int i = 0; i < _buckets.Length; i++)
        {
            long count = Volatile.Read(ref other._buckets[i]);
            _buckets[i] += count;
            Count += count;
        }
    }

    /// <summary>Takes away what was there before.</summary>
    public LatencyHistogram Since(LatencyHistogram before)
    {
        var difference = new LatencyHistogram();
        for (int i = 0; i < _buckets.Length; i++)
        {
            difference._buckets[i] = _buckets[i] - before._buckets[i];
            difference.Count += difference._buckets[i];
        }
        return difference;
    }

    /// <summary>The time that a share of all takes at most, in nanoseconds; 0 if there are none.</summary>
    public double Percentile(double share)
    {
        long wanted = (long)Math.Ceiling(Count * share);
        long seen = 0;
        for (int i = 0; i < _buckets.Length; i++)
        {
            seen += _buckets[i];
            if (seen >= wanted && seen > 0)
                return UpperBound(i);
        }
        return 0;
    }

    private static int BucketOf(ulong nanoseconds)
    {
        int log2 = BitOperations.Log2(nanoseconds);
        int fraction = log2 >= PerDoublingLog2 ? (int)(nanoseconds >> (log2 - PerDoublingLog2)) & (PerDoubling - 1) : (int)(nanoseconds << (PerDoublingLog2 - log2)) & (PerDoubling - 1);
        return (log2 * PerDoubling) + fraction;
    }

    private static double UpperBound(int bucket) => Math.Pow(2, bucket / PerDoubling) * (1 + (((bucket % PerDoubling) + 1) / (double)PerDoubling));
}

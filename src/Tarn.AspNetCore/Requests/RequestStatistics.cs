// What happened to requests, counted without a lock: outcomes, and latencies in buckets that are a quarter of a power of two wide, so that a percentile is at most a quarter too high.
using System.Numerics;

namespace Tarn.AspNetCore.Requests;

internal sealed class RequestStatistics
{
    // From 1 µs to more than an hour.
    private const int Buckets = 4 * 33;

    private readonly long[] _latencies = new long[Buckets];
    private readonly long[] _outcomes = new long[Enum.GetValues<RequestOutcome>().Length];
    private readonly long[] _traps = new long[64];
    private int _running;

    public int Running => Volatile.Read(ref _running);

    public void Begin() => Interlocked.Increment(ref _running);

    public void End(RequestOutcome outcome, TimeSpan time)
    {
        Interlocked.Decrement(ref _running);
        Interlocked.Increment(ref _outcomes[(int)outcome]);
        Interlocked.Increment(ref _latencies[BucketOf((ulong)Math.Max(1, time.TotalMicroseconds))]);
    }

    public void CountTrap(TrapCode code) => Interlocked.Increment(ref _traps[(int)code & 63]);

    public long Count(RequestOutcome outcome) => Interlocked.Read(ref _outcomes[(int)outcome]);

    public long Total => _outcomes.Sum();

    /// <summary>Traps by code, those that there were.</summary>
    public IEnumerable<(TrapCode Code, long Count)> Traps => _traps.Select(static (count, code) => ((TrapCode)code, count)).Where(static trap => trap.count != 0);

    /// <summary>The time in microseconds that a share of the requests did not exceed; 0 if there were none.</summary>
    public double Percentile(double share)
    {
        long total = _latencies.Sum();
        long rank = (long)Math.Ceiling(total * share);
        for (int i = 0; i < Buckets && total != 0; i++)
        {
            rank -= _latencies[i];
            if (rank <= 0)
                return Math.ScaleB(1 + (((i % 4) + 1) / 4.0), i / 4);
        }
        return 0;
    }

    private static int BucketOf(ulong microseconds)
    {
        int log = BitOperations.Log2(microseconds);
        int quarter = log < 2 ? 0 : (int)((microseconds >> (log - 2)) & 3);
        return Math.Min((log * 4) + quarter, Buckets - 1);
    }
}

/// <summary>How a request ended.</summary>
internal enum RequestOutcome
{
    Answered,
    Trapped,
    Failed,
    TimedOut,
    Aborted,
    Refused,
}

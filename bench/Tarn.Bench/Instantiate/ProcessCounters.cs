// What the kernel counts for this thread: page faults served without reading from disk, by getrusage(RUSAGE_THREAD), and processor time.
using System.Runtime.InteropServices;

namespace Tarn.Bench.Instantiate;

internal static unsafe partial class ProcessCounters
{
    private const int Thread = 1;

    // struct rusage on 64-bit Linux: two timevals, then fourteen longs; ru_minflt is the fifth of those.
    private const int MinorFaultsIndex = 4 + 4;
    private const int Longs = 18;

    /// <summary>Minor page faults of the calling thread so far.</summary>
    public static long MinorFaults()
    {
        long* usage = stackalloc long[Longs];
        if (GetUsage(Thread, usage) != 0)
            throw new InvalidOperationException("getrusage failed");
        return usage[MinorFaultsIndex];
    }

    /// <summary>Processor time of the calling thread so far.</summary>
    public static double ThreadNanoseconds()
    {
        const int ThreadClock = 3;
        long* time = stackalloc long[2];
        if (GetTime(ThreadClock, time) != 0)
            throw new InvalidOperationException("clock_gettime failed");
        return (time[0] * 1e9) + time[1];
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, long* time);

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static partial int GetUsage(int who, long* usage);
}

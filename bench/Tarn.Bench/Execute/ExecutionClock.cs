// The clock that execution is timed with. Wall time is what users see; the processor time of the thread is what can be compared on a machine that is busy
// with something else, since the time during which others ran does not count. Guests run on one thread, so nothing is hidden. A report says which it was.
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Tarn.Bench.Execute;

internal static partial class ExecutionClock
{
    private const int ThreadProcessorTime = 3; // CLOCK_THREAD_CPUTIME_ID

    /// <summary>Whether processor time is taken instead of wall time.</summary>
    public static bool IsProcessorTime { get; set; }

    /// <summary>What to call it.</summary>
    public static string Name => IsProcessorTime ? "processor time" : "wall time";

    /// <summary>Nanoseconds since some point.</summary>
    public static double Now()
    {
        if (!IsProcessorTime)
            return Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency);
        return GetTime(ThreadProcessorTime, out Time time) == 0 ? (time.Seconds * 1e9) + time.Nanoseconds : throw new PlatformNotSupportedException("There is no clock for the thread's processor time.");
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, out Time time);

    [StructLayout(LayoutKind.Sequential)]
    private struct Time
    {
        public long Seconds;
        public long Nanoseconds;
    }
}

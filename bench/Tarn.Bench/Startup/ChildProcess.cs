// One run of a program as a process of its own, from before it is started until it has ended and been waited for: what a person at a shell waits for. What starting any
// process costs here is in it for all contenders alike. On a busy machine --clock=cpu takes the processor time of the process and its threads instead.
using System.Diagnostics;
using System.Runtime.InteropServices;
using Tarn.Bench.Execute;

namespace Tarn.Bench.Startup;

internal static unsafe partial class ChildProcess
{
    private const int ChildrenWaitedFor = -1; // RUSAGE_CHILDREN
    private const int UsageWords = 18;

    /// <summary>Runs a command.</summary>
    /// <param name="program">The executable.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables to set.</param>
    /// <returns>How long it took, its exit status, what it printed on standard output.</returns>
    public static (double Nanoseconds, int Status, string Output) Run(string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        double processor = ProcessorTimeOfChildren();
        long begin = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        double nanoseconds = ExecutionClock.IsProcessorTime ? ProcessorTimeOfChildren() - processor : Stopwatch.GetElapsedTime(begin).TotalNanoseconds;
        return (nanoseconds, process.ExitCode, output);
    }

    private static double ProcessorTimeOfChildren()
    {
        // Two times of day, user's and system's, in front of counters that are not wanted.
        long* usage = stackalloc long[UsageWords];
        if (GetUsage(ChildrenWaitedFor, usage) != 0)
            throw new InvalidOperationException("getrusage failed");
        return ((usage[0] + usage[2]) * 1e9) + ((usage[1] + usage[3]) * 1e3);
    }

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static partial int GetUsage(int who, long* usage);
}

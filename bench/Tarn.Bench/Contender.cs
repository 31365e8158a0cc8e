// One competitor in a side-by-side run. Measure performs one sample and returns nanoseconds for each unit of work (a call, a byte, an instance), so that
// contenders may batch differently and still compare.
using System.Diagnostics;

namespace Tarn.Bench;

internal sealed class Contender(string name, Func<double> measure)
{
    public string Name { get; } = name;

    /// <summary>Takes one sample: nanoseconds for one unit of work.</summary>
    public double Measure() => measure();

    /// <summary>
    /// Repeats a batch for a while. Peers come compiled; our code gets the time it needs to reach the top tier, which happens on another thread, and for which the pauses are.
    /// </summary>
    public static void WarmUp(double seconds, Action batch)
    {
        long start = Stopwatch.GetTimestamp();
        do
        {
            batch();
            Thread.Sleep(20);
        }
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < seconds);
    }

    /// <summary>A contender in this process: <paramref name="batch"/> does <paramref name="units"/> units of work in one go.</summary>
    public static Contender InProcess(string name, double units, Action batch) => new(name, () =>
    {
        long start = Stopwatch.GetTimestamp();
        batch();
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / units;
    });

    /// <summary>
    /// As <see cref="InProcess"/>, but in processor time of the whole process, what its other threads take included: on a machine shared with others, the share
    /// of a processor that a process is given says nothing about it.
    /// </summary>
    public static Contender InProcessorTime(string name, double units, Action batch) => new(name, () =>
    {
        TimeSpan start = Environment.CpuUsage.TotalTime;
        batch();
        return (Environment.CpuUsage.TotalTime - start).TotalNanoseconds / units;
    });

    /// <summary>A contender that runs elsewhere and times itself: each sample is the number under <paramref name="key"/> in the peer's next line.</summary>
    public static Contender FromPeer(string name, PeerProcess peer, string request, string key = "ns") => new(name, () => peer.Ask(request).GetProperty(key).GetDouble());
}

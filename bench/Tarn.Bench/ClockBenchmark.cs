// What the clock itself costs and how steady this machine is: run it before believing any other figure. Two equal contenders whose ratio is far from 1, or a
// wide spread, say that the machine is too busy to measure on.
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tarn.Bench;

internal sealed class ClockBenchmark : IBenchmark
{
    private const int Units = 1_000_000;

    public string Verb => "clock";

    public string Summary => "two equal loops and the clock against each other, ns: is this machine quiet enough to measure on?";

    public int Run(BenchmarkArguments arguments)
    {
        SideBySide run = new("The machine", "ns");
        run.Run("multiply and add", [Contender.InProcess("first", Units, () => Spin(Units)), Contender.InProcess("second", Units, () => Spin(Units))], arguments.Rounds(21));
        run.Run("reading the clock", [Contender.InProcess("first", Units / 10, () => Read(Units / 10)), Contender.InProcess("second", Units / 10, () => Read(Units / 10))], arguments.Rounds(21));
        run.Report(arguments);
        return 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static ulong Spin(int count)
    {
        ulong state = 1;
        for (int i = 0; i < count; i++)
            state = state * 6364136223846793005 + (uint)i;
        return state;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static long Read(int count)
    {
        long sum = 0;
        for (int i = 0; i < count; i++)
            sum += Stopwatch.GetTimestamp();
        return sum;
    }
}

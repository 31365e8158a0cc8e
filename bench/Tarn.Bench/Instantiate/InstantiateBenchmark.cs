// The race that Tarn is built for: instantiate, look an export up, call it, dispose, again and again. Every contender runs the same modules in this process,
// interleaved; results must be the expected ones on every cycle, so nobody gets away with a reset that is none. Three parts:
//   rates       medians of batches on one thread, then on two at once (ns a cycle; with two threads the wall time over the cycles of both). With --clock=cpu
//               it is the threads' own processor time instead: on a machine that others use, it says what a cycle costs, and with two threads
//               whether they cost each other anything (the same figure as for one thread: they do not);
//   latency     every cycle timed by itself, percentiles;
//   steadiness  what a cycle costs besides time: managed bytes, page faults, system calls. The last are counted by strace in a child process, as the
//               difference between a long and a short run, so that start-up does not count.
using System.Diagnostics;
using System.Globalization;
using System.Runtime;

namespace Tarn.Bench.Instantiate;

internal sealed class InstantiateBenchmark : IBenchmark
{
    private const double BatchNanoseconds = 4e6;
    // Long beside what it takes a thread to notice that the other has begun.
    private const int PairBatches = 8;
    private const double QuietMilliseconds = 300;
    private const double WarmUpMilliseconds = 5000;

    public string Verb => "instantiate";

    public string Summary => "instantiate + call + dispose against Wasmtime pooled and on demand, ns; words: cases; --only=tarn,wt-c-64k,… --rounds=N --clock=cpu --part=rates|latency|steady";

    public int Run(BenchmarkArguments arguments)
    {
        List<InstantiateCase> cases = [.. InstantiateCase.All().Where(c => arguments.Words.Count == 0 || arguments.Words.Contains(c.Name))];
        if (arguments.Number("worker", 0) is int cycles and > 0)
            return Worker(cases[0], cycles);
        string part = arguments.Text("part") ?? "";
        List<CycleContender> contenders = Contenders(arguments);
        try
        {
            if (part is "" or "rates")
                Rates(cases, contenders, arguments);
            if (part is "" or "latency")
                Latency(cases, contenders);
            if (part is "" or "steady")
                Steadiness(cases, contenders);
        }
        finally
        {
            contenders.ForEach(c => c.Dispose());
        }
        return 0;
    }

    private static EngineOptions Pooled => new() { AllocationStrategy = AllocationStrategy.Pooling };

    private static List<CycleContender> Contenders(BenchmarkArguments arguments)
    {
        List<(string Key, Func<CycleContender> Make)> all =
        [
            ("wt-c-64k", () => new WasmtimeNativeCycles("Wasmtime C API, pooled, 64 KiB kept", keepResident: 64 << 10)),
            ("wt-c-1m", () => new WasmtimeNativeCycles("Wasmtime C API, pooled, 1 MiB kept", keepResident: 1 << 20)),
            ("wt-c", () => new WasmtimeNativeCycles("Wasmtime C API, pooled", keepResident: null)),
            ("wt-tuned", () => new WasmtimeCycles("Wasmtime, pooled, tuned", pooled: true, tuned: true)),
            ("wt", () => new WasmtimeCycles("Wasmtime, pooled", pooled: true, tuned: false)),
            ("wt-demand", () => new WasmtimeCycles("Wasmtime, on demand", pooled: false, tuned: false)),
            ("tarn", () => new TarnCycles("Tarn, pooled", Pooled)),
            ("tarn-checked", () => new TarnCycles("Tarn, pooled, checked", Pooled with { MemoryStrategy = MemoryStrategy.Checked })),
            ("tarn-demand", () => new TarnCycles("Tarn, on demand", new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand })),
        ];
        string[] only = arguments.Only([.. all.Select(c => c.Key)]);
        return [.. all.Where(c => only.Contains(c.Key)).Select(c => c.Make())];
    }

    private static void Rates(List<InstantiateCase> cases, List<CycleContender> contenders, BenchmarkArguments arguments)
    {
        int rounds = arguments.Rounds(15);
        bool cpu = arguments.Text("clock") == "cpu";
        SideBySide one = new("Instantiate + call + dispose, one thread", cpu ? "ns of processor time" : "ns");
        SideBySide two = new("Instantiate + call + dispose, two threads at once", cpu ? "ns of both threads' processor time over all cycles" : "ns of wall time over all cycles");
        using var partner = new ThreadPair();
        foreach (InstantiateCase instantiateCase in cases)
        {
            var single = new List<Contender>();
            var pairs = new List<Contender>();
            foreach (CycleContender contender in contenders)
            {
                int cycles = Calibrate(contender, instantiateCase);
                long expected = contender.Run(1);
                int pairCycles = cycles * PairBatches;
                void Batch() => Require(contender.Run(cycles) == expected * cycles);
                void PairBatch() => Require(contender.Run(pairCycles) == expected * pairCycles);
                single.Add(new Contender(contender.Name, () => OneThread(Batch, cpu) / cycles));
                pairs.Add(new Contender(contender.Name, () => partner.Run(PairBatch, cpu) / (2.0 * pairCycles)));
            }
            one.Run(instantiateCase.Title, single, rounds);
            two.Run(instantiateCase.Title, pairs, rounds);
        }
        SideBySide control = new("What two threads are worth on this machine and runtime", "ns");
        foreach ((string name, Action work) in new (string, Action)[] { ("arithmetic", Controls.Add), ("arithmetic, and one object of 32 bytes each 50 ns", Controls.Allocate) })
        {
            control.Run(
                name,
                [
                    new Contender("one thread", () => OneThread(work, cpu) / Controls.Rounds),
                    new Contender("two threads", () => partner.Run(work, cpu) / (2.0 * Controls.Rounds)),
                ],
                rounds);
        }
        one.Report(arguments);
        two.Report(arguments);
        control.Report(arguments);
    }

    private static void Latency(List<InstantiateCase> cases, List<CycleContender> contenders)
    {
        Console.WriteLine("Latency of single cycles, one thread (ns; includes reading the clock)\n\n| case | contender | p50 | p90 | p99 | p99.9 | worst |\n|---|---|--:|--:|--:|--:|--:|");
        foreach (InstantiateCase instantiateCase in cases)
        {
            foreach (CycleContender contender in contenders)
            {
                int cycles = Math.Clamp(Calibrate(contender, instantiateCase) * 10, 1000, 100_000);
                var ticks = new long[cycles];
                for (int i = 0; i < cycles; i++)
                {
                    long start = Stopwatch.GetTimestamp();
                    contender.Run(1);
                    ticks[i] = Stopwatch.GetTimestamp() - start;
                }
                Array.Sort(ticks);
                double At(double share) => ticks[(int)(share * (cycles - 1))] * 1e9 / Stopwatch.Frequency;
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {instantiateCase.Title} | {contender.Name} | {At(0.5):0} | {At(0.9):0} | {At(0.99):0} | {At(0.999):0} | {At(1):0} |"));
            }
        }
        Console.WriteLine();
    }

    private static void Steadiness(List<InstantiateCase> cases, List<CycleContender> contenders)
    {
        Console.WriteLine("What a cycle costs besides time\n\n| case | contender | managed bytes | page faults |\n|---|---|--:|--:|");
        foreach (InstantiateCase instantiateCase in cases)
        {
            foreach (CycleContender contender in contenders)
            {
                int cycles = Math.Clamp(Calibrate(contender, instantiateCase) * 4, 2000, 400_000);
                long faults = ProcessCounters.MinorFaults();
                long bytes = GC.GetAllocatedBytesForCurrentThread();
                contender.Run(cycles);
                bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
                faults = ProcessCounters.MinorFaults() - faults;
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {instantiateCase.Title} | {contender.Name} | {bytes / (double)cycles:0.##} | {faults / (double)cycles:0.####} |"));
            }
        }
        Console.WriteLine("\nSystem calls of Tarn's cycle (strace -f -c of 1,020,000 cycles less those of 20,000)\n");
        foreach (InstantiateCase instantiateCase in cases)
        {
            const int Few = 20_000;
            const int Many = 1_020_000;
            Dictionary<string, long>? less = CountSystemCalls(instantiateCase.Name, Few);
            Dictionary<string, long>? more = CountSystemCalls(instantiateCase.Name, Many);
            if (less is null || more is null)
            {
                Console.WriteLine("strace is not available: system calls are not counted.");
                return;
            }
            var difference = more.Select(c => (c.Key, Count: c.Value - less.GetValueOrDefault(c.Key))).Where(c => c.Count != 0).OrderByDescending(c => Math.Abs(c.Count)).ToList();
            long sum = difference.Sum(c => c.Count);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{instantiateCase.Title}: {sum / (double)(Many - Few):0.00000} a cycle ({string.Join(", ", difference.Take(6).Select(c => $"{c.Key} {c.Count:+0;-0}"))})"));
        }
    }

    // Calls by name, counted over the whole process.
    private static Dictionary<string, long>? CountSystemCalls(string name, int cycles)
    {
        string log = Path.GetTempFileName();
        try
        {
            var start = new ProcessStartInfo("strace", ["-f", "-c", "-o", log, Environment.ProcessPath!]);
            if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
                start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
            start.ArgumentList.Add("instantiate");
            start.ArgumentList.Add(name);
            start.ArgumentList.Add($"--worker={cycles}");
            using Process process = Process.Start(start)!;
            process.WaitForExit();
            if (process.ExitCode != 0)
                return null;
            var counts = new Dictionary<string, long>();
            foreach (string line in File.ReadLines(log))
            {
                string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (words.Length >= 5 && words[^1] != "total" && long.TryParse(words[3], CultureInfo.InvariantCulture, out long calls))
                    counts[words[^1]] = calls;
            }
            return counts;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
        finally
        {
            File.Delete(log);
        }
    }

    private static int Worker(InstantiateCase instantiateCase, int cycles)
    {
        using var tarn = new TarnCycles("Tarn", Pooled);
        tarn.Load(instantiateCase);
        tarn.Run(cycles);
        return 0;
    }

    // Loads the case, checks what it returns, warms up, and gives the number of cycles that a batch takes.
    private static int Calibrate(CycleContender contender, InstantiateCase instantiateCase)
    {
        contender.Load(instantiateCase);
        long result = contender.Run(1);
        if (instantiateCase.Expected is long expected && result != expected)
            throw new InvalidOperationException($"{contender.Name} returns {result} for {instantiateCase.Name}, not {expected}");
        // Until tiered compilation has nothing more to do for whatever runs in this process.
        long begin = Stopwatch.GetTimestamp();
        long quiet = begin;
        long compiled = JitInfo.GetCompiledMethodCount();
        for (int cycles = 1; ;)
        {
            double start = ProcessCounters.ThreadNanoseconds();
            Require(contender.Run(cycles) == result * cycles);
            double elapsed = ProcessCounters.ThreadNanoseconds() - start;
            if (elapsed < BatchNanoseconds)
            {
                cycles *= 2;
                continue;
            }
            if (JitInfo.GetCompiledMethodCount() != compiled)
            {
                compiled = JitInfo.GetCompiledMethodCount();
                quiet = Stopwatch.GetTimestamp();
            }
            if (Stopwatch.GetElapsedTime(quiet).TotalMilliseconds > QuietMilliseconds || Stopwatch.GetElapsedTime(begin).TotalMilliseconds > WarmUpMilliseconds)
                return Math.Max(1, (int)(cycles * BatchNanoseconds / elapsed));
        }
    }

    /// <summary>How long work takes on the thread that asks.</summary>
    internal static double OneThread(Action work, bool cpu)
    {
        double start = cpu ? ProcessCounters.ThreadNanoseconds() : 0;
        long begin = Stopwatch.GetTimestamp();
        work();
        return cpu ? ProcessCounters.ThreadNanoseconds() - start : Stopwatch.GetElapsedTime(begin).TotalNanoseconds;
    }

    private static void Require(bool condition)
    {
        if (!condition)
            throw new InvalidOperationException("a contender returned a wrong result");
    }
}

// Throughput of compiling, bytes of wasm in to runnable code out, against Cranelift through the NuGet package. Both use what threads they are given by
// the process's affinity; --threads limits ours. One thread against one thread is `taskset -c 0 … compile --threads=1 FILE…`.
//
// Warm is the steady state of a host that compiles one module after the other. Cold, from process start, is what `--cold` prints: one compilation of each
// file in a process that has compiled nothing before, our own compiler's just-in-time compilation included; run it once for each figure.
using System.Diagnostics;
using System.Globalization;

namespace Tarn.Bench;

internal sealed class CompileBenchmark : IBenchmark
{
    public string Verb => "compile";

    public string Summary => "FILE.wasm…: bytes to runnable code against Wasmtime's Cranelift, MB/s. --threads=N; --cold: first compilation in this process only; --alone";

    public int Run(BenchmarkArguments arguments)
    {
        if (!arguments.TryGetModules(Verb, out IReadOnlyList<string> files))
            return 1;

        int threads = arguments.Number("threads", 0);
        using Engine engine = new(new EngineOptions { Allocation = AllocationStrategy.OnDemand, CompilationThreads = threads });
        if (arguments.Flag("cold"))
        {
            foreach (string file in files)
            {
                byte[] bytes = File.ReadAllBytes(file);
                long start = Stopwatch.GetTimestamp();
                Compile(engine, bytes);
                double ms = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(file)}: {ms:0} ms, {bytes.Length / 1e3 / ms:0.00} MB/s, first in this process"));
            }

            return 0;
        }

        SideBySide run = SideBySide.Throughput($"Compiling, {(threads == 0 ? "all threads" : $"{threads} thread{(threads == 1 ? "" : "s")}")}");
        using Wasmtime.Engine peer = new();
        foreach (string file in files)
        {
            byte[] bytes = File.ReadAllBytes(file);
            Contender.WarmUp(3, () => Compile(engine, bytes));
            List<Contender> contenders = [Contender.InProcess("Tarn", bytes.Length, () => Compile(engine, bytes))];
            if (!arguments.Flag("alone"))
                contenders.Add(Contender.InProcess("Cranelift", bytes.Length, () => Wasmtime.Module.FromBytes(peer, "module", bytes).Dispose()));
            run.Run($"{Path.GetFileName(file)}, {bytes.Length / 1e6:0.0} MB", contenders, arguments.Rounds(5), warmUp: 1);
        }

        run.Report(arguments);
        return 0;
    }

    private static void Compile(Engine engine, byte[] bytes) => Module.FromBytes(engine, bytes).Dispose();
}

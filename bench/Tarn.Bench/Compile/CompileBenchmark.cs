// Throughput of compiling, bytes of wasm in to runnable code out, of Tarn, Cranelift (the NuGet package) and V8's two compilers: TurboFan, whose code the execution
// benchmark times, and Liftoff, which compiles in one pass and whose code is slower by a factor. Warm is the steady state of a host that compiles one module after
// the other; first is the first compilation in a new process, start of the process not included (that is the verb `cold`), our own compiler's just-in-time
// compilation by the CLR included.
using System.Globalization;
using System.Text.Json;

namespace Tarn.Bench.Compile;

internal sealed class CompileBenchmark : IBenchmark
{
    private const int LeastWarmUps = 3;
    private const double WarmUpSeconds = 5;

    public string Verb => "compile";

    public string Summary => "bytes to runnable code, Tarn, Cranelift, TurboFan and Liftoff, MB/s, warm and first in a process, 1 and 2 threads. Words: modules; --threads=N --only=ENGINE,… --no-first --no-warm --clock=cpu";

    public int Run(BenchmarkArguments arguments)
    {
        if (arguments.Text("serve") is { } engine)
            return CompilingEngine.Serve(engine, arguments.Number("threads", 1));
        if (!arguments.TryGetModules(Verb, out IReadOnlyList<(string Name, string Path)> modules))
            return 1;

        bool isProcessorTime = arguments.Text("clock") == "cpu";
        string[] only = arguments.Only([.. CompilingEngine.All.Select(e => e.Name)]);
        CompilingEngine[] engines = [.. CompilingEngine.All.Where(e => only.Contains(e.Name))];
        int[] threadCounts = arguments.Number("threads", 0) is > 0 and int wanted ? [wanted] : [1, 2];
        foreach (int threads in threadCounts)
        {
            string kind = string.Create(CultureInfo.InvariantCulture, $"{threads} thread{(threads == 1 ? "" : "s")}, {(isProcessorTime ? "processor time" : "wall time")}");
            if (!arguments.Flag("no-warm"))
                Warm($"Compiling, warm, {kind}", modules, engines, threads, isProcessorTime, arguments);
            if (!arguments.Flag("no-first"))
                First($"Compiling, first in its process, {kind}", modules, engines, threads, isProcessorTime, arguments);
        }

        return 0;
    }

    private static void Warm(string title, IReadOnlyList<(string Name, string Path)> modules, CompilingEngine[] engines, int threads, bool isProcessorTime, BenchmarkArguments arguments)
    {
        SideBySide run = SideBySide.Throughput(title);
        List<(string Name, PeerProcess Peer)> peers = [];
        try
        {
            foreach (CompilingEngine engine in engines)
            {
                if (engine.TryStart(threads) is { } peer)
                    peers.Add((engine.Name, peer));
            }

            foreach ((string name, string path) in modules)
            {
                double bytes = new FileInfo(path).Length;
                List<Contender> contenders = [.. peers.Select(p => new Contender(p.Name, () => Nanoseconds(p.Peer, path, isProcessorTime) / bytes))];

                // Only what the CLR compiles gets better by repetition.
                if (contenders.Find(c => c.Name == "Tarn") is { } tarn)
                    WarmUp(tarn);
                run.Run(Case(name, bytes), contenders, arguments.Rounds(3), warmUp: 1);
            }
        }
        finally
        {
            peers.ForEach(p => p.Peer.Dispose());
        }

        run.Report(arguments);
    }

    private static void First(string title, IReadOnlyList<(string Name, string Path)> modules, CompilingEngine[] engines, int threads, bool isProcessorTime, BenchmarkArguments arguments)
    {
        SideBySide run = SideBySide.Throughput(title);
        CompilingEngine[] installed = [.. engines.Where(IsInstalled)];
        foreach ((string name, string path) in modules)
        {
            double bytes = new FileInfo(path).Length;
            List<Contender> contenders = [.. installed.Select(e => new Contender(e.Name, () =>
            {
                using PeerProcess peer = e.TryStart(threads)!;
                return Nanoseconds(peer, path, isProcessorTime) / bytes;
            }))];
            run.Run(Case(name, bytes), contenders, arguments.Rounds(3), warmUp: 0);
        }

        run.Report(arguments);
    }

    private static bool IsInstalled(CompilingEngine engine)
    {
        using PeerProcess? peer = engine.TryStart(1);
        return peer is not null;
    }

    private static void WarmUp(Contender contender)
    {
        int times = 0;
        Contender.WarmUp(WarmUpSeconds, () => Once());
        while (times < LeastWarmUps)
            Once();

        void Once()
        {
            contender.Measure();
            times++;
        }
    }

    private static double Nanoseconds(PeerProcess peer, string path, bool isProcessorTime)
    {
        JsonElement answer = peer.Ask(path);
        return answer.GetProperty(isProcessorTime ? "cpu" : "ns").GetDouble();
    }

    private static string Case(string name, double bytes) => string.Create(CultureInfo.InvariantCulture, $"{name}, {bytes / 1e6:0.0} MB");
}

// The execution benchmark: the programs of bench/programs in every engine at hand, in turn, round by round, so that a machine whose speed drifts slows all
// of them alike. Results must be equal between engines or the run fails. Times are of run(n) alone; compiling the same modules is timed after it, as a
// comparison of its own. The headline is the geometric mean of time ratios to Wasmtime.
using System.Globalization;

namespace Tarn.Bench.Execute;

/// <summary>The verb <c>execute</c>.</summary>
internal sealed class ExecuteBenchmark : IBenchmark
{
    private readonly string _folder;
    private readonly string?[] _architectures;

    /// <summary>The verb <c>execute</c>, over the programs of bench/programs.</summary>
    public ExecuteBenchmark()
        : this("execute", "Programs in C and Rust run by Tarn, on the CLR and in a native executable, by Wasmtime, V8 and as native code", ProgramSet.Folder, [null])
    {
    }

    private ExecuteBenchmark(string verb, string summary, string folder, string?[] architectures)
    {
        Verb = verb;
        Summary = summary + ": ms, ratios. Words: programs or groups; --only=ENGINE,… --no-compile --no-publish --clock=cpu";
        _folder = folder;
        _architectures = architectures;
    }

    /// <summary>The verb <c>vectors</c>: programs with simd128, beside native code for the instructions it was made after and for this processor.</summary>
    public static ExecuteBenchmark Vectors() =>
        new("vectors", "Programs with simd128 in C and Rust run by Tarn, Wasmtime, V8 and as native code for SSE4.2 and this processor", ProgramSet.Vectors, ["x86-64-v2", "native"]);

    /// <summary>The verb <c>objects</c>: programs with managed objects, which have no native counterpart.</summary>
    public static ExecuteBenchmark Objects() => new("objects", "Programs with managed objects run by Tarn, Wasmtime and V8", ProgramSet.Objects, []);

    private const string Base = "Wasmtime";

    /// <inheritdoc/>
    public string Verb { get; }

    /// <inheritdoc/>
    public string Summary { get; }

    /// <inheritdoc/>
    public int Run(BenchmarkArguments arguments)
    {
        ExecutionClock.IsProcessorTime = arguments.Text("clock") == "cpu";
        List<BenchmarkProgram> programs = ProgramSet.Read(_folder, arguments.Words);
        List<ExecutionEngine> engines = Engines(arguments);
        try
        {
            List<SideBySide> runs = [];
            foreach (IGrouping<string, BenchmarkProgram> group in programs.GroupBy(p => p.Group))
            {
                SideBySide run = new($"{(Verb == "execute" ? "Execution" : Verb == "vectors" ? "Vectors" : "Objects")}: {group.Key}, {ExecutionClock.Name}", "ms") { Base = Base, Shown = ns => ns / 1e6 };
                foreach (BenchmarkProgram program in group)
                    Measure(run, program, engines, arguments.Rounds(9));
                run.Report(arguments);
                runs.Add(run);
            }

            Console.WriteLine(Headline(runs, engines));
            if (!arguments.Flag("no-compile"))
                Compile(programs, engines, arguments);
            return 0;
        }
        catch (ResultsDifferException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
        finally
        {
            engines.ForEach(e => e.Dispose());
        }
    }

    private List<ExecutionEngine> Engines(BenchmarkArguments arguments)
    {
        List<ExecutionEngine> engines = [new TarnEngine(), new TarnEngine("Tarn uninterruptible", TarnEngine.Uninterruptible), new WasmtimeEngine()];
        if (PeerEngine.TryStartNativeHost(publishes: !arguments.Flag("no-publish")) is { } host)
            engines.Insert(1, host);
        return ExecutionEngine.Choose(arguments, engines, Natives());
    }

    private IEnumerable<ExecutionEngine> Natives()
    {
        foreach (string? architecture in _architectures)
        {
            if (ProgramSet.BuildNative(_folder, architecture) is { } native)
                yield return new NativeEngine(architecture is null or "native" ? "native" : "native " + architecture, native);
        }
    }

    /// <summary>Runs a program in each engine that has it; results must be equal.</summary>
    /// <param name="run">Where to.</param>
    /// <param name="program">The program.</param>
    /// <param name="engines">The engines.</param>
    /// <param name="rounds">How often.</param>
    /// <param name="units">Operations of one run, if it is the time of one that is asked for. Engines are warmed up first: what they do for an operation may be compiled in tiers itself.</param>
    public static void Measure(SideBySide run, BenchmarkProgram program, List<ExecutionEngine> engines, int rounds, uint? units = null)
    {
        List<Contender> contenders = [];
        ulong? expected = null;
        foreach (ExecutionEngine engine in engines)
        {
            if (!engine.TryLoad(program))
                continue;
            if (units is not null)
                Contender.WarmUp(seconds: 0.4, () => engine.Run(Math.Min(program.N, 2_000)));
            contenders.Add(new Contender(engine.Name, () =>
            {
                (double nanoseconds, ulong sum) = engine.Run(program.N);
                expected ??= sum;
                return sum == expected ? nanoseconds / (units ?? 1) : throw new ResultsDifferException($"{program.Name}: {engine.Name} gives {sum}, another engine gave {expected}.");
            }));
        }

        run.Run(program.Name, contenders, rounds);
    }

    private static void Compile(List<BenchmarkProgram> programs, List<ExecutionEngine> engines, BenchmarkArguments arguments)
    {
        SideBySide run = new("Compiling these modules, warm", "ms") { Base = Base, Shown = ns => ns / 1e6 };
        foreach (BenchmarkProgram program in programs)
        {
            List<Contender> contenders = [.. engines.Where(e => e.Compiles).Select(e => new Contender(e.Name, () => e.Compile(program)))];
            run.Run(program.Name, contenders, Math.Max(5, arguments.Rounds(9)));
        }

        run.Report(arguments);
    }

    private static string Headline(List<SideBySide> runs, List<ExecutionEngine> engines)
    {
        List<string> parts = [];
        foreach (ExecutionEngine engine in engines)
        {
            double[] logs = [.. runs.SelectMany(r => r.Cases.Select(c => Math.Log(r.RatioOf(c, engine.Name)))).Where(double.IsFinite)];
            if (logs.Length > 0)
                parts.Add(string.Create(CultureInfo.InvariantCulture, $"{engine.Name} {Math.Exp(logs.Average()):0.000}"));
        }

        return $"Geometric mean over all, × {Base}: {string.Join(", ", parts)}\n";
    }
}

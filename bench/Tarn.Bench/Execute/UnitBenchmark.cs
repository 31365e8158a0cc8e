// What one operation costs, by Tarn, Wasmtime and V8: modules written here that do it a given number of times. Every contender runs the same module, one for each case, and results must be
// equal.
using Tarn.Wasm.Text;

namespace Tarn.Bench.Execute;

/// <summary>A case of a <see cref="UnitBenchmark"/>: a module whose <c>run</c> does something so many times.</summary>
internal sealed record UnitCase(string Name, uint Units, string Text);

/// <summary>A verb that reports nanoseconds for each operation.</summary>
internal sealed class UnitBenchmark(string verb, string summary, string title, UnitCase[] cases, Action<BenchmarkArguments>? after = null) : IBenchmark
{
    /// <inheritdoc/>
    public string Verb => verb;

    /// <inheritdoc/>
    public string Summary => summary;

    /// <inheritdoc/>
    public int Run(BenchmarkArguments arguments)
    {
        ExecutionClock.IsProcessorTime = arguments.Text("clock") == "cpu";
        List<ExecutionEngine> engines = [new TarnEngine(), new WasmtimeEngine()];
        if (PeerEngine.TryStartNode(ProgramSet.NodePeer) is { } node)
            engines.Add(node);
        string[] only = arguments.Only([.. engines.Select(e => e.Name)]);
        engines.RemoveAll(e => !only.Contains(e.Name));
        string folder = Directory.CreateTempSubdirectory("tarn-bench-units").FullName;
        try
        {
            SideBySide run = new($"{title}, {ExecutionClock.Name}", "ns") { Base = "Wasmtime" };
            for (int i = 0; i < cases.Length; i++)
            {
                (string name, uint units, string text) = cases[i];
                string path = Path.Combine(folder, $"{i}.wasm");
                File.WriteAllBytes(path, WatParser.Parse(System.Text.Encoding.UTF8.GetBytes(text)));
                Measure(run, new BenchmarkProgram(name, units, units, verb, path), engines, arguments.Rounds(15));
            }

            run.Report(arguments);
            after?.Invoke(arguments);
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
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Measure(SideBySide run, BenchmarkProgram program, List<ExecutionEngine> engines, int rounds)
    {
        List<Contender> contenders = [];
        ulong? expected = null;
        foreach (ExecutionEngine engine in engines)
        {
            if (!engine.TryLoad(program))
                continue;
            // Ours unwinds in managed code, which the JIT compiles in tiers.
            Contender.WarmUp(seconds: 0.4, () => engine.Run(Math.Min(program.N, 2_000)));
            contenders.Add(new Contender(engine.Name, () =>
            {
                (double nanoseconds, ulong sum) = engine.Run(program.N);
                expected ??= sum;
                return sum == expected ? nanoseconds / program.N : throw new ResultsDifferException($"{program.Name}: {engine.Name} gives {sum}, another engine gave {expected}.");
            }));
        }

        run.Run(program.Name, contenders, rounds);
    }
}

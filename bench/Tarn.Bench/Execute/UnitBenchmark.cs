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
        List<ExecutionEngine> engines = ExecutionEngine.Choose(arguments, [new TarnEngine(), new WasmtimeEngine()]);
        string folder = Directory.CreateTempSubdirectory("tarn-bench-units").FullName;
        try
        {
            SideBySide run = new($"{title}, {ExecutionClock.Name}", "ns") { Base = "Wasmtime" };
            for (int i = 0; i < cases.Length; i++)
            {
                (string name, uint units, string text) = cases[i];
                string path = Path.Combine(folder, $"{i}.wasm");
                File.WriteAllBytes(path, WatParser.Parse(System.Text.Encoding.UTF8.GetBytes(text)));
                ExecuteBenchmark.Measure(run, new BenchmarkProgram(name, units, units, verb, path), engines, arguments.Rounds(15), units);
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
}

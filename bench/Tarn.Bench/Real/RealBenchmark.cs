// Programs that others wrote for other purposes, out of the npm registry: a JavaScript scanner, password hashes, a source map parser. Scalar code, and no
// system interface needed. What they leave behind is compared between engines after each round.
using System.Globalization;
using Tarn.Bench.Execute;

namespace Tarn.Bench.Real;

internal sealed class RealBenchmark : IBenchmark
{
    public string Verb => "real";

    public string Summary => "Programs from the npm registry (fetched, pinned), Tarn, Wasmtime and V8: ms, ratios";

    public int Run(BenchmarkArguments arguments)
    {
        ExecutionClock.IsProcessorTime = arguments.Text("clock") == "cpu";
        IReadOnlyList<string> recipes = RealPrograms.Recipes();
        if (recipes.Count == 0)
        {
            Console.Error.WriteLine("real needs npm, node and the registry.");
            return 1;
        }

        using PeerProcess? node = PeerProcess.TryStart(NodeProgram.Path, "--no-liftoff", "--no-wasm-lazy-compilation", RealPrograms.Peer);
        SideBySide run = new($"Real programs, {ExecutionClock.Name}", "ms") { Base = "Wasmtime", Shown = ns => ns / 1e6 };
        try
        {
            foreach (string path in recipes)
                Measure(run, Recipe.Read(path), node, arguments.Rounds(9));
        }
        catch (ResultsDifferException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }

        run.Report(arguments);
        return 0;
    }

    private static void Measure(SideBySide run, Recipe recipe, PeerProcess? node, int rounds)
    {
        using TarnGuest tarn = new(recipe);
        using WasmtimeGuest wasmtime = new(recipe);
        tarn.Prepare();
        wasmtime.Prepare();
        ulong? expected = null;
        double Checked(string engine, (double Nanoseconds, ulong Checksum) outcome)
        {
            expected ??= outcome.Checksum;
            return outcome.Checksum == expected ? outcome.Nanoseconds : throw new ResultsDifferException($"{recipe.Name}: {engine} gives {outcome.Checksum}, another engine gave {expected}.");
        }

        List<Contender> contenders = [new("Tarn", () => Checked("Tarn", tarn.Run())), new("Wasmtime", () => Checked("Wasmtime", wasmtime.Run()))];
        if (node is not null)
        {
            contenders.Add(new("V8", () =>
            {
                System.Text.Json.JsonElement answer = node.Ask((ExecutionClock.IsProcessorTime ? "cpu " : "run ") + recipe.Path);
                return Checked("V8", (answer.GetProperty("ns").GetDouble(), ulong.Parse(answer.GetProperty("sum").GetString()!, CultureInfo.InvariantCulture)));
            }));
        }

        run.Run(recipe.Name, contenders, rounds);
    }
}

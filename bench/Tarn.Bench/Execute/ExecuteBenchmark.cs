// The execution benchmark: the programs of bench/programs in every engine at hand, in turn, round by round, so that a machine whose speed
// drifts slows all of them alike. Results must be equal between engines or the run fails. The headline is the geometric mean of time
// ratios to Wasmtime; times are medians over the rounds.
using System.Globalization;
using System.Text;

namespace Tarn.Bench.Execute;

/// <summary>The verb <c>execute</c>.</summary>
internal sealed class ExecuteBenchmark : IBenchmark
{
    /// <inheritdoc/>
    public string Verb => "execute";

    /// <inheritdoc/>
    public string Summary => "Programs in C run by Tarn, Wasmtime, V8 and as native code: ms, ratios. Words: program names; --only=ENGINE,…";

    /// <inheritdoc/>
    public int Run(BenchmarkArguments arguments)
    {
        string[]? only = arguments.Text("only")?.Split(',');
        string folder = ProgramSet.Folder;
        List<(string Name, uint N)> programs = [.. ProgramSet.Read(arguments.Words).Select(p => (p.Name, p.N))];
        var engines = new List<ExecutionEngine> { new TarnEngine(), new WasmtimeEngine() };
        if (NodeEngine.TryStart(Path.Combine(folder, "node-peer.mjs")) is NodeEngine node)
        {
            engines.Add(node);
        }

        if (ProgramSet.BuildNative() is string native)
        {
            engines.Add(new NativeEngine(native));
        }

        if (only is not null)
        {
            engines.RemoveAll(e => !only.Contains(e.Name, StringComparer.OrdinalIgnoreCase));
        }

        try
        {
            return Measure(programs, engines, folder, arguments.Rounds(7), arguments.Markdown);
        }
        finally
        {
            engines.ForEach(e => e.Dispose());
        }
    }

    private static int Measure(List<(string Name, uint N)> programs, List<ExecutionEngine> engines, string folder, int rounds, string? markdown)
    {
        var report = new StringBuilder();
        int reference = Math.Max(0, engines.FindIndex(e => e.Name == "Wasmtime"));
        report.Append("| program |");
        engines.ForEach(e => report.Append(CultureInfo.InvariantCulture, $" {e.Name} ms |"));
        engines.ForEach(e => report.Append(CultureInfo.InvariantCulture, $" {e.Name} / {engines[reference].Name} |"));
        report.Append(" spread |\n|---|").Insert(report.Length, "--:|", (2 * engines.Count) + 1).Append('\n');
        Console.Write(report);
        var logs = new double[engines.Count];
        foreach ((string name, uint n) in programs)
        {
            var times = new List<double>[engines.Count];
            ulong? expected = null;
            for (int e = 0; e < engines.Count; e++)
            {
                times[e] = [];
                engines[e].Load(name, Path.Combine(folder, "wasm", name + ".wasm"));
            }

            for (int round = -1; round < rounds; round++) // round −1 warms up
            {
                for (int e = 0; e < engines.Count; e++)
                {
                    (double ms, ulong sum) = engines[e].Run(n);
                    expected ??= sum;
                    if (sum != expected)
                    {
                        Console.Error.WriteLine($"{name}: {engines[e].Name} gives {sum}, {engines[0].Name} gives {expected}");
                        return 1;
                    }

                    if (round >= 0)
                    {
                        times[e].Add(ms);
                    }
                }
            }

            double[] medians = [.. times.Select(Median)];
            var line = new StringBuilder($"| {name} |");
            foreach (double m in medians)
            {
                line.Append(CultureInfo.InvariantCulture, $" {m:0.0} |");
            }

            for (int e = 0; e < engines.Count; e++)
            {
                double ratio = medians[e] / medians[reference];
                logs[e] += Math.Log(ratio);
                line.Append(CultureInfo.InvariantCulture, $" {ratio:0.00} |");
            }

            line.Append(CultureInfo.InvariantCulture, $" {(times[0].Max() - times[0].Min()) / medians[0] * 100:0} % |\n");
            Console.Write(line);
            report.Append(line);
        }

        var last = new StringBuilder("| **geometric mean** |").Insert("| **geometric mean** |".Length, " |", engines.Count);
        foreach (double log in logs)
        {
            last.Append(CultureInfo.InvariantCulture, $" **{Math.Exp(log / programs.Count):0.000}** |");
        }

        last.Append(" |\n");
        Console.Write(last);
        report.Append(last);
        if (markdown is not null)
        {
            File.WriteAllText(markdown, report.ToString());
        }

        return 0;
    }

    private static double Median(List<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}

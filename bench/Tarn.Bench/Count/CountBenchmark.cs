// Instructions executed by each program as compiled by Tarn, by Wasmtime and by clang: exact, repeatable on the busiest machine, and blind to everything
// that is not an instruction (cache misses, branch predictions, latencies). A tool for changes of the compiler, not a headline.
using System.Globalization;
using System.Text;
using Tarn.Bench.Execute;
using Tarn.Compiler;

namespace Tarn.Bench.Count;

internal sealed class CountBenchmark : IBenchmark
{
    public string Verb => "count";

    public string Summary => "Instructions executed by the programs (valgrind), Tarn, Wasmtime, native. Words: program names; --only=ENGINE,… --interruption --fuel: with these checks in Tarn's code";

    /// <summary>What the options ask Tarn's code to check.</summary>
    public static TargetDescription Target(BenchmarkArguments arguments) => new() { Interruption = arguments.Flag("interruption"), Fuel = arguments.Flag("fuel") };

    public int Run(BenchmarkArguments arguments)
    {
        if (NativeDriver.TryBuild() is not { } driver)
        {
            Console.Error.WriteLine("count needs a C compiler (cc) and valgrind.");
            return 1;
        }

        string native = ProgramSet.BuildNative(ProgramSet.Folder) ?? "";
        string[] only = arguments.Only("tarn", "wasmtime", "native");
        StringBuilder report = new("| program | Tarn, million | Wasmtime, million | native, million | Tarn / Wasmtime | Tarn / native |\n|---|--:|--:|--:|--:|--:|\n");
        Console.Write(report);
        TargetDescription target = Target(arguments);
        double[] logs = new double[2];
        int[] taken = new int[2];
        foreach (BenchmarkProgram program in ProgramSet.Read(arguments.Words))
        {
            uint n = program.CountN;
            string image = Path.Combine(driver.Folder, program.Name + ".image");
            new GuestImage(File.ReadAllBytes(program.WasmPath), target).Write(image);
            double[] counts = [double.NaN, double.NaN, double.NaN];
            ulong? expected = null;
            foreach ((int column, string engine, string file) in (ReadOnlySpan<(int, string, string)>)
                [(0, "tarn", image), (1, "wasmtime", program.WasmPath), (2, "native", Path.Combine(native, program.Name + ".so"))])
            {
                if (!only.Contains(engine) || !File.Exists(file))
                    continue;
                (ulong sum, long count, _) = driver.Count(engine, file, n);
                expected ??= sum;
                if (sum != expected)
                {
                    Console.Error.WriteLine($"{program.Name}: {engine} gives {sum}, not {expected}");
                    return 1;
                }

                counts[column] = count / 1e6;
            }

            double[] ratios = [counts[0] / counts[1], counts[0] / counts[2]];
            for (int i = 0; i < ratios.Length; i++)
            {
                if (double.IsNaN(ratios[i]))
                    continue;
                logs[i] += Math.Log(ratios[i]);
                taken[i]++;
            }

            string line = string.Create(CultureInfo.InvariantCulture, $"| {program.Name} | {counts[0]:0.000} | {counts[1]:0.000} | {counts[2]:0.000} | {ratios[0]:0.000} | {ratios[1]:0.000} |\n");
            Console.Write(line);
            report.Append(line);
        }

        string last = string.Create(CultureInfo.InvariantCulture, $"| **geometric mean** | | | | **{Math.Exp(logs[0] / taken[0]):0.000}** | **{Math.Exp(logs[1] / taken[1]):0.000}** |\n");
        Console.Write(last);
        report.Append(last);
        arguments.Collector?.Add("Instructions executed, by count", report.ToString());
        if (arguments.Markdown is { } markdown)
            File.WriteAllText(markdown, report.ToString());
        return 0;
    }
}

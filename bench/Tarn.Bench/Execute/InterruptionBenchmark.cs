// What it costs to be able to stop a guest: the programs of the execution benchmark with the checks that cancellation and deadlines need (EngineOptions.EnableInterruption) and with
// fuel, over the same code without; and the same of Wasmtime, whose counterparts are epochs and fuel. Nothing ever asks a guest to stop here: what is measured is the
// looking. Beside them, in the same way, checked memories: what comparing each address costs where a guard region would do. Each engine is compared with itself, so
// that what it does otherwise does not count.
using System.Globalization;

namespace Tarn.Bench.Execute;

internal sealed class InterruptionBenchmark : IBenchmark
{
    public string Verb => "interruption";

    public string Summary => "The programs with checks for interruption, with fuel and with checked memories, over the same without, Tarn and Wasmtime (interruption, fuel): ms, ratios. Words: programs or groups; --only=tarn|wasmtime --clock=cpu";

    public int Run(BenchmarkArguments arguments)
    {
        ExecutionClock.IsProcessorTime = arguments.Text("clock") == "cpu";
        List<BenchmarkProgram> programs = ProgramSet.Read(arguments.Words);
        string[] only = arguments.Only("tarn", "wasmtime");
        List<SideBySide> runs = [];
        try
        {
            EngineOptions tarn = TarnEngine.Uninterruptible;
            if (only.Contains("tarn"))
            {
                runs.Add(Compare(
                    "Tarn",
                    [
                        new TarnEngine("plain", tarn),
                        new TarnEngine("interruption", tarn with { EnableInterruption = true }),
                        new TarnEngine("fuel", tarn with { EnableFuel = true }),
                        new TarnEngine("both", tarn with { EnableInterruption = true, EnableFuel = true }),
                        new TarnEngine("checked memory", tarn with { MemoryStrategy = MemoryStrategy.Checked }),
                    ],
                    programs,
                    arguments));
            }

            if (only.Contains("wasmtime"))
            {
                runs.Add(Compare(
                    "Wasmtime",
                    [
                        new WasmtimeEngine("plain", new Wasmtime.Config(), _ => { }),
                        new WasmtimeEngine("epochs", new Wasmtime.Config().WithEpochInterruption(true), store => store.SetEpochDeadline(1)),
                        new WasmtimeEngine("fuel", new Wasmtime.Config().WithFuelConsumption(true), store => store.Fuel = ulong.MaxValue / 2),
                    ],
                    programs,
                    arguments));
            }
        }
        catch (ResultsDifferException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }

        foreach (SideBySide run in runs)
            Console.WriteLine($"{run.Title}: " + string.Join(", ", run.Contenders.Select(c => string.Create(CultureInfo.InvariantCulture, $"{c} {run.GeometricMean(c):0.000}"))));
        return 0;
    }

    private static SideBySide Compare(string title, List<ExecutionEngine> engines, List<BenchmarkProgram> programs, BenchmarkArguments arguments)
    {
        SideBySide run = new($"Cost of checks: {title}, {ExecutionClock.Name}", "ms") { Shown = ns => ns / 1e6 };
        try
        {
            foreach (BenchmarkProgram program in programs)
                ExecuteBenchmark.Measure(run, program, engines, arguments.Rounds(7));
        }
        finally
        {
            engines.ForEach(e => e.Dispose());
        }

        run.Report(arguments);
        return run;
    }
}

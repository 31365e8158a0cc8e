// Everything in one command, and the report of it. Each verb runs as it would by itself; one that needs something this machine lacks says so and is left out.
namespace Tarn.Bench;

internal sealed class AllBenchmark(IReadOnlyList<IBenchmark> benchmarks) : IBenchmark
{
    // What does not belong: assembler and profile look at parts of Tarn alone.
    private static readonly string[] s_verbs =
    [
        "clock", "execute", "real", "compile", "cold", "interruption", "count", "calls", "instantiate", "density", "validate", "startup", "wasi",
    ];

    public string Verb => "all";

    public string Summary => "All of it, and the report: bench/REPORT.md and bench/report.html. --out=FOLDER --skip=VERB,… --verbs=VERB,… --rounds=N --clock=cpu";

    public int Run(BenchmarkArguments arguments)
    {
        string circumstances = ReportCollector.Circumstances();
        string folder = arguments.Text("out") ?? Path.GetFullPath(Path.Combine(Execute.ProgramSet.Folder, ".."));
        string[] verbs = arguments.Text("verbs")?.Split(',') ?? s_verbs;
        string[] skipped = arguments.Text("skip")?.Split(',') ?? [];
        string[] rounds = [.. new[] { "rounds", "clock" }.Where(o => arguments.Text(o) is not null).Select(o => $"--{o}={arguments.Text(o)}")];
        string command = string.Join(' ', ["dotnet run -c Release --project bench/Tarn.Bench -- all", .. arguments.Given]);
        ReportCollector collector = new();
        collector.Changed = () =>
        {
            File.WriteAllText(Path.Combine(folder, "REPORT.md"), collector.ToMarkdown(command, circumstances));
            File.WriteAllText(Path.Combine(folder, "report.html"), HtmlReport.Make(collector, command, circumstances));
        };
        int failed = 0;
        foreach (string verb in verbs.Except(skipped))
        {
            if (benchmarks.FirstOrDefault(b => b.Verb == verb) is not { } benchmark)
                continue;
            collector.Verb = verb;
            Console.WriteLine($"\n==== {verb}");
            try
            {
                int status = benchmark.Run(BenchmarkArguments.Parse(rounds, collector));
                if (status != 0)
                    collector.Add(verb, $"Did not run here (status {status}).\n");
            }
            catch (Exception e) when (e is InvalidOperationException or IOException or NotSupportedException or PlatformNotSupportedException)
            {
                // The other verbs' results are not lost for it.
                Console.Error.WriteLine($"{verb}: {e.Message}");
                collector.Add(verb, $"Failed: {e.Message}\n");
                failed = 1;
            }
        }

        Console.WriteLine($"\nWritten: {Path.Combine(folder, "REPORT.md")} and report.html");
        return failed;
    }
}

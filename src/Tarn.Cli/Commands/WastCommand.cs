// tarn wast: runs WebAssembly test scripts. One row for each file as it ends, every failure with its place on request, and a last line with the sums that a
// script can read. Folders decide the features (proposals/threads and so on) unless --features is given.
using System.CommandLine;
using Tarn.Wast;

namespace Tarn.Cli.Commands;

internal static class WastCommand
{
    public static Command Create()
    {
        Argument<string[]> paths = new("PATH") { Description = "Scripts (.wast), or folders that are searched for them.", Arity = ArgumentArity.OneOrMore };
        Option<bool> readOnly = new("--read-only") { Description = "Decode and validate modules, execute nothing." };
        Option<MemoryStrategy> memory = new("--memory") { Description = "guarded (reservations and guard pages) or checked (a comparison for each access).", DefaultValueFactory = _ => Tarn.Execution.HostTarget.CatchesFaults ? MemoryStrategy.Guarded : MemoryStrategy.Checked };
        Option<bool> lazy = new("--lazy") { Description = "Compile each function when it is first called." };
        Option<bool> portable = RunCommand.PortableOption();
        Option<bool> verbose = new("--verbose", "-v") { Description = "Show every failure, every skipped directive and every error whose wording differs from the script's." };
        Option<WasmFeatures?> features = FeatureOption.Create("The default depends on the folder.");
        Command command = new(
            "wast",
            """
            Run WebAssembly test scripts; the last line is `N passed, N failed, N skipped`, the exit status 1 when something failed.

            Examples:
              tarn wast spec-testsuite                   all scripts of a folder, features by its subfolders
              tarn wast -v i32.wast                      one script, with every failure
              tarn wast --read-only spec-testsuite       decoding and validating only
            """)
        {
            paths, readOnly, memory, lazy, portable, verbose, features,
        };
        command.SetAction(arguments =>
        {
            EngineOptions? options = arguments.GetValue(readOnly) ? null : new EngineOptions
            {
                // Scripts keep all their instances, and some ask for large memories and tables.
                AllocationStrategy = AllocationStrategy.OnDemand,
                MemoryStrategy = arguments.GetResult(memory) is { Implicit: false } ? arguments.GetValue(memory) : MemoryStrategy.Default,
                Execution = arguments.GetValue(portable) ? ExecutionMode.Portable : ExecutionMode.Auto,
                CompilationMode = arguments.GetValue(lazy) ? CompilationMode.Lazy : CompilationMode.Eager,
            };
            return Run(arguments.GetValue(paths)!, options, arguments.GetValue(features), arguments.GetValue(verbose));
        });
        return command;
    }

    private static int Run(string[] paths, EngineOptions? engineOptions, WasmFeatures? features, bool verbose)
    {
        List<string> scripts = [];
        foreach (string path in paths)
        {
            if (!Directory.Exists(path))
            {
                scripts.Add(path);
                continue;
            }

            string[] found = Directory.GetFiles(path, "*.wast", SearchOption.AllDirectories);
            Array.Sort(found, StringComparer.Ordinal);
            scripts.AddRange(found);
        }

        int passed = 0, failed = 0, skipped = 0, reworded = 0;
        foreach (string path in scripts)
        {
            ScriptReport report = RunScript(path, engineOptions, features);
            passed += report.Passed;
            failed += report.Failures.Count;
            skipped += report.Skips.Count;
            reworded += report.Rewordings.Count;
            string first = verbose || report.Failures.Count == 0 ? "" : $"  line {report.Failures[0].Line}: {report.Failures[0].Text}";
            Console.WriteLine($"{(report.Failures.Count == 0 ? "ok  " : "FAIL")} {path,-48} {report.Passed,6} passed {report.Failures.Count,5} failed {report.Skips.Count,5} skipped{first}");
            if (!verbose)
                continue;
            Show(path, "failed", report.Failures);
            Show(path, "skipped", report.Skips);
            Show(path, "worded differently", report.Rewordings);
        }

        if (reworded > 0)
            Console.WriteLine($"{reworded} refusals are worded in another way than the scripts expect{(verbose ? "" : " (--verbose shows them)")}");
        Console.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
        return failed == 0 ? ExitStatus.Done : ExitStatus.Failed;
    }

    private static ScriptReport RunScript(string path, EngineOptions? engineOptions, WasmFeatures? features)
    {
        ScriptOptions options = ScriptOptions.ForPath(Path.GetFullPath(path));
        if (features is { } chosen)
            options = options with { Features = chosen };
        Wast.Script script;
        try
        {
            script = ScriptParser.Parse(ModuleInput.Read(path), path);
        }
        catch (TextFormatException e)
        {
            return new ScriptReport(0, [new ScriptNote(e.Line, "Script", e.Message)], [], []);
        }

        if (engineOptions is null)
            return ScriptRunner.Run(script, options);
        using ScriptHost host = new(new Engine(engineOptions with { Features = options.Features }), ownsEngine: true);
        return ScriptRunner.Run(script, options, host);
    }

    private static void Show(string path, string what, IReadOnlyList<ScriptNote> notes)
    {
        foreach (ScriptNote note in notes)
            Console.WriteLine($"  {path}:{note.Line}: {note.Directive} {what}: {note.Text}");
    }
}

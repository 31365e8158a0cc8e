// Real programs as people run them: the whole process, from start to exit, in `tarn run` and in Node's node:wasi. Tarn has two columns: with the module in its cache, which is
// every run but the first, and without it. Node compiles while it runs and keeps nothing from one run to the next.
using Tarn.Bench.Execute;
using Tarn.Bench.Startup;
using Tarn.TestSupport;

namespace Tarn.Bench.Wasi;

internal sealed class WasiBenchmark : IBenchmark
{
    public string Verb => "wasi";

    public string Summary => "Real WASI programs from npm, process start to exit: tarn run (cached, and compiling) and node:wasi; ms. --tarn=PATH --clock=cpu";

    public int Run(BenchmarkArguments arguments)
    {
        ExecutionClock.IsProcessorTime = arguments.Text("clock") == "cpu";
        if (TarnCommand.Native(arguments) is not { } tarn)
            return 1;
        string node = Path.Combine(ProgramSet.Folder, "..", "startup", "node-wasi.mjs");
        SideBySide run = new($"WASI programs, process start to exit, {ExecutionClock.Name}", "ms") { Base = "node:wasi", Shown = ns => ns / 1e6 };
        foreach (WasiProgram program in WasiProgram.All)
        {
            if (arguments.Words.Count > 0 && !arguments.Words.Any(word => program.Name.Contains(word, StringComparison.OrdinalIgnoreCase)))
                continue;
            if (NpmPackages.TryGet(program.Package, out string absence) is not { } package)
            {
                Console.Error.WriteLine($"{program.Name} is left out: {absence}");
                continue;
            }

            DirectoryInfo directory = Directory.CreateTempSubdirectory("tarn-bench-wasi-");
            try
            {
                string module = Path.Combine(package, program.File);
                string? expected = null;
                Contender Process(string name, string executable, params string[] command) => new(name, () =>
                {
                    foreach (FileInfo file in directory.EnumerateFiles())
                        file.Delete();
                    foreach ((string file, string text) in program.Files)
                        File.WriteAllText(Path.Combine(directory.FullName, file), text);
                    (double nanoseconds, int status, string output) = ChildProcess.Run(executable, [.. command, .. program.Arguments], TarnCommand.Variables);
                    expected ??= output;
                    return status == 0 && output == expected
                        ? nanoseconds
                        : throw new InvalidOperationException($"{program.Name}: {name} ended with {status} and printed \"{output}\" where another printed \"{expected}\"");
                });
                run.Run(
                    program.Name,
                    [
                        Process("Tarn", tarn, "run", "--dir", $"{directory.FullName}::/", module),
                        Process("Tarn, compiling", tarn, "run", "--no-cache", "--dir", $"{directory.FullName}::/", module),
                        Process("node:wasi", "node", "--no-warnings", node, module, directory.FullName),
                    ],
                    arguments.Rounds(7),
                    warmUp: 1);
            }
            finally
            {
                directory.Delete(recursive: true);
            }
        }

        run.Report(arguments);
        return 0;
    }
}

// Real programs as people run them: the whole process, from start to exit, in `tarn run` and in Node's node:wasi. Tarn has two columns: with the module in its cache, which is
// every run but the first, and without it. Node compiles while it runs and keeps nothing from one run to the next.
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Tarn.Bench.Execute;
using Tarn.Bench.Startup;
using Tarn.TestSupport;

namespace Tarn.Bench.Wasi;

internal sealed class WasiBenchmark : IBenchmark
{
    private const int SegmentationFault = 128 + 11;

    // Node 20.20 ends with a segmentation fault after some of its runs of Ruby, their work done. So many of its runs may, in one case.
    private const int NodeAttempts = 10;

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
                Contender Process(string name, int attempts, string executable, params string[] command) => new(name, () =>
                {
                    while (true)
                    {
                        foreach (FileInfo file in directory.EnumerateFiles())
                            file.Delete();
                        foreach ((string file, string text) in program.Files)
                            File.WriteAllText(Path.Combine(directory.FullName, file), text);
                        (double nanoseconds, int status, string output) = ChildProcess.Run(executable, [.. command, .. program.Arguments], TarnCommand.Variables);
                        string result = Result(output, directory);
                        expected ??= result;
                        if (status == 0 && result == expected)
                            return nanoseconds;
                        if (status != SegmentationFault || --attempts == 0)
                            throw new InvalidOperationException($"{program.Name}: {name} ended with {status} and left\n{result}where another left\n{expected}");
                        Console.Error.WriteLine($"{program.Name}: {name} ended with a segmentation fault; that run is not counted");
                    }
                });
                run.Run(
                    program.Name,
                    [
                        Process("Tarn", 1, tarn, "run", "--dir", $"{directory.FullName}::/", module),
                        Process("Tarn, compiling", 1, tarn, "run", "--no-cache", "--dir", $"{directory.FullName}::/", module),
                        Process("node:wasi", NodeAttempts, NodeProgram.Path, "--no-warnings", node, module, directory.FullName),
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

    // What a run is judged by: the output's beginning, and a hash of it and of each file there is afterwards.
    private static string Result(string output, DirectoryInfo directory)
    {
        const int Shown = 200;
        var text = new StringBuilder(output.Length <= Shown ? output : string.Concat(output.AsSpan(0, Shown), "…\n"));
        Add("output", Encoding.UTF8.GetBytes(output));
        foreach (FileInfo file in directory.EnumerateFiles().OrderBy(file => file.Name, StringComparer.Ordinal))
            Add(file.Name, File.ReadAllBytes(file.FullName));
        return text.ToString();

        void Add(string name, byte[] bytes) => text.AppendLine(CultureInfo.InvariantCulture, $"{name}: {bytes.Length} bytes, {Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 8))}");
    }
}

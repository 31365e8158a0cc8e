// How long "Hello, world!" takes, a program in C over wasi-libc, from starting the process until it has ended: what a command line costs its user before any
// work is done. `true` says how much of that is starting processes at all.
using Tarn.Bench.Execute;

namespace Tarn.Bench.Startup;

internal sealed class StartupBenchmark : IBenchmark
{
    private const string Expected = "Hello, world!\n";

    public string Verb => "startup";

    public string Summary => "hello world (C, wasi-libc), process start to exit: Tarn native and by dotnet, node:wasi; ms. --tarn=PATH --clock=cpu";

    public int Run(BenchmarkArguments arguments)
    {
        ExecutionClock.IsProcessorTime = arguments.Text("clock") == "cpu";
        string hello = Path.GetFullPath(Path.Combine(ProgramSet.Folder, "..", "..", "tests", "Tarn.Wasi.Tests", "Programs", "wasm", "hello.wasm"));
        string node = Path.Combine(ProgramSet.Folder, "..", "startup", "node-wasi.mjs");
        List<Contender> contenders = [];
        if (TarnCommand.Native(arguments) is { } native)
            Add(contenders, "Tarn, native", native, ["run", hello]);
        if (TarnCommand.Managed() is { } managed)
            Add(contenders, "Tarn, dotnet", "dotnet", [managed, "run", hello]);
        Add(contenders, "node:wasi", NodeProgram.Path, ["--no-warnings", node, hello, "-"]);
        Add(contenders, "(true)", "true", [], "");
        if (contenders.Count < 2)
            return 1;
        SideBySide run = new($"Start-up, process start to exit, {ExecutionClock.Name}", "ms") { Shown = ns => ns / 1e6 };
        run.Run("hello", contenders, arguments.Rounds(41), warmUp: 5);
        run.Report(arguments);
        return 0;
    }

    private static void Add(List<Contender> contenders, string name, string program, string[] command, string expected = Expected)
    {
        double Measure()
        {
            (double nanoseconds, int status, string output) = ChildProcess.Run(program, command, TarnCommand.Variables);
            return status == 0 && output == expected ? nanoseconds : throw new InvalidOperationException($"{name}: status {status}, \"{output}\"");
        }

        try
        {
            _ = Measure();
            contenders.Add(new Contender(name, Measure));
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Console.Error.WriteLine($"{program} is not installed: it is left out of the comparison.");
        }
    }
}

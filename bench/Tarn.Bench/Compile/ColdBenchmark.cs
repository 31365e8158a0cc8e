// Compiling a module from the start of a process to its end, which is what somebody waits for who types `tarn compile`, or whose function starts cold: loading the
// program, whatever makes it run (nothing, native code; code compiled ahead of time with a CLR around it; the CLR's just-in-time compiler), reading, compiling,
// writing. The command line is published in the three forms that .NET has; Wasmtime does the same work in a C program around the NuGet package's library; Node
// compiles without writing, since it offers no way to. The first case is an empty module: what the process itself takes.
// All use what threads they like. Times are taken from outside, wall or (--clock=cpu) processor time of the child and its threads as the kernel counted it.
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tarn.Bench.Compile;

internal sealed unsafe partial class ColdBenchmark : IBenchmark
{
    private static readonly byte[] s_emptyModule = [0, (byte)'a', (byte)'s', (byte)'m', 1, 0, 0, 0];

    public string Verb => "cold";

    public string Summary => "start of a process to its end, compiling a module: Tarn as NativeAOT, ReadyToRun and on the CLR, Wasmtime, V8, ms. Words: modules; --clock=cpu --no-publish";

    private static string Folder => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify) is { Length: > 0 } data ? data : Path.GetTempPath(),
        "tarn-bench-cold");

    private static string Output => Path.Combine(Folder, "compiled");

    public int Run(BenchmarkArguments arguments)
    {
        if (!arguments.TryGetModules(Verb, out IReadOnlyList<(string Name, string Path)> modules))
            return 1;
        Directory.CreateDirectory(Folder);
        string empty = Path.Combine(Folder, "empty.wasm");
        File.WriteAllBytes(empty, s_emptyModule);
        List<ColdProgram> programs = Programs(publishes: !arguments.Flag("no-publish"));

        bool isProcessorTime = arguments.Text("clock") == "cpu";
        SideBySide run = new($"Compiling, process start to exit, {(isProcessorTime ? "processor time" : "wall time")}", "ms") { Shown = ns => ns / 1e6 };
        foreach ((string name, string path) in modules.Prepend(("empty module", empty)))
        {
            List<Contender> contenders = [.. programs.Select(p => new Contender(p.Name, () => Measure(p, path, isProcessorTime)))];
            string what = path == empty ? name : string.Create(CultureInfo.InvariantCulture, $"{name}, {new FileInfo(path).Length / 1e6:0.0} MB");
            run.Run(what, contenders, arguments.Rounds(5), warmUp: 1);
        }

        run.Report(arguments);
        return 0;
    }

    private static List<ColdProgram> Programs(bool publishes)
    {
        List<ColdProgram> programs = [];
        void Add(string name, string kind, params string[] properties)
        {
            string target = Path.Combine(Folder, kind);
            if (publishes && !Publish(kind, target, properties))
                Console.Error.WriteLine($"{name} cannot be published here: it is left out.");
            else
                programs.Add(new(name, kind == "aot" ? Path.Combine(target, "Tarn.Cli") : "dotnet", file => kind == "aot" ? ["compile", file, "-o", Output] : [Path.Combine(target, "Tarn.Cli.dll"), "compile", file, "-o", Output]));
        }

        Add("NativeAOT", "aot");
        Add("ReadyToRun", "r2r", "-p:PublishAot=false", "-p:PublishReadyToRun=true", "--self-contained", "false");
        Add("CLR", "clr", "-p:PublishAot=false", "--self-contained", "false");
        if (BuildWasmtime() is { } wasmtime)
            programs.Add(new("Wasmtime", wasmtime, file => [file, Output]));
        if (IsInstalled(NodeProgram.Path))
        {
            string script = Path.Combine(LargeModules.Folder, "compile-peer.mjs");
            programs.Add(new("TurboFan", NodeProgram.Path, file => ["--no-wasm-lazy-compilation", "--no-liftoff", script, file]));
            programs.Add(new("Liftoff", NodeProgram.Path, file => ["--no-wasm-lazy-compilation", "--no-wasm-tier-up", script, file]));
        }

        return programs;
    }

    private static double Measure(ColdProgram program, string path, bool isProcessorTime)
    {
        ProcessStartInfo start = new(program.Program, program.Arguments(path)) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["TARN_BENCH_LIBWASMTIME"] = WasmtimeLibrary();
        double before = ChildrensNanoseconds();
        long at = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        double wall = Stopwatch.GetElapsedTime(at).TotalNanoseconds;
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program.Name} on {path} ended with {process.ExitCode}: {errors.Result}");
        return isProcessorTime ? ChildrensNanoseconds() - before : wall;
    }

    // Into folders of its own, so that other builds of the same sources neither disturb it nor are disturbed.
    private static bool Publish(string kind, string target, string[] properties) => Execute(
        "dotnet",
        ["publish", Path.Combine(LargeModules.Folder, "..", "..", "src", "Tarn.Cli"), "-c", "Release", "-r", "linux-x64", "-v", "q", "--nologo", "--artifacts-path", Path.Combine(Folder, "build-" + kind), "-o", target, .. properties]);

    private static string? BuildWasmtime([CallerFilePath] string here = "")
    {
        string program = Path.Combine(Folder, "wasmtime-compile");
        string source = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "native", "wasmtime-compile.c"));
        return Execute("cc", ["-O2", "-o", program, source, "-ldl"]) ? program : null;
    }

    private static string WasmtimeLibrary()
    {
        string published = Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libwasmtime.so");
        return File.Exists(published) ? published : Path.Combine(AppContext.BaseDirectory, "libwasmtime.so");
    }

    private static bool IsInstalled(string program) => Execute(program, ["--version"]);

    private static bool Execute(string program, string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0)
                Console.Error.WriteLine(output);
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Console.Error.WriteLine($"{program} is not installed: what needs it is left out.");
            return false;
        }
    }

    // Of children that have ended and been waited for. struct rusage begins with two timevals, user and system.
    private static double ChildrensNanoseconds()
    {
        const int Children = -1;
        long* usage = stackalloc long[18];
        if (GetUsage(Children, usage) != 0)
            throw new InvalidOperationException("getrusage failed");
        return ((usage[0] + usage[2]) * 1e9) + ((usage[1] + usage[3]) * 1e3);
    }

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static partial int GetUsage(int who, long* usage);

    private sealed record ColdProgram(string Name, string Program, Func<string, string[]> Arguments);
}

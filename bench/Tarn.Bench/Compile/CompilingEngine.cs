// A compiler under test, in a process of its own: this program started again for Tarn and Cranelift, Node for V8's two. So each has its threads, its heap and its
// state to itself, "first in a process" means what it says, and all of them are asked in the same way: a path in, nanoseconds out.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Tarn.Bench.Compile;

/// <param name="Name">Heading of its column.</param>
/// <param name="Program">What to start.</param>
/// <param name="Arguments">With which arguments, for so many threads.</param>
internal sealed record CompilingEngine(string Name, string Program, Func<int, string[]> Arguments)
{
    /// <summary>Tarn first, to which all are compared.</summary>
    public static IReadOnlyList<CompilingEngine> All { get; } =
    [
        new("Tarn", Self, threads => [.. SelfArguments, "compile", "--serve=tarn", Threads(threads)]),
        new("Cranelift", Self, threads => [.. SelfArguments, "compile", "--serve=cranelift", Threads(threads)]),
        new("TurboFan", NodeProgram.Path, threads => [.. V8(threads), "--no-liftoff", Script]),
        new("Liftoff", NodeProgram.Path, threads => [.. V8(threads), "--no-wasm-tier-up", Script]),
    ];

    private static string Script => Path.Combine(LargeModules.Folder, "compile-peer.mjs");

    private static string Self => Environment.ProcessPath!;

    // Where `dotnet` runs this program, it needs to be told which.
    private static string[] SelfArguments => Path.GetFileNameWithoutExtension(Self) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];

    /// <summary>Starts it; null where its program is not installed.</summary>
    public PeerProcess? TryStart(int threads) =>
        PeerProcess.TryStart(Program, Arguments(threads), [new("RAYON_NUM_THREADS", threads.ToString(CultureInfo.InvariantCulture))]);

    /// <summary>The other side: compiles each path that comes in, until no more comes.</summary>
    public static int Serve(string engine, int threads)
    {
        using Engine tarn = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, CompilationThreads = threads });
        using Wasmtime.Config config = new Wasmtime.Config().WithParallelCompilation(threads > 1);
        using Wasmtime.Engine cranelift = new(config);
        Dictionary<string, byte[]> files = [];
        while (Console.In.ReadLine() is { } path)
        {
            if (!files.TryGetValue(path, out byte[]? bytes))
                files[path] = bytes = File.ReadAllBytes(path);
            TimeSpan before = Environment.CpuUsage.TotalTime;
            long start = Stopwatch.GetTimestamp();
            if (engine == "tarn")
                Module.FromBytes(tarn, bytes).Dispose();
            else
                Wasmtime.Module.FromBytes(cranelift, "module", bytes).Dispose();
            double ns = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
            double cpu = (Environment.CpuUsage.TotalTime - before).TotalNanoseconds;
            Console.Out.WriteLine(JsonSerializer.Serialize(new { ns, cpu }));
        }

        return 0;
    }

    // Workers help the main thread, which compiles too.
    private static string[] V8(int threads) =>
        ["--expose-gc", "--no-wasm-lazy-compilation", $"--v8-pool-size={threads - 1}", $"--wasm-num-compilation-tasks={threads}"];

    private static string Threads(int threads) => $"--threads={threads}";
}

// What threads cost beside Wasmtime and V8: an uncontended mutex of the guest's, an atomic addition, a notification without waiters, and a round trip between two threads, each half of it a
// wait and a notification. The first ones run one module in each engine; its memory is not shared, since the instructions are the same and not every binding makes shared memories. The round
// trip is compared with V8's worker threads: Wasmtime's package for .NET has no shared memories.
using Tarn.Bench.Execute;
using Tarn.Wasm.Text;

namespace Tarn.Bench.Threads;

/// <summary>The verb <c>threads</c>.</summary>
internal sealed class ThreadsBenchmark : IBenchmark
{
    private const int Trips = 2_000;

    private const string PingPong = """
        (module
          (import "e" "m" (memory 1 1 shared))
          (func (export "pong") (param $me i32) (param $n i32)
            (loop $again
              (block $mine (loop $wait
                (br_if $mine (i32.eq (i32.atomic.load (i32.const 64)) (local.get $me)))
                (drop (memory.atomic.wait32 (i32.const 64) (i32.sub (i32.const 1) (local.get $me)) (i64.const -1)))
                (br $wait)))
              (i32.atomic.store (i32.const 64) (i32.sub (i32.const 1) (local.get $me)))
              (drop (memory.atomic.notify (i32.const 64) (i32.const 1)))
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
        """;

    private static readonly (string Name, uint Units, string Text)[] s_cases =
    [
        ("lock and unlock, uncontended", 2_000_000, Loop("""
            (if (i32.atomic.rmw.cmpxchg (i32.const 64) (i32.const 0) (i32.const 1)) (then (unreachable)))
            (i64.store (i32.const 128) (i64.add (i64.load (i32.const 128)) (i64.const 1)))
            (if (i32.eq (i32.atomic.rmw.xchg (i32.const 64) (i32.const 0)) (i32.const 2)) (then (drop (memory.atomic.notify (i32.const 64) (i32.const 1)))))
            """)),
        ("atomic add", 2_000_000, Loop("(drop (i64.atomic.rmw.add (i32.const 128) (i64.const 1)))")),
        ("atomic store", 2_000_000, Loop("(i64.atomic.store (i32.const 128) (i64.add (i64.atomic.load (i32.const 128)) (i64.const 1)))")),
        ("notify without waiters", 500_000, Loop("(drop (memory.atomic.notify (i32.const 64) (i32.const 1)))")),
    ];

    /// <inheritdoc/>
    public string Verb => "threads";

    /// <inheritdoc/>
    public string Summary => "A guest's mutex, atomic accesses, notifications, and round trips of two threads that wait for each other, by Tarn, Wasmtime and V8. --only=ENGINE,…";

    /// <inheritdoc/>
    public int Run(BenchmarkArguments arguments)
    {
        EngineOptions options = TarnEngine.DefaultOptions with { Features = TarnEngine.DefaultOptions.Features | WasmFeatures.Threads };
        List<ExecutionEngine> engines = ExecutionEngine.Choose(arguments, [new TarnEngine("Tarn", options), new WasmtimeEngine("Wasmtime", new Wasmtime.Config().WithWasmThreads(true), _ => { })]);
        string folder = Directory.CreateTempSubdirectory("tarn-bench-threads").FullName;
        try
        {
            SideBySide run = new("Threads", "ns") { Base = "V8" };
            for (int i = 0; i < s_cases.Length; i++)
            {
                (string name, uint units, string text) = s_cases[i];
                string path = Write(folder, $"{i}.wasm", text);
                ExecuteBenchmark.Measure(run, new BenchmarkProgram(name, units, units, "threads", path), engines, arguments.Rounds(9), units);
            }
            MeasureRoundTrips(run, options, Write(folder, "pong.wasm", PingPong), [.. engines.Select(e => e.Name)], arguments.Rounds(9));
            run.Report(arguments);
            return 0;
        }
        finally
        {
            engines.ForEach(e => e.Dispose());
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Loop(string body) => $$"""
        (module (memory 1)
          (func (export "run") (param i32) (result i64)
            (loop $again {{body}} (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (i64.const 0)))
        """;

    private static string Write(string folder, string name, string text)
    {
        string path = Path.Combine(folder, name);
        File.WriteAllBytes(path, WatParser.Parse(System.Text.Encoding.UTF8.GetBytes(text), options: new WatOptions { Features = WasmFeatures.Wasm3 | WasmFeatures.Threads }));
        return path;
    }

    private static void MeasureRoundTrips(SideBySide run, EngineOptions options, string path, string[] only, int rounds)
    {
        using var engine = new Engine(options);
        using Module module = Module.FromFile(engine, path);
        using var memory = new SharedMemory(engine, new MemoryType(1, 1, isShared: true));
        using InstanceTemplate template = new Linker(engine).Define("e", "m", memory).Prepare(module);
        using Instance one = template.Instantiate();
        using Instance two = template.Instantiate();
        TypedAction<int, int> ping = one.GetAction<int, int>("pong");
        TypedAction<int, int> pong = two.GetAction<int, int>("pong");
        List<Contender> contenders = [];
        if (only.Contains("Tarn"))
        {
            void OnThreads()
            {
                Task other = Task.Factory.StartNew(() => pong.Invoke(1, Trips), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
                ping.Invoke(0, Trips);
                other.Wait();
            }

            void Suspended() => Task.WaitAll(Task.Run(() => ping.InvokeAsync(0, Trips).AsTask()), Task.Run(() => pong.InvokeAsync(1, Trips).AsTask()));
            Contender.WarmUp(seconds: 0.5, OnThreads);
            Contender.WarmUp(seconds: 0.5, Suspended);
            contenders.Add(Contender.InProcess("Tarn", Trips, OnThreads));
            contenders.Add(Contender.InProcess("Tarn, suspended", Trips, Suspended));
        }
        PeerProcess? node = only.Contains("V8") ? PeerProcess.TryStart(NodeProgram.Path, Path.Combine(Path.GetDirectoryName(ProgramSet.NodePeer)!, "threads-peer.mjs")) : null;
        if (node is not null)
        {
            node.Ask($"{Trips} {path}");
            contenders.Add(new Contender("V8", () => node.Ask($"{Trips} {path}").GetProperty("ns").GetDouble() / (Trips - 1)));
        }
        run.Run("round trip of two threads", contenders, rounds);
        node?.Dispose();
    }
}

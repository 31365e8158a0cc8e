// Validation throughput, bytes in to verdict out: decoding and validating a module here, in Wasmtime and in V8, one thread each unless --threads says otherwise.
// Wasmtime's Module.Validate uses one anyway; V8 validates functions in jobs that its worker threads help with, so that for one thread it is started
// without workers. All three are warm: they have validated the module before the first round counts. One thread is measured in processor time of the
// process, collector and all, since a shared machine hands out processors by rules of its own; --wall asks for time on the clock.
//
// Takes module files as arguments, or the large modules that compiling is measured with.
using Tarn.Wasm;
using Tarn.Wasm.Validation;

namespace Tarn.Bench;

internal sealed class ValidateBenchmark : IBenchmark
{
    // Answers each line, a path, with the nanoseconds a byte of one validation. The file is read once.
    private const string NodeScript = """
        const fs = require('fs'), files = new Map();
        require('readline').createInterface({ input: process.stdin }).on('line', path => {
          if (!files.has(path)) files.set(path, fs.readFileSync(path));
          const bytes = files.get(path), before = process.cpuUsage(), start = process.hrtime.bigint();
          const valid = WebAssembly.validate(bytes);
          const ns = Number(process.hrtime.bigint() - start) / bytes.length, used = process.cpuUsage(before);
          const cpu = (used.user + used.system) * 1000 / bytes.length;
          console.log(JSON.stringify(valid ? { ns, cpu } : { error: 'not valid' }));
        });
        """;

    private static readonly string[] s_oneThread = ["--v8-pool-size=0"];

    public string Verb => "validate";

    public string Summary => "decoding and validating, against Wasmtime's Module.Validate and V8's WebAssembly.validate, MB/s";

    public int Run(BenchmarkArguments arguments)
    {
        if (!arguments.TryGetModules(Verb, out IReadOnlyList<(string Name, string Path)> files))
            return 1;

        int threads = arguments.Number("threads", 1);
        bool processorTime = threads == 1 && !arguments.Flag("wall");
        Func<string, double, Action, Contender> here = processorTime ? Contender.InProcessorTime : Contender.InProcess;
        SideBySide run = SideBySide.Throughput($"Validation, {threads} thread{(threads == 1 ? "" : "s")}, {(processorTime ? "processor time" : "time on the clock")}");
        using Wasmtime.Config configuration = new Wasmtime.Config().WithWasmThreads(true);
        using Wasmtime.Engine engine = new(configuration);
        using PeerProcess? node = PeerProcess.TryStart(NodeProgram.Path, [.. threads == 1 ? s_oneThread : [], "-e", NodeScript]);
        foreach ((string name, string file) in files)
        {
            byte[] bytes = File.ReadAllBytes(file);
            Contender.WarmUp(2, () => Validate(bytes, threads));
            ValidateWithWasmtime(engine, bytes);
            node?.Ask(file);
            List<Contender> contenders =
            [
                here("Tarn", bytes.Length, () => Validate(bytes, threads)),
                here("Wasmtime", bytes.Length, () => ValidateWithWasmtime(engine, bytes)),
            ];
            if (node is not null)
                contenders.Add(Contender.FromPeer("V8", node, file, processorTime ? "cpu" : "ns"));
            run.Run($"{name}, {bytes.Length / 1e6:0.0} MB", contenders, arguments.Rounds(15));
        }

        run.Report(arguments);
        return 0;
    }

    private static void Validate(byte[] bytes, int threads) =>
        ModuleValidator.Validate(WasmModule.Decode(bytes, WasmFeatures.All), new TypeRegistry(), threads);

    private static void ValidateWithWasmtime(Wasmtime.Engine engine, byte[] bytes)
    {
        if (Wasmtime.Module.Validate(engine, bytes) is { } error)
            throw new InvalidOperationException($"Wasmtime finds the module invalid: {error}");
    }
}

// V8 in a Node process of its own: bench/programs/node-peer.mjs answers one line for each request. Its baseline compiler is switched off, so that the code
// measured is TurboFan's from the first call on, and what it takes to compile is in the compile column instead of somewhere in the background.
using System.Globalization;
using System.Text.Json;

namespace Tarn.Bench.Execute;

internal sealed class NodeEngine : ExecutionEngine
{
    private readonly PeerProcess _process;
    private BenchmarkProgram? _program;

    private NodeEngine(PeerProcess process)
        : base("V8") => _process = process;

    /// <summary>Starts Node, or gives null where there is none.</summary>
    public static NodeEngine? TryStart(string script) =>
        PeerProcess.TryStart(NodeProgram.Path, "--no-liftoff", "--no-wasm-lazy-compilation", script) is { } process ? new NodeEngine(process) : null;

    public override bool TryLoad(BenchmarkProgram program)
    {
        _program = program;
        return true;
    }

    public override (double Nanoseconds, ulong Checksum) Run(uint n)
    {
        JsonElement answer = _process.Ask(string.Create(CultureInfo.InvariantCulture, $"{(ExecutionClock.IsProcessorTime ? "cpu" : "run")} {n} {_program!.WasmPath}"));
        return (answer.GetProperty("ns").GetDouble(), ulong.Parse(answer.GetProperty("sum").GetString()!, CultureInfo.InvariantCulture));
    }

    public override double Compile(BenchmarkProgram program) => _process.Ask($"compile 0 {program.WasmPath}").GetProperty("ns").GetDouble();

    public override void Dispose()
    {
        _process.Dispose();
        base.Dispose();
    }
}

// An engine in a process of its own that answers "run N PATH", "cpu N PATH" and "compile 0 PATH" with one line of JSON each: V8 in Node (bench/programs/node-peer.mjs), and Tarn in a program that
// was compiled ahead of time (bench/Tarn.Bench.NativeHost).
using System.Globalization;
using System.Text.Json;

namespace Tarn.Bench.Execute;

internal sealed class PeerEngine(string name, PeerProcess process) : ExecutionEngine(name)
{
    private BenchmarkProgram? _program;

    /// <summary>Starts V8, or returns null where there is no Node. Its baseline compiler is switched off, so that the code measured is TurboFan's from the first call on, and what it takes to
    /// compile is in the compile column instead of somewhere in the background.</summary>
    public static PeerEngine? TryStartNode(string script) =>
        PeerProcess.TryStart(NodeProgram.Path, "--no-liftoff", "--no-wasm-lazy-compilation", script) is { } process ? new PeerEngine("V8", process) : null;

    /// <summary>Starts Tarn in a native executable, or returns null where it cannot be published.</summary>
    /// <param name="publishes">Whether to publish it now; otherwise it is what was published before.</param>
    public static PeerEngine? TryStartNativeHost(bool publishes) =>
        NativeHost.TryFind(publishes) is { } program && PeerProcess.TryStart(program) is { } process ? new PeerEngine("Tarn native", process) : null;

    public override bool TryLoad(BenchmarkProgram program)
    {
        _program = program;
        return true;
    }

    public override (double Nanoseconds, ulong Checksum) Run(uint n)
    {
        JsonElement answer = process.Ask(string.Create(CultureInfo.InvariantCulture, $"{(ExecutionClock.IsProcessorTime ? "cpu" : "run")} {n} {_program!.WasmPath}"));
        return (answer.GetProperty("ns").GetDouble(), ulong.Parse(answer.GetProperty("sum").GetString()!, CultureInfo.InvariantCulture));
    }

    public override double Compile(BenchmarkProgram program) => process.Ask($"compile 0 {program.WasmPath}").GetProperty("ns").GetDouble();

    public override void Dispose()
    {
        process.Dispose();
        base.Dispose();
    }
}

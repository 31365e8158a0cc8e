// V8 in a Node process that answers one line for each run; see bench/programs/node-peer.mjs.
using System.Diagnostics;
using System.Globalization;

namespace Tarn.Bench.Execute;

internal sealed class NodeEngine : ExecutionEngine
{
    private readonly Process _process;
    private string _path = "";

    private NodeEngine(Process process)
        : base("V8") => _process = process;

    /// <summary>Starts Node, or gives null where there is none.</summary>
    public static NodeEngine? TryStart(string script)
    {
        try
        {
            var start = new ProcessStartInfo("node", [script]) { RedirectStandardInput = true, RedirectStandardOutput = true };
            return Process.Start(start) is Process process ? new NodeEngine(process) : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    public override void Load(string program, string wasmPath) => _path = wasmPath;

    public override (double Milliseconds, ulong Checksum) Run(uint n)
    {
        _process.StandardInput.WriteLine($"{_path} {n}");
        _process.StandardInput.Flush();
        string line = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("node ended");
        string[] parts = line.Split(' ');
        return (double.Parse(parts[0], CultureInfo.InvariantCulture) / 1e6, ulong.Parse(parts[1], CultureInfo.InvariantCulture));
    }

    public override void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit(2000);
        _process.Dispose();
        base.Dispose();
    }
}

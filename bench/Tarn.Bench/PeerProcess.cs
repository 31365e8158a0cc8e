// A peer engine in a process of its own (Node, mostly): one line in asks for one sample, one line out answers, JSON where it holds more than a number. The process lives as long as the
// run, so its own warm-up counts no more than ours, and samples of all contenders interleave on the same machine state.
using System.Diagnostics;
using System.Text.Json;

namespace Tarn.Bench;

internal sealed class PeerProcess : IDisposable
{
    private readonly Process _process;

    private PeerProcess(Process process) => _process = process;

    /// <summary>Starts a peer, or returns null where its program is not installed.</summary>
    public static PeerProcess? TryStart(string program, params string[] arguments) => TryStart(program, arguments, []);

    /// <summary>Starts a peer with these variables in its environment beside our own, or returns null where its program is not installed.</summary>
    public static PeerProcess? TryStart(string program, string[] arguments, IReadOnlyList<KeyValuePair<string, string>> environment)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        try
        {
            Process? process = Process.Start(start);
            return process is null ? null : new PeerProcess(process);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Console.Error.WriteLine($"{program} is not installed: it is left out of the comparison.");
            return null;
        }
    }

    /// <summary>Sends one line, waits for one line.</summary>
    public string AskLine(string request)
    {
        _process.StandardInput.WriteLine(request);
        _process.StandardInput.Flush();
        return _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"The peer ended on: {request}");
    }

    /// <summary>Sends one line, waits for one line of JSON. An object with the key <c>error</c> is an exception.</summary>
    public JsonElement Ask(string request)
    {
        using JsonDocument document = JsonDocument.Parse(AskLine(request));
        if (document.RootElement.TryGetProperty("error", out JsonElement error))
            throw new InvalidOperationException($"The peer failed on: {request}: {error.GetString()}");
        return document.RootElement.Clone();
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(2000))
            _process.Kill();
        _process.Dispose();
    }
}

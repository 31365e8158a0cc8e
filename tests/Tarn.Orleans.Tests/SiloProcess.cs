// A silo in a process of its own: the sample, started as its opening comment says.
using System.Diagnostics;
using Tarn.TestSupport;

namespace Tarn.Orleans.Tests;

internal sealed class SiloProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _error;

    private SiloProcess(Process process)
    {
        _process = process;
        _error = process.StandardError.ReadToEndAsync();
    }

    public static async Task<SiloProcess> StartAsync(string redis, CancellationToken cancellationToken)
    {
        // The configuration of the sample that was built with the tests.
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;
        string program = Repository.PathOf("artifacts", "bin", "GuestCluster", configuration, "GuestCluster.dll");
        var start = new ProcessStartInfo("dotnet", [program, "silo", redis, $"{TestSilo.FreePort()}", $"{TestSilo.FreePort()}"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        var silo = new SiloProcess(Process.Start(start)!);
        string said = "";
        while (await silo._process.StandardOutput.ReadLineAsync(cancellationToken) is string line)
        {
            if (line == "serving")
            {
                _ = silo._process.StandardOutput.ReadToEndAsync(CancellationToken.None);
                return silo;
            }
            said += line + "\n";
        }
        throw new InvalidOperationException($"The silo ended:\n{said}{await silo._error}");
    }

    /// <summary>Ends it without a chance to save anything.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Asks it to end.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        using (Process kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]))
            await kill.WaitForExitAsync(cancellationToken);
        await _process.WaitForExitAsync(cancellationToken);
        Assert.Equal(0, _process.ExitCode);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
    }
}

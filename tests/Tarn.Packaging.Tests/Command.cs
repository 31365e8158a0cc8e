// Runs a program as a user would and collects what it prints. A failure shows all of it.
using System.Diagnostics;

namespace Tarn.Packaging.Tests;

internal static class Command
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    public static Process Start(string program, string[] arguments, string? directory = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory ?? Path.GetTempPath(),
        };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Runs to the end; anything but success fails the test.</summary>
    /// <returns>Standard output.</returns>
    public static async Task<string> RunAsync(string program, string[] arguments, string? directory = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        using Process process = Start(program, arguments, directory, environment);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(s_patience);
        try
        {
            process.StandardInput.Close();
            Task<string> error = process.StandardError.ReadToEndAsync(limit.Token);
            string output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} exited with {process.ExitCode}:\n{output}\n{await error}");
            return output;
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }
}

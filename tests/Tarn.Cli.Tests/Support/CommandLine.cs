// Runs the command line as a process of its own, as a user does.
using System.Diagnostics;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Cli.Tests.Support;

internal static class CommandLine
{
    private static string Tool
    {
        get
        {
            string tool = Path.Combine(AppContext.BaseDirectory, "Tarn.Cli.dll");
            Assert.True(File.Exists(tool), $"{tool} is missing: the test project references the command line so that it is built beside it.");
            return tool;
        }
    }

    public static Process Start(string? cache, params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet", [Tool, .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["TARN_CACHE_DIR"] = cache ?? Path.Combine(Path.GetTempPath(), "tarn-no-cache-of-tests");
        start.Environment["TARN_TEST_VARIABLE"] = "passed on";
        return Process.Start(start)!;
    }

    public static GuestResult Run(params string[] arguments) => Finish(Start(null, arguments));

    /// <summary>Runs a line of a shell, in which <c>tarn</c> is the command line: for streams that are closed, full or a pipe. The shell must be one that knows &lt;(…).</summary>
    public static GuestResult Shell(string line)
    {
        ProcessStartInfo start = new("bash", ["-c", $"tarn() {{ dotnet '{Tool}' \"$@\"; }}; {line}"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["TARN_CACHE_DIR"] = Path.Combine(Path.GetTempPath(), "tarn-no-cache-of-tests");
        return Finish(Process.Start(start)!);
    }

    public static GuestResult Finish(Process process, string input = "")
    {
        using (process)
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            Task<string> error = process.StandardError.ReadToEndAsync();
            process.StandardInput.Write(input);
            process.StandardInput.Close();
            WaitForExit(process);
            return new GuestResult(process.ExitCode, output.Result, error.Result);
        }
    }

    /// <summary>Waits for the end. A process that does not come to it is killed, so that a guest that spins is not left behind. Signals are not heard where this process was started with them ignored.</summary>
    public static void WaitForExit(Process process)
    {
        if (!process.WaitForExit(TimeSpan.FromMinutes(2)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail("the command line did not end within two minutes");
        }
    }
}

// Portable memory in a process of its own (Tarn.MachineChecks --portable): guests run, and nothing of ours calls a native library.
using System.Diagnostics;

namespace Tarn.Runtime.Tests.Machine;

public sealed class PortableProcessTests
{
    [Fact]
    public async Task Guests_run_without_a_call_of_a_native_library()
    {
        // …/bin/PROJECT/CONFIGURATION/
        string here = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        string program = Path.Combine(here, "..", "..", "Tarn.MachineChecks", Path.GetFileName(here), "Tarn.MachineChecks");
        Assert.True(File.Exists(program), $"{program} was not built");
        ProcessStartInfo start = new(program, ["--portable"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output + await errors);
        Assert.Equal("Pooling ok\nOnDemand ok\nno function of a native library was called\n", output);
    }
}

// Runs the generators in their checking mode: a *.g.cs that differs from its table is either edited by hand or forgotten after a change.
using System.Diagnostics;
using Tarn.TestSupport;

namespace Tarn.Architecture.Tests;

/// <summary>Generated files are what the generators would write now.</summary>
public sealed class GeneratedFilesTests
{
    [Fact]
    public async Task Regenerating_changes_nothing()
    {
        string generator = Path.Combine(AppContext.BaseDirectory, "Tarn.Generators.dll");
        Assert.True(File.Exists(generator), $"{generator} is missing: the test project references the generators so that they are built beside it.");
        ProcessStartInfo start = new("dotnet", [generator, "--check"])
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        CancellationToken stop = TestContext.Current.CancellationToken;
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(stop);
        string output = await process.StandardOutput.ReadToEndAsync(stop);
        await process.WaitForExitAsync(stop);
        Assert.True(process.ExitCode == 0, output + await error);
    }
}

// The packages, made once for all tests of a run into a folder that serves as their only source. Everything lies in a temporary folder of its own, build
// outputs included: neither the tree's outputs, which other tests use at the same time, nor the user's packages and tools are touched.
using Tarn.TestSupport;

namespace Tarn.Packaging.Tests;

public sealed class PackedFeed : IDisposable
{
    private readonly Lazy<Task> _packages;
    private readonly Lazy<Task> _tool;

    public PackedFeed()
    {
        _packages = new Lazy<Task>(async () =>
        {
            await PackAsync("Tarn");
            await PackAsync("Tarn.Components");
            await PackAsync("Tarn.Wasi");
            await PackAsync("Tarn.AspNetCore");
            await PackAsync("Tarn.Orleans");
        });
        _tool = new Lazy<Task>(async () =>
        {
            // The platform's executable, and the package that says which platform has which.
            await PackAsync("Tarn.Cli", "-r", "linux-x64");
            await PackAsync("Tarn.Cli");
        });
    }

    /// <summary>The temporary folder.</summary>
    public string Root { get; } = Directory.CreateTempSubdirectory("tarn-packages-").FullName;

    /// <summary>The folder with the packages.</summary>
    public string Feed => Path.Combine(Root, "feed");

    /// <summary>A configuration that knows this feed and no other source, and keeps unpacked packages here.</summary>
    public string Configuration => $"""
        <configuration>
          <packageSources><clear /><add key="feed" value="{Feed}" /></packageSources>
          <config><add key="globalPackagesFolder" value="{Path.Combine(Root, "unpacked")}" /></config>
          <fallbackPackageFolders><clear /></fallbackPackageFolders>
        </configuration>
        """;

    /// <summary>Skips the test, and says so, where nobody asked for something that takes this long.</summary>
    /// <param name="variable">The variable that asks for it with 1 and leaves it out with 0.</param>
    /// <param name="what">What it takes.</param>
    public static void SkipUnlessWanted(string variable, string what) => Assert.SkipUnless(
        Environment.GetEnvironmentVariable(variable) is string wanted ? wanted == "1" : Repository.ContinuousIntegration,
        $"NOT RUN: {what}: set {variable}=1, or CI=true");

    /// <summary>Makes the libraries' packages, the first time.</summary>
    public Task PackagesAsync() => _packages.Value;

    /// <summary>Makes the tool's packages, the first time.</summary>
    public async Task ToolAsync()
    {
        // One after the other: they share build outputs.
        await PackagesAsync();
        await _tool.Value;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private Task<string> PackAsync(string project, params string[] more) => Command.RunAsync(
        "dotnet",
        [
            "pack", Repository.PathOf("src", project), "-c", "Release", "-o", Feed, "--artifacts-path", Path.Combine(Root, "artifacts"), "-v", "q", "-nologo",
            // Analysers have had their say in the build before the tests.
            "-p:RunAnalyzers=false", .. more,
        ]);
}

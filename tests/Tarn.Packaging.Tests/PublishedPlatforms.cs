// The command line, published once for each platform that a test asks for, with the programs that it is to run beside it.
using System.Collections.Concurrent;
using Tarn.TestSupport;

namespace Tarn.Packaging.Tests;

public sealed class PublishedPlatforms : IDisposable
{
    private const string Variable = "TARN_PLATFORM_TOOLS";
    private readonly string _root = Directory.CreateTempSubdirectory("tarn-platforms-").FullName;
    private readonly ConcurrentDictionary<string, Lazy<Task<string>>> _published = new();

    /// <summary>The folder with what was published for a platform; skips the test where there is nothing to run it with.</summary>
    public Task<string> FolderAsync(string identifier)
    {
        string? tools = Environment.GetEnvironmentVariable(Variable);
        Assert.SkipWhen(tools == "unreachable", $"NOT RUN: {Variable} says that the tools cannot be had here");
        if (string.IsNullOrEmpty(tools))
        {
            const string Missing = $"NOT RUN: there is nothing to run other platforms' programs with: tools/platforms/fetch.sh FOLDER fetches it, {Variable} names the folder";
            Assert.False(Repository.ContinuousIntegration, Missing);
            Assert.Skip(Missing);
        }
        return _published.GetOrAdd(identifier, _ => new Lazy<Task<string>>(() => PublishAsync(identifier))).Value;
    }

    /// <summary>Runs the command line of a platform to its end.</summary>
    /// <returns>Standard output.</returns>
    public Task<string> RunAsync(string platform, string folder, params string[] arguments)
    {
        string program = platform == "wine" ? "Tarn.Cli.exe" : "Tarn.Cli";
        // musl's program starts in the root of its own.
        string[] paths = platform != "musl" ? arguments : [.. arguments.Select(argument => File.Exists(Path.Combine(folder, argument)) || Directory.Exists(Path.Combine(folder, argument)) ? $"/shared/{argument}" : argument)];
        return Command.RunAsync(
            Repository.PathOf("tools", "platforms", "run.sh"), [Environment.GetEnvironmentVariable(Variable)!, folder, platform, program, .. paths], folder);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private async Task<string> PublishAsync(string identifier)
    {
        string folder = Path.Combine(_root, identifier);
        await Command.RunAsync(
            "dotnet",
            ["publish", Repository.PathOf("src", "Tarn.Cli"), "-c", "Release", "-r", identifier, "--self-contained", "-p:PublishAot=false", "-p:RunAnalyzers=false", "-o", folder, "-v", "q", "-nologo"],
            Repository.Root);
        File.Copy(Repository.PathOf("samples", "fibonacci.wat"), Path.Combine(folder, "fibonacci.wat"));
        File.Copy(Repository.PathOf("tests", "Tarn.Wasi.Tests", "Programs", "wasm", "hello.wasm"), Path.Combine(folder, "hello.wasm"));
        return folder;
    }
}

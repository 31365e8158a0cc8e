// Runs the published command line for other platforms, on what tools/platforms/fetch.sh fetches: linux-arm64 under qemu-user, linux-musl-x64 with musl's loader, win-x64 under Wine. The folder is named by
// TARN_PLATFORM_TOOLS. Without it the tests are skipped; in CI, where .ci/run fetches it, its absence is a failure. What none of this can show is listed in docs/platforms.md.
using Tarn.TestSupport;

namespace Tarn.Packaging.Tests;

/// <summary>The same bits on every platform that can be tried here.</summary>
public sealed class PlatformTests(PublishedPlatforms published) : IClassFixture<PublishedPlatforms>
{
    // What an emulator does in a minute: integers, floating-point numbers, memories, objects, vectors, exceptions, tail calls, threads' atomics are elsewhere.
    private static readonly string[] s_some = ["i64.wast", "f64.wast", "address.wast", "memory_grow.wast", "memory64.wast", "array.wast", "i31.wast", "struct.wast", "simd_i32x4_arith.wast", "try_table.wast", "return_call.wast", "call_indirect.wast"];

    public static TheoryData<string, string> All => new() { { "arm64", "linux-arm64" }, { "musl", "linux-musl-x64" }, { "wine", "win-x64" } };

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_module_and_a_WASI_program_run(string platform, string identifier)
    {
        string folder = await published.FolderAsync(identifier);
        Assert.Equal("832040", (await published.RunAsync(platform, folder, "run", "fibonacci.wat", "30")).Trim());
        Assert.Equal("6765", (await published.RunAsync(platform, folder, "run", "--portable", "fibonacci.wat", "20")).Trim());
        Assert.Equal("Hello, world!", (await published.RunAsync(platform, folder, "run", "hello.wasm")).Trim());
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task The_specifications_scripts_pass(string platform, string identifier)
    {
        Assert.SkipWhen(SpecificationSuite.Skipped, SpecificationSuite.Absence);
        string folder = await published.FolderAsync(identifier);
        string[] scripts = platform == "arm64" ? s_some : [.. SpecificationSuite.Scripts().Where(script => !script.Contains('/', StringComparison.Ordinal))];
        foreach (string script in scripts)
            File.Copy(Path.Combine(SpecificationSuite.RequiredFolder, script), Path.Combine(Directory.CreateDirectory(Path.Combine(folder, "suite")).FullName, script), overwrite: true);
        string output = await published.RunAsync(platform, folder, "wast", "suite");
        string last = output.TrimEnd().Split('\n')[^1];
        Assert.EndsWith(" 0 failed, 0 skipped", last.TrimEnd(), StringComparison.Ordinal);
        Assert.True(int.Parse(last[..last.IndexOf(' ', StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture) > 10 * scripts.Length, last);
    }

    [Fact]
    public async Task Windows_has_pools_of_checked_memories()
    {
        string folder = await published.FolderAsync("win-x64");
        string output = await published.RunAsync("wine", folder, "pool", "-s", "1", "--memory", "checked");
        Assert.DoesNotContain("error", output, StringComparison.OrdinalIgnoreCase);
    }
}

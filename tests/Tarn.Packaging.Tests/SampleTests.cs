// Every sample runs and prints what its opening comment promises. They are built with the tests.
using System.Diagnostics;
using Tarn.TestSupport;

namespace Tarn.Packaging.Tests;

/// <summary>Samples work.</summary>
public sealed class SampleTests
{
    [Fact]
    public void Every_sample_is_tested()
    {
        string[] samples = [.. Directory.GetDirectories(Repository.PathOf("samples")).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];
        Assert.Equal(["AsyncHost", "FunctionsServer", "GuestCluster", "MeteredTenant", "PluginHost"], samples);
    }

    [Fact]
    public async Task Plug_ins_are_called_and_one_that_fails_is_an_exception() => Assert.Equal(
        """
        plug-in says: doubling
        42
        plug-in failed: IntegerDivideByZero

        """,
        await Command.RunAsync("dotnet", [PathOf("PluginHost")]));

    [Fact]
    public async Task A_hundred_guests_wait_for_one_answer() => Assert.Equal(
        """
        100 guests wait
        all answered 42

        """,
        await Command.RunAsync("dotnet", [PathOf("AsyncHost")]));

    [Fact]
    public async Task A_cluster_of_one_silo_keeps_a_counter() => Assert.Equal(
        """
        version 1 is rolled out
        the counter is at 42
        the function says 144

        """,
        await Command.RunAsync("dotnet", [PathOf("GuestCluster")]));

    [Fact]
    public async Task Tenants_are_metered()
    {
        string[] lines = (await Command.RunAsync("dotnet", [PathOf("MeteredTenant")])).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(6, lines.Length);
        long small = Instructions(lines[0], "small: 5050 for ");
        long large = Instructions(lines[2], "large: 50005000 for ");
        // A hundred times the work is a hundred times the price, but for what a call costs.
        Assert.InRange(large, 90 * small, 100 * small);
        Assert.Equal("endless: stopped, 1000000 instructions are used up", lines[4]);
        Assert.Equal(["small: a hundred pages more: refused", "large: a hundred pages more: refused", "endless: a hundred pages more: refused"], [lines[1], lines[3], lines[5]]);

        static long Instructions(string line, string start)
        {
            Assert.StartsWith(start, line, StringComparison.Ordinal);
            return long.Parse(line[start.Length..].Replace(" instructions", "", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task The_server_answers_requests_each_in_an_instance_of_its_own()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        string program = Repository.PathOf("tests", "Tarn.Wasi.Tests", "Programs", "wasm", "cat.wasm");
        // Port 0: the system gives a free one, and the server says which.
        using Process server = Command.Start("dotnet", [PathOf("FunctionsServer"), program, "http://127.0.0.1:0"]);
        try
        {
            string? line = await server.StandardOutput.ReadLineAsync(cancellation);
            Assert.StartsWith("listening on http://127.0.0.1:", line, StringComparison.Ordinal);
            using var client = new HttpClient { BaseAddress = new Uri(line!["listening on ".Length..]) };
            string[] answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
            {
                using var body = new StringContent($"request {i}");
                using HttpResponseMessage response = await client.PostAsync(new Uri("/", UriKind.Relative), body, cancellation);
                Assert.Equal(System.Net.HttpStatusCode.OK, response.StatusCode);
                return await response.Content.ReadAsStringAsync(cancellation);
            }));
            Assert.Equal(Enumerable.Range(0, 20).Select(i => $"request {i}"), answers);
            using (Process kill = Process.Start("kill", ["-TERM", server.Id.ToString()]))
                await kill.WaitForExitAsync(cancellation);
            await server.WaitForExitAsync(cancellation);
            Assert.Equal(0, server.ExitCode);
        }
        finally
        {
            if (!server.HasExited)
                server.Kill(entireProcessTree: true);
        }
    }

    // The tests' own output folder is artifacts/bin/PROJECT/CONFIGURATION; the samples' lie beside it.
    private static string PathOf(string sample)
    {
        string configuration = Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/'));
        string path = Repository.PathOf("artifacts", "bin", sample, configuration, sample + ".dll");
        Assert.True(File.Exists(path), $"{path} is missing: the test project references the samples so that they are built with it.");
        return path;
    }
}

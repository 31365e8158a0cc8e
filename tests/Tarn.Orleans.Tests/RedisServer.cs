// Debian's Redis, on a port of its own and with nothing on disk.
using System.Diagnostics;
using System.Net.Sockets;
using Tarn.TestSupport;

namespace Tarn.Orleans.Tests;

internal sealed class RedisServer : IAsyncDisposable
{
    private readonly Process _process;
    private readonly DirectoryInfo _directory;

    private RedisServer(Process process, DirectoryInfo directory, int port)
    {
        _process = process;
        _directory = directory;
        Address = $"127.0.0.1:{port}";
    }

    public string Address { get; }

    /// <summary>Starts it. Where it is not installed, the test is skipped, and in CI it fails, unless TARN_REDIS says that it cannot be installed.</summary>
    public static async Task<RedisServer> StartAsync(CancellationToken cancellationToken)
    {
        const string Program = "/usr/bin/redis-server";
        if (!File.Exists(Program))
        {
            Assert.SkipWhen(Environment.GetEnvironmentVariable("TARN_REDIS") == "unreachable", "NOT RUN: TARN_REDIS says that Redis cannot be had here");
            const string Missing = "NOT RUN: " + Program + " is missing: install Debian's package redis-server";
            if (Repository.ContinuousIntegration)
                Assert.Fail(Missing);
            Assert.Skip(Missing);
        }
        int port = TestSilo.FreePort();
        DirectoryInfo directory = Directory.CreateTempSubdirectory("tarn-redis-");
        var process = Process.Start(new ProcessStartInfo(Program, ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", directory.FullName]) { RedirectStandardOutput = true })!;
        while (await process.StandardOutput.ReadLineAsync(cancellationToken) is string line)
        {
            if (line.Contains("Ready to accept connections", StringComparison.Ordinal))
                break;
        }
        using var probe = new TcpClient();
        await probe.ConnectAsync("127.0.0.1", port, cancellationToken);
        _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        return new RedisServer(process, directory, port);
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _directory.Delete(recursive: true);
    }
}

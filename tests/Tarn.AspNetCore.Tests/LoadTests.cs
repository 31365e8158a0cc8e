// Good, trapping, looping, oversized and aborted requests mixed. Afterwards no slot is in use, no descriptor of the process is left open, and good requests were answered rightly.
// Three seconds by default; TARN_LOAD_SECONDS makes it longer. Latencies are printed, and compared with those of the same server when nothing else is asked of it.
using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace Tarn.AspNetCore.Tests;

public sealed class LoadTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Nothing_is_lost_under_a_mixture_of_requests()
    {
        double seconds = double.Parse(Environment.GetEnvironmentVariable("TARN_LOAD_SECONDS") ?? "3", CultureInfo.InvariantCulture);
        await using TestServer server = await TestServer.StartAsync(static options =>
        {
            options.Instances = 64;
            options.RequestTimeout = TimeSpan.FromMilliseconds(200);
            options.MaximumRequestBytes = 100_000;
        });
        List<double> idle = await RunAsync(server, TimeSpan.FromSeconds(Math.Min(seconds, 5) / 2), workers: 2, withBad: false);
        Assert.True(await server.IsQuietAsync());
        int before = Descriptors();
        List<double> loaded = await RunAsync(server, TimeSpan.FromSeconds(seconds), workers: 2, withBad: true);
        Assert.True(await server.IsQuietAsync());
        output.WriteLine($"idle: {idle.Count} good requests, p99 {Percentile(idle):0.00} ms; mixed: {loaded.Count} good requests, p99 {Percentile(loaded):0.00} ms");
        Assert.NotEmpty(loaded);
        Assert.Equal(0, server.Host.Queue.Waiting);
        // Connections come and go; what a request might lose would be there hundreds of times.
        Assert.InRange(Descriptors() - before, -100, 60);
        Assert.Equal("41", await server.Client.GetStringAsync("/next"));
    }

    private static async Task<List<double>> RunAsync(TestServer server, TimeSpan time, int workers, bool withBad)
    {
        var latencies = new List<double>();
        long end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        byte[] body = new byte[5000];
        new Random(2).NextBytes(body);
        List<Task> tasks = [];
        for (int i = 0; i < workers; i++)
        {
            tasks.Add(Task.Run(async () =>
            {
                while (Stopwatch.GetTimestamp() < end)
                {
                    long start = Stopwatch.GetTimestamp();
                    using HttpResponseMessage answer = await server.Client.PostAsync("/echo/", new ByteArrayContent(body));
                    Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                    Assert.Equal(body, await answer.Content.ReadAsByteArrayAsync());
                    lock (latencies)
                        latencies.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                }
            }));
        }
        Func<Task>[] bad =
        [
            async () => Assert.Equal(HttpStatusCode.InternalServerError, (await server.Client.GetAsync("/trap/")).StatusCode),
            async () => Assert.Equal(HttpStatusCode.GatewayTimeout, (await server.Client.GetAsync("/loop/")).StatusCode),
            async () =>
            {
                try
                {
                    using HttpResponseMessage answer = await server.Client.PostAsync("/echo/", new ByteArrayContent(new byte[200_000]));
                    Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
                }
                catch (HttpRequestException)
                {
                    // The server closes the connection while the client still sends.
                }
            },
            async () =>
            {
                using var leave = new CancellationTokenSource(20);
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => server.Client.GetAsync("/loop/", leave.Token));
            },
        ];
        foreach (Func<Task> one in withBad ? bad : [])
        {
            tasks.Add(Task.Run(async () =>
            {
                while (Stopwatch.GetTimestamp() < end)
                {
                    await one();
                    await Task.Delay(10);
                }
            }));
        }
        await Task.WhenAll(tasks);
        return latencies;
    }

    private static double Percentile(List<double> values)
    {
        values.Sort();
        return values[(int)(values.Count * 0.99)];
    }

    private static int Descriptors() => Directory.GetFiles("/proc/self/fd").Length;
}

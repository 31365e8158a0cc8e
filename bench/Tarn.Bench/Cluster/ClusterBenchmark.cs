// Durable guests beside the same grains in C#: a counter in the memory of a guest and one in a field, in one silo, with the states in memory or, with --redis=HOST:PORT, in Redis. Calls come from the silo itself
// and from a client, one at a time for the latency and 32 at once for the throughput. The mark is 1.3 times the grain's time.
using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;
using Tarn.Orleans;

namespace Tarn.Bench.Cluster;

internal sealed class ClusterBenchmark : IBenchmark
{
    private const int Grains = 64;
    private const int Parallel = 32;
    private const string Counter = """
        (module
          (memory (export "memory") 1)
          (func (export "add") (param i64) (result i64)
            (i64.store (i32.const 1024) (i64.add (i64.load (i32.const 1024)) (local.get 0)))
            (i64.load (i32.const 1024))))
        """;

    public string Verb => "cluster";

    public string Summary => "guests in Orleans beside the same grains in C#: calls and durable calls, latency and calls a second; --redis=HOST:PORT for Redis";

    public int Run(BenchmarkArguments arguments) => RunAsync(arguments.Rounds(7), arguments.Number("calls", 4000), arguments.Text("redis")).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(int rounds, int calls, string? redis)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering();
            if (redis is null)
                silo.AddMemoryGrainStorage(TarnClusterOptions.StorageName);
            else
                silo.AddRedisGrainStorage(TarnClusterOptions.StorageName, options => options.ConfigurationOptions = ConfigurationOptions.Parse(redis));
            silo.AddTarn();
        });
        using IHost host = builder.Build();
        await host.StartAsync();
        HostApplicationBuilder outside = Host.CreateApplicationBuilder();
        outside.Logging.ClearProviders();
        outside.UseOrleansClient(static client => client.UseLocalhostClustering());
        using IHost client = outside.Build();
        await client.StartAsync();
        Console.WriteLine($"{rounds} rounds of {calls} calls, states in {(redis is null ? "memory" : "Redis")}; medians of rounds and their ratios");
        await CompareAsync("from the silo itself", host.Services.GetRequiredService<IGrainFactory>(), rounds, calls);
        await CompareAsync("from a client, over the loopback", client.Services.GetRequiredService<IGrainFactory>(), rounds, calls);
        await client.StopAsync();
        await host.StopAsync();
        return 0;
    }

    private static async Task CompareAsync(string title, IGrainFactory grains, int rounds, int calls)
    {
        string hash = await grains.UploadGuestModuleAsync(Encoding.UTF8.GetBytes(Counter));
        await grains.GetGuestCatalog().RollOutAsync(new GuestRollOut { Name = "counter", ModuleHash = hash });

        IGuestActor[] guests = [.. Enumerable.Range(0, Grains).Select(i => grains.GetGuestActor("counter", $"{i}"))];
        ICounterGrain[] counters = [.. Enumerable.Range(0, Grains).Select(i => grains.GetGrain<ICounterGrain>($"{i}"))];
        IGuestFunction function = grains.GetGuestFunction("counter");
        GuestRequest once = new() { Function = "add", Arguments = [1L] };
        GuestRequest durable = once with { IsDurable = true };
        (string Name, Func<int, Task> Call, string? Beside)[] cases =
        [
            ("C# grain", i => counters[i].AddAsync(1, false), null),
            ("guest actor", i => guests[i].CallAsync(once), "C# grain"),
            ("guest function", _ => function.CallAsync(once), "C# grain"),
            ("C# grain, durable", i => counters[i].AddAsync(1, true), null),
            ("guest actor, durable", i => guests[i].CallAsync(durable), "C# grain, durable"),
        ];
        var latencies = cases.ToDictionary(static c => c.Name, static _ => new List<double>());
        var tails = cases.ToDictionary(static c => c.Name, static _ => new List<double>());
        var throughputs = cases.ToDictionary(static c => c.Name, static _ => new List<double>());
        for (int round = -2; round < rounds; round++)
        {
            foreach ((string name, Func<int, Task> call, string? _) in cases)
            {
                double[] each = new double[calls / 4];
                for (int i = 0; i < each.Length; i++)
                {
                    long start = Stopwatch.GetTimestamp();
                    await call(i % Grains);
                    each[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
                }
                long begin = Stopwatch.GetTimestamp();
                await Task.WhenAll(Enumerable.Range(0, Parallel).Select(async caller =>
                {
                    for (int i = 0; i < calls / Parallel; i++)
                        await call((caller + (i * Parallel)) % Grains);
                }));
                double rate = calls / Parallel * Parallel / Stopwatch.GetElapsedTime(begin).TotalSeconds;
                if (round < 0)
                    continue;
                Array.Sort(each);
                latencies[name].Add(each[each.Length / 2]);
                tails[name].Add(each[each.Length * 99 / 100]);
                throughputs[name].Add(rate);
            }
        }
        Console.WriteLine($"\n{title,-34}{"median µs",12}{"p99 µs",12}{"calls/s",12}{"time ×",10}{"time × of 32",14}");
        foreach ((string name, Func<int, Task> _, string? beside) in cases)
        {
            string ratio = beside is null ? "" : $"{Median(latencies[name]) / Median(latencies[beside]),10:F2}{Median(throughputs[beside]) / Median(throughputs[name]),14:F2}";
            Console.WriteLine($"{name,-34}{Median(latencies[name]),12:F1}{Median(tails[name]),12:F1}{Median(throughputs[name]),12:F0}{ratio}");
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}

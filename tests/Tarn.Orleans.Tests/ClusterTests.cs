// Three silos in processes of their own, with Redis: durable counters under traffic while a silo is killed, while all are restarted one after the other, and beside a hostile tenant. Each counter belongs to one
// caller, which knows what was acknowledged and what was tried: the counter must be between the two. TARN_CLUSTER_COUNTERS sets their number, 300 unless set.
using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using StackExchange.Redis;

namespace Tarn.Orleans.Tests;

public sealed class ClusterTests(ITestOutputHelper output)
{
    private const int Callers = 8;

    private static readonly int s_counters = int.TryParse(Environment.GetEnvironmentVariable("TARN_CLUSTER_COUNTERS"), out int counters) ? counters : 300;

    [Fact]
    public async Task No_acknowledged_write_is_lost()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        await using RedisServer redis = await RedisServer.StartAsync(cancellation);
        List<SiloProcess> silos = [];
        try
        {
            for (int i = 0; i < 3; i++)
                silos.Add(await SiloProcess.StartAsync(redis.Address, cancellation));
            using IHost client = await ConnectAsync(redis.Address, cancellation);
            IGrainFactory grains = client.Services.GetRequiredService<IGrainFactory>();
            string hash = await grains.UploadGuestModuleAsync(Encoding.UTF8.GetBytes(TestSilo.Counter));
            await grains.GetGuestCatalog().RollOutAsync(new GuestRollOut { Name = "counter", ModuleHash = hash });
            await grains.GetGuestCatalog().RollOutAsync(new GuestRollOut { Name = "hostile", ModuleHash = hash, Tenant = "trial" });

            var traffic = new Traffic(grains, s_counters);
            await traffic.RoundAsync("all counters once", traffic.EachOnceAsync, output);

            await traffic.RoundAsync("a silo is killed", async () => await silos[1].KillAsync(), output);
            await silos[1].DisposeAsync();
            silos[1] = await SiloProcess.StartAsync(redis.Address, cancellation);

            await traffic.RoundAsync("a rolling restart", async () =>
            {
                for (int i = 0; i < silos.Count; i++)
                {
                    await silos[i].StopAsync(cancellation);
                    await silos[i].DisposeAsync();
                    silos[i] = await SiloProcess.StartAsync(redis.Address, cancellation);
                }
            }, output);

            int[] failures = new int[Enum.GetValues<GuestFailure>().Length];
            await traffic.RoundAsync("a hostile tenant", () => Task.WhenAll(Enumerable.Range(0, 6).Select(async worker =>
            {
                string[] attacks = ["loop", "wild", "flood", "grow"];
                for (int i = 0; i < 40; i++)
                {
                    string attack = attacks[i % attacks.Length];
                    try
                    {
                        await grains.GetGuestActor("hostile", $"{worker}").CallAsync(new GuestRequest { Function = attack, Arguments = attack == "grow" ? [1000] : [], IsDurable = true });
                    }
                    catch (GuestCallException e)
                    {
                        Interlocked.Increment(ref failures[(int)e.Failure]);
                    }
                }
            })), output);
            output.WriteLine("the hostile tenant: " + string.Join(", ", failures.Select(static (count, failure) => $"{(GuestFailure)failure} {count}").Where(static text => !text.EndsWith(" 0", StringComparison.Ordinal))));
            Assert.True(failures[(int)GuestFailure.Trapped] > 0, "No attack came to run.");

            await traffic.CheckAsync(output);
        }
        finally
        {
            foreach (SiloProcess silo in silos)
                await silo.DisposeAsync();
        }
    }

    private static async Task<IHost> ConnectAsync(string redis, CancellationToken cancellationToken)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleansClient(client => client
            .Configure<ClusterOptions>(static options => options.ClusterId = options.ServiceId = "tarn-sample")
            .Configure<ClientMessagingOptions>(static options => options.ResponseTimeout = TimeSpan.FromSeconds(10))
            .UseRedisClustering(options => options.ConfigurationOptions = ConfigurationOptions.Parse(redis)));
        IHost host = builder.Build();
        await host.StartAsync(cancellationToken);
        return host;
    }

    private sealed class Traffic(IGrainFactory grains, int counters)
    {
        private readonly long[] _acknowledged = new long[counters];
        private readonly long[] _tried = new long[counters];

        public async Task EachOnceAsync()
        {
            var next = Enumerable.Range(0, counters).ToArray();
            await Parallel.ForEachAsync(next.Chunk(Callers * 4), async (chunk, _) => await Task.WhenAll(chunk.Where(i => _tried[i] == 0).Select(i => AddAsync(i))));
        }

        /// <summary>Calls counters until something has happened and each caller has been answered ten times after it.</summary>
        public async Task RoundAsync(string name, Func<Task> happen, ITestOutputHelper output)
        {
            using var stop = new CancellationTokenSource();
            long begin = Stopwatch.GetTimestamp();
            if (happen == EachOnceAsync)
            {
                await happen();
                output.WriteLine($"{name}: {counters / Stopwatch.GetElapsedTime(begin).TotalSeconds:F0} calls a second");
                return;
            }
            int[] answeredAfter = new int[Callers];
            double[] longest = new double[Callers];
            long calls = 0, failed = 0;
            bool hasHappened = false;
            Task[] callers = [.. Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
            {
                var random = new Random(caller);
                long last = Stopwatch.GetTimestamp();
                while (!stop.IsCancellationRequested)
                {
                    int counter = (random.Next(Math.Max(1, counters / Callers)) * Callers) + caller;
                    if (counter >= counters)
                        continue;
                    bool isAnswered = await AddAsync(counter);
                    Interlocked.Increment(ref calls);
                    if (!isAnswered)
                    {
                        Interlocked.Increment(ref failed);
                        continue;
                    }
                    longest[caller] = Math.Max(longest[caller], Stopwatch.GetElapsedTime(last).TotalSeconds);
                    last = Stopwatch.GetTimestamp();
                    if (Volatile.Read(ref hasHappened) && ++answeredAfter[caller] == 10 && answeredAfter.All(static n => n >= 10))
                        await stop.CancelAsync();
                }
            }))];
            await happen();
            Volatile.Write(ref hasHappened, true);
            await Task.WhenAll(callers).WaitAsync(TimeSpan.FromMinutes(3));
            output.WriteLine($"{name}: {calls} calls, {failed} failed, {calls / Stopwatch.GetElapsedTime(begin).TotalSeconds:F0} a second, longest pause of a caller {longest.Max():F1} s");
            Assert.True(longest.Max() < 30, $"{name}: a caller had no answer for {longest.Max():F1} s.");
        }

        public async Task CheckAsync(ITestOutputHelper output)
        {
            long unknown = 0;
            await Parallel.ForEachAsync(Enumerable.Range(0, counters).ToArray(), async (i, _) =>
            {
                long value = await ActorTests.AddAsync(grains.GetGuestActor("counter", $"{i}"), 0, isDurable: false);
                Assert.True(_acknowledged[i] <= value && value <= _tried[i], $"Counter {i} is at {value}; {_acknowledged[i]} were acknowledged, {_tried[i]} tried.");
                Interlocked.Add(ref unknown, _tried[i] - _acknowledged[i]);
            });
            output.WriteLine($"{counters} counters, {_acknowledged.Sum()} acknowledged writes, none lost; {unknown} were tried without an answer");
        }

        private async Task<bool> AddAsync(int counter)
        {
            _tried[counter]++;
            try
            {
                long value = await ActorTests.AddAsync(grains.GetGuestActor("counter", $"{counter}"), 1, isDurable: true);
                _acknowledged[counter]++;
                Assert.InRange(value, _acknowledged[counter], _tried[counter]);
                return true;
            }
            catch (Exception e) when (e is TimeoutException or OrleansException or GuestCallException || e.GetType().Namespace!.StartsWith("Orleans", StringComparison.Ordinal))
            {
                return false;
            }
        }
    }
}

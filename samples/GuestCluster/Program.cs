// Guests in a cluster: a durable counter, whose state is the memory of a guest, and a function. Without arguments one silo keeps everything in memory, shows what it does and ends:
//
//   dotnet run --project samples/GuestCluster
//
// For a cluster, start Redis and any number of silos, each with ports of its own; on several machines also name the address that the others reach it at. All that changes is where the silos find each other and
// where the states are (AddStorage below). Clients are built the same way, with UseOrleansClient.
//
//   dotnet run --project samples/GuestCluster -- silo localhost:6379 11111 30000
//   dotnet run --project samples/GuestCluster -- silo localhost:6379 11112 30001
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using StackExchange.Redis;
using Tarn.Orleans;

const string Counter = """
    (module
      (memory (export "memory") 1)
      (func (export "add") (param i64) (result i64)
        (i64.store (i32.const 1024) (i64.add (i64.load (i32.const 1024)) (local.get 0)))
        (i64.load (i32.const 1024)))
      (func (export "square") (param i64) (result i64) (i64.mul (local.get 0) (local.get 0))))
    """;

bool isCluster = args is ["silo", ..];
HostApplicationBuilder builder = Host.CreateApplicationBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Error);
builder.UseOrleans(silo =>
{
    AddStorage(silo);
    silo.AddTarn(options =>
    {
        options.EnableFuel = true;
        // Of untrusted tenants each call is bounded, and what they take together in the whole cluster.
        options.Tenants["trial"] = new TenantQuota { Concurrency = 2, FuelPerCall = 20_000_000, FuelPerSecond = 200_000_000, MemoryBytes = 1 << 20, CallTime = TimeSpan.FromMilliseconds(200) };
    });
});
using IHost host = builder.Build();
await host.StartAsync();
if (isCluster)
{
    Console.WriteLine("serving");
    await host.WaitForShutdownAsync();
    return;
}

IGrainFactory grains = host.Services.GetRequiredService<IGrainFactory>();
string hash = await grains.UploadGuestModuleAsync(System.Text.Encoding.UTF8.GetBytes(Counter));
GuestDeployment deployment = await grains.GetGuestCatalog().RollOutAsync(new GuestRollOut { Name = "counter", ModuleHash = hash });
Console.WriteLine($"version {deployment.Version} is rolled out");

IGuestActor visits = grains.GetGuestActor("counter", "visits");
for (int i = 0; i < 2; i++)
    await visits.CallAsync(new GuestRequest { Function = "add", Arguments = [20L], IsDurable = true });
await visits.ReleaseAsync();                            // its slot is free, its state is in storage
GuestReply reply = await visits.CallAsync(new GuestRequest { Function = "add", Arguments = [2L], IsDurable = true });
Console.WriteLine($"the counter is at {reply.Results[0].AsInt64()}");

reply = await grains.GetGuestFunction("counter").CallAsync(new GuestRequest { Function = "square", Arguments = [12L] });
Console.WriteLine($"the function says {reply.Results[0].AsInt64()}");
await host.StopAsync();

void AddStorage(ISiloBuilder silo)
{
    if (!isCluster)
    {
        silo.UseLocalhostClustering().AddMemoryGrainStorage(TarnClusterOptions.StorageName);
        return;
    }
    ConfigurationOptions redis = ConfigurationOptions.Parse(args[1]);
    silo.Configure<ClusterOptions>(options => options.ClusterId = options.ServiceId = "tarn-sample")
        .ConfigureEndpoints(IPAddress.Loopback, int.Parse(args[2]), int.Parse(args[3]))
        .UseRedisClustering(options => options.ConfigurationOptions = redis)
        .AddRedisGrainStorage(TarnClusterOptions.StorageName, options => options.ConfigurationOptions = redis)
        // A silo that ends without saying so is noticed after about three seconds.
        .Configure<ClusterMembershipOptions>(options =>
        {
            options.ProbeTimeout = TimeSpan.FromSeconds(1);
            options.TableRefreshTimeout = TimeSpan.FromSeconds(5);
            options.NumMissedProbesLimit = 2;
            options.NumVotesForDeathDeclaration = 1;
        });
}

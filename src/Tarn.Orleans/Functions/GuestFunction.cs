// A function: nothing is kept between calls, so every silo has its own workers, and a call goes to the silo that it comes from. All silos load what is in use before it is called (SiloGuests).
using System.Diagnostics;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;
using Tarn.Orleans.Calls;
using Tarn.Orleans.Silos;
using Tarn.Orleans.Tenants;

namespace Tarn.Orleans.Functions;

[StatelessWorker(MostWorkers), Reentrant]
internal sealed class GuestFunction(SiloGuests guests, SiloTenants tenants, ActorTable actors, IGrainFactory grains, IOptions<TarnClusterOptions> options) : Grain, IGuestFunction
{
    // Reentrant: calls that wait for others do not hold a worker. As many as there are processors run at once at most, and more workers would only wait for them.
    private const int MostWorkers = 64;

    public Task<GuestReply> CallAsync(GuestRequest request)
    {
        string name = this.GetPrimaryKeyString();
        return ClusterMetrics.RecordAsync("function", name, Stopwatch.GetTimestamp(), RunAsync(name, request));
    }

    private async Task<GuestReply> RunAsync(string name, GuestRequest request)
    {
        string[] waiting = GuestRunner.Waiting();
        GuestDeployment deployment = await guests.FindAsync(name);
        string tenantName = deployment.Tenant ?? request.Tenant ?? "";
        TenantQuota quota = options.Value.QuotaOf(tenantName);
        SiloTenant? tenant = tenants.Find(tenantName, quota);
        if (tenant is not null)
            await tenant.EnterAsync();
        long fuelLeft = quota.FuelPerCall ?? 0;
        try
        {
            using LoadedGuest guest = await guests.AcquireAsync(deployment);
            using var context = new GuestContext(options.Value, new GuestPeers(grains, guests, options.Value.MayCall));
            Instance instance;
            try
            {
                instance = await actors.RentAsync(token => guest.Functions.InstantiateAsync(context, LimitsOf(quota), token));
            }
            catch (Exception e)
            {
                throw GuestRunner.Explain(e);
            }
            await using (instance)
            {
                try
                {
                    (Function function, Value[] arguments) = GuestRunner.Prepare(instance, request);
                    context.Begin(deployment, tenantName, name, waiting, request.Input);
                    return await GuestRunner.InvokeAsync(function, arguments, context, deployment.Version);
                }
                finally
                {
                    if (quota.FuelPerCall is not null)
                        fuelLeft = instance.Fuel;
                }
            }
        }
        finally
        {
            tenant?.Leave(fuelLeft);
        }
    }

    internal static StoreLimits LimitsOf(TenantQuota quota) => new() { Fuel = quota.FuelPerCall, MaximumMemoryBytes = quota.MemoryBytes, CallTimeout = quota.CallTime };
}

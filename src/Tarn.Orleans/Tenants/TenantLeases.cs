// Hands out shares of a tenant's quota.
//
// Why the quota holds: at every moment the shares of leases that have not ended sum up to no more than the quota. A silo starts calls under a lease only before it ends, by a clock that it started before
// it asked; the grain counts a lease until then and for the time of a call and a second more, for the difference of clocks between silos. Leases are stored before they are returned, so an activation on
// another silo counts those that are out. Fuel is taken from the bucket when it is handed out, so fuel that a silo loses is lost, and not used twice. The bucket itself is full after the grain has moved:
// up to two seconds' worth more than the quota for each time a silo dies.
using Microsoft.Extensions.Options;

namespace Tarn.Orleans.Tenants;

internal sealed class TenantLeases([PersistentState("leases", TarnClusterOptions.StorageName)] IPersistentState<LeaseState> storage, IOptions<TarnClusterOptions> options, TimeProvider clock)
    : Grain, ITenantLeases
{
    private static readonly TimeSpan s_skew = TimeSpan.FromSeconds(1);

    private double _fuel;
    private long _filled = -1;

    public async Task<TenantShare> RenewAsync(string silo, int calls, long fuel)
    {
        TenantQuota quota = options.Value.QuotaOf(this.GetPrimaryKeyString());
        int granted = quota.Concurrency is int most ? await GrantAsync(silo, calls, most, quota) : int.MaxValue;
        return new TenantShare(granted, quota.FuelPerSecond is long rate ? Take(fuel, rate) : long.MaxValue);
    }

    private async Task<int> GrantAsync(string silo, int calls, int most, TenantQuota quota)
    {
        DateTime now = clock.GetUtcNow().UtcDateTime;
        Dictionary<string, Lease> leases = storage.State.Leases;
        Dictionary<string, Lease> next = leases.Where(lease => lease.Value.Ends > now && lease.Key != silo).ToDictionary(StringComparer.Ordinal);
        int free = most - next.Values.Sum(static lease => lease.Calls);
        // No silo takes all that is free while there is more than one: others may ask next.
        int granted = Math.Clamp(calls, 0, Math.Max(free, 0));
        if (granted > 0)
            next[silo] = new Lease { Calls = granted, Ends = now + options.Value.LeaseTime + quota.CallTime + s_skew };
        storage.State.Leases = next;
        try
        {
            await storage.WriteStateAsync();
        }
        catch (Exception e)
        {
            storage.State.Leases = leases;
            DeactivateOnIdle();
            throw new GuestCallException(GuestFailure.StorageFailed, $"The storage failed with {e.GetType().Name}: {e.Message}");
        }
        return granted;
    }

    private long Take(long fuel, long rate)
    {
        long now = clock.GetTimestamp();
        double most = 2.0 * rate;
        _fuel = _filled < 0 ? most : Math.Min(most, _fuel + (rate * clock.GetElapsedTime(_filled, now).TotalSeconds));
        _filled = now;
        long taken = (long)Math.Clamp(fuel, 0, _fuel);
        _fuel -= taken;
        return taken;
    }
}

/// <summary>The leases that are out, by silo.</summary>
[GenerateSerializer, Alias("Tarn.LeaseState")]
internal sealed class LeaseState
{
    [Id(0)]
    public Dictionary<string, Lease> Leases { get; set; } = [];
}

/// <summary>A share of a silo.</summary>
[GenerateSerializer, Immutable, Alias("Tarn.Lease")]
internal sealed class Lease
{
    [Id(0)]
    public int Calls { get; set; }

    [Id(1)]
    public DateTime Ends { get; set; }
}

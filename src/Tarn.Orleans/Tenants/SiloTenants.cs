// The tenants that this silo has a share of. Names come from requests, so those that have not called for a while are forgotten.
using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace Tarn.Orleans.Tenants;

internal sealed class SiloTenants(IGrainFactory grains, ILocalSiloDetails silo, IOptions<TarnClusterOptions> options)
{
    private const int Most = 10_000;

    private readonly ConcurrentDictionary<string, SiloTenant> _tenants = new(StringComparer.Ordinal);

    /// <summary>The tenant of a name; null if its quota has nothing that is shared.</summary>
    /// <exception cref="GuestCallException">The name is not one, or there are too many tenants at once.</exception>
    public SiloTenant? Find(string name, TenantQuota quota)
    {
        if (!quota.IsLeased)
            return null;
        if (_tenants.TryGetValue(name, out SiloTenant? tenant))
            return tenant;
        if (name.Length is 0 or > 200)
            throw new GuestCallException(GuestFailure.InvalidArguments, "The request has no tenant, or one whose name has more than 200 characters, and tenants have quotas.");
        if (_tenants.Count >= Most)
        {
            foreach ((string key, SiloTenant idle) in _tenants)
            {
                if (idle.IsForgettable)
                    _tenants.TryRemove(new(key, idle));
            }
            if (_tenants.Count >= Most)
                throw new GuestCallException(GuestFailure.QuotaExceeded, $"More than {Most} tenants call at once.");
        }
        return _tenants.GetOrAdd(name, static (name, made) => new SiloTenant(made.grains.GetGrain<ITenantLeases>(name), made.silo, made.quota, made.time), (grains, silo: silo.SiloAddress.ToParsableString(), quota, time: options.Value.LeaseTime));
    }
}

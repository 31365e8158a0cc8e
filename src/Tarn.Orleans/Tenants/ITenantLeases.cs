// How silos share the quota of a tenant.

namespace Tarn.Orleans.Tenants;

/// <summary>The quota of one tenant over the cluster. The key is the tenant's name.</summary>
[Alias("Tarn.ITenantLeases")]
internal interface ITenantLeases : IGrainWithStringKey
{
    /// <summary>Renews the share of a silo, and replaces the one that it had.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="calls">Calls that it could use at once; at least those that run.</param>
    /// <param name="fuel">Fuel that it could use.</param>
    [Alias("RenewAsync")]
    Task<TenantShare> RenewAsync(string silo, int calls, long fuel);
}

/// <summary>What a silo may use.</summary>
/// <param name="Calls">Calls at once, until the lease ends.</param>
/// <param name="Fuel">Fuel, on top of what it was given before.</param>
[GenerateSerializer, Immutable, Alias("Tarn.TenantShare")]
internal readonly record struct TenantShare([property: Id(0)] int Calls, [property: Id(1)] long Fuel);

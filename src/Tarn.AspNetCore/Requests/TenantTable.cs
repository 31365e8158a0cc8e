// Tenants and what they use. Names come from requests, so their number is bounded: those beyond it share one entry, and with it its limits.
using System.Collections.Concurrent;

namespace Tarn.AspNetCore.Requests;

internal sealed class TenantTable(TarnOptions options)
{
    private const int Most = 10_000;

    private readonly ConcurrentDictionary<string, Tenant> _tenants = new(StringComparer.Ordinal);
    private readonly Tenant _others = new("(others)", options.DefaultTenant);

    public IEnumerable<Tenant> All => _others.Statistics.Total == 0 ? _tenants.Values : _tenants.Values.Append(_others);

    public Tenant Find(string name)
    {
        if (_tenants.TryGetValue(name, out Tenant? tenant))
            return tenant;
        if (!options.Tenants.TryGetValue(name, out TenantLimits? limits))
        {
            if (_tenants.Count >= Most)
                return _others;
            limits = options.DefaultTenant;
        }
        return _tenants.GetOrAdd(name, static (name, limits) => new Tenant(name, limits), limits);
    }
}

/// <summary>One tenant.</summary>
internal sealed class Tenant(string name, TenantLimits limits)
{
    private int _running;

    public string Name { get; } = name;

    public TenantLimits Limits { get; } = limits;

    public RequestStatistics Statistics { get; } = new();

    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _running) <= (Limits.Concurrency ?? int.MaxValue))
            return true;
        Interlocked.Decrement(ref _running);
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _running);
}

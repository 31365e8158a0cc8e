// Tenants and what they use. Names come from requests, so their number and length are bounded: those beyond it share one entry, and with it its limits.
using System.Collections.Concurrent;

namespace Tarn.AspNetCore.Requests;

internal sealed class TenantTable(TarnOptions options)
{
    private const int Most = 10_000;
    private const int LongestName = 200;

    private readonly ConcurrentDictionary<string, Tenant> _tenants = new(StringComparer.Ordinal);
    private readonly Tenant _others = new("(others)", options.DefaultTenant);

    public IEnumerable<Tenant> All => _others.Statistics.Total == 0 ? _tenants.Values : _tenants.Values.Append(_others);

    public Tenant Find(string name)
    {
        if (_tenants.TryGetValue(name, out Tenant? tenant))
            return tenant;
        if (!options.Tenants.TryGetValue(name, out TenantLimits? limits))
        {
            if (_tenants.Count >= Most || name.Length > LongestName)
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
        // Not counted up and down again: a request that is refused must not make another one look like one too many.
        int most = Limits.Concurrency ?? int.MaxValue;
        int running = Volatile.Read(ref _running);
        while (running < most)
        {
            int found = Interlocked.CompareExchange(ref _running, running + 1, running);
            if (found == running)
                return true;
            running = found;
        }
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _running);
}

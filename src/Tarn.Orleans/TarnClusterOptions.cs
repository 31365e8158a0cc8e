// Everything that a silo is configured with; checked as a whole when it starts. Silos of a cluster are configured alike: quotas hold for the cluster because each silo asks the same grain.
using Tarn.Wasi;

namespace Tarn.Orleans;

/// <summary>Options of <see cref="TarnSiloBuilderExtensions.AddTarn"/>.</summary>
public sealed class TarnClusterOptions
{
    /// <summary>The name of the grain storage that modules, the catalog, leases and the states of actors are kept in.</summary>
    public const string StorageName = "tarn";

    /// <summary>Gets or sets the number of slots of the silo's pool: calls of functions and actors with a guest at once. When they are used up, the actors that have been idle longest are saved and released.</summary>
    public int Instances { get; set; } = 1000;

    /// <summary>Gets or sets the pages of 64 KiB that a memory may have.</summary>
    public int MemoryPages { get; set; } = 160;

    /// <summary>Gets or sets whether guests' instructions are counted, which limits of fuel need.</summary>
    public bool EnableFuel { get; set; }

    /// <summary>Gets or sets a last change to the engine's options, after the values above have been applied.</summary>
    public Func<EngineOptions, EngineOptions>? ConfigureEngine { get; set; }

    /// <summary>Gets or sets what defines host functions for all guests, besides WASI preview 1 and the module <c>tarn</c>.</summary>
    public Action<Linker>? ConfigureLinker { get; set; }

    /// <summary>Gets or sets what the WASI functions give to an instance; nothing unless set. A guest whose descriptors are open cannot be saved.</summary>
    public Func<WasiOptions>? CreateWasiOptions { get; set; }

    /// <summary>Gets or sets how long after a call that is not durable the state of an actor is saved.</summary>
    public TimeSpan SaveInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Gets or sets how often a silo asks the catalog for changes.</summary>
    public TimeSpan RefreshInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Gets or sets how long a call waits for a slot before it fails with <see cref="GuestFailure.NoSlot"/>.</summary>
    public TimeSpan SlotTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Gets or sets how long a silo may use a share of a tenant's quota without asking again.</summary>
    public TimeSpan LeaseTime { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Gets or sets the bytes that a module may have.</summary>
    public int MaximumModuleBytes { get; set; } = 32 << 20;

    /// <summary>Gets or sets the bytes that the saved state of an actor may have.</summary>
    public int MaximumStateBytes { get; set; } = 16 << 20;

    /// <summary>Gets or sets the bytes that the input or the output of a call may have.</summary>
    public int MaximumMessageBytes { get; set; } = 4 << 20;

    /// <summary>Gets or sets the quota of tenants that <see cref="Tenants"/> does not name, each for itself.</summary>
    public TenantQuota DefaultTenant { get; set; } = new();

    /// <summary>Gets the quotas of tenants by name.</summary>
    public IDictionary<string, TenantQuota> Tenants { get; } = new Dictionary<string, TenantQuota>(StringComparer.Ordinal);

    /// <summary>Gets or sets which deployments a guest may call: the caller and the one that is called. Unless set, those that have the caller's tenant.</summary>
    public Func<GuestDeployment, GuestDeployment, bool>? MayCall { get; set; }

    internal TenantQuota QuotaOf(string tenant) => Tenants.TryGetValue(tenant, out TenantQuota? quota) ? quota : DefaultTenant;

    internal EngineOptions ToEngineOptions()
    {
        var options = new EngineOptions
        {
            EnableInterruption = true,
            EnableFuel = EnableFuel,
            CompilationCache = CompilationCache.ForUser(),
            Pooling = new PoolingOptions { Limits = InstanceLimits.Default with { Count = Instances, MemoryPages = MemoryPages, TableElements = 20_000 } },
        };
        return ConfigureEngine is null ? options : ConfigureEngine(options);
    }

    internal List<string> Validate()
    {
        List<string> errors = [];
        EngineOptions engine = ToEngineOptions();
        errors.AddRange(engine.Validate());
        if (!engine.EnableInterruption)
            errors.Add("EngineOptions.EnableInterruption is off: a call that takes too long could not be stopped");
        foreach ((string what, TimeSpan time) in new[]
        {
            (nameof(SaveInterval), SaveInterval), (nameof(RefreshInterval), RefreshInterval), (nameof(SlotTimeout), SlotTimeout), (nameof(LeaseTime), LeaseTime),
        })
        {
            if (time <= TimeSpan.Zero || time.TotalDays > 24)
                errors.Add($"{what} is {time}; it must be positive and at most 24 days");
        }
        foreach ((string what, int bytes) in new[] { (nameof(MaximumModuleBytes), MaximumModuleBytes), (nameof(MaximumStateBytes), MaximumStateBytes), (nameof(MaximumMessageBytes), MaximumMessageBytes) })
        {
            if (bytes < 1)
                errors.Add($"{what} is {bytes}; it must be positive");
        }
        foreach ((string name, TenantQuota quota) in Tenants.Append(new KeyValuePair<string, TenantQuota>("", DefaultTenant)))
            quota.Validate(name, engine.EnableFuel, errors);
        return errors;
    }
}

// Everything that is configured, in one class that the configuration's binder can fill; checked as a whole when the host starts.
using Microsoft.AspNetCore.Http;
using Tarn.Components;
using Tarn.Wasi;

namespace Tarn.AspNetCore;

/// <summary>Options of <see cref="TarnServiceCollectionExtensions.AddTarn"/>; bound to the section <c>Tarn</c> of the configuration.</summary>
public sealed class TarnOptions
{
    /// <summary>Gets or sets the number of slots in the pool: requests that can run at once.</summary>
    public int Instances { get; set; } = 1000;

    /// <summary>Gets or sets the pages of 64 KiB that a memory may have.</summary>
    public int MemoryPages { get; set; } = 160;

    /// <summary>Gets or sets whether guests' instructions are counted, which limits of fuel need.</summary>
    public bool EnableFuel { get; set; }

    /// <summary>Gets or sets whether compiled modules are kept in the user's cache.</summary>
    public bool UseCompilationCache { get; set; } = true;

    /// <summary>Gets or sets a last change to the engine's options, after the values above have been applied.</summary>
    public Func<EngineOptions, EngineOptions>? ConfigureEngine { get; set; }

    /// <summary>
    /// Gets or sets what defines host functions for modules, besides WASI preview 1. <see cref="Caller.GetState{TState}"/> returns the <see cref="WasiContext"/> of the request. It is called for each version of a
    /// module that is loaded.
    /// </summary>
    public Action<Linker>? ConfigureLinker { get; set; }

    /// <summary>Gets or sets what defines host functions for components, besides WASI 0.2. It is called for each version of a component that is loaded.</summary>
    public Action<ComponentLinker>? ConfigureComponentLinker { get; set; }

    /// <summary>Gets the modules by name.</summary>
    public IDictionary<string, WasmModuleOptions> Modules { get; } = new Dictionary<string, WasmModuleOptions>(StringComparer.Ordinal);

    /// <summary>Gets or sets how often files of modules are looked at for a change; <see cref="TimeSpan.Zero"/> for never.</summary>
    public TimeSpan ReloadInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Gets or sets how many requests may wait for a slot; one more is answered with 503.</summary>
    public int QueueLength { get; set; } = 1000;

    /// <summary>Gets or sets how long a request may wait for a slot before it is answered with 503.</summary>
    public TimeSpan QueueTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Gets or sets the time that a guest may take for a request where its tenant's limits say nothing.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Gets or sets the bytes that a request's body may have; a longer one is answered with 413.</summary>
    public long MaximumRequestBytes { get; set; } = 30_000_000;

    /// <summary>Gets or sets what tells the tenant of a request. Requests without one belong to the tenant whose name is empty.</summary>
    public Func<HttpContext, string?>? Tenant { get; set; }

    /// <summary>Gets or sets the limits of tenants that <see cref="Tenants"/> does not name.</summary>
    public TenantLimits DefaultTenant { get; set; } = new();

    /// <summary>Gets the limits of tenants by name.</summary>
    public IDictionary<string, TenantLimits> Tenants { get; } = new Dictionary<string, TenantLimits>(StringComparer.Ordinal);

    internal EngineOptions ToEngineOptions()
    {
        var options = new EngineOptions
        {
            EnableInterruption = true,
            EnableFuel = EnableFuel,
            CompilationCache = UseCompilationCache ? CompilationCache.ForUser() : null,
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
            errors.Add("EngineOptions.EnableInterruption is off: a request that is aborted or takes too long could not be stopped");
        foreach ((string name, WasmModuleOptions module) in Modules)
        {
            if ((module.Path is null) == (module.Provider is null))
                errors.Add($"Modules[\"{name}\"] needs either a Path or a Provider");
            if (module.InitializationTime <= TimeSpan.Zero || module.InitializationTime.TotalDays > 24)
                errors.Add($"Modules[\"{name}\"].InitializationTime is {module.InitializationTime}; it must be positive and at most 24 days");
            if (module.InitializationFuel is not null && !engine.EnableFuel)
                errors.Add($"Modules[\"{name}\"] has a limit of fuel for its initialization, and EnableFuel is off");
            if (module.InitializationFuel < 0 || module.InitializationMemoryBytes < 0)
                errors.Add($"Modules[\"{name}\"] has a negative limit for its initialization");
        }
        if (QueueLength < 0)
            errors.Add($"QueueLength is {QueueLength}; it must not be negative");
        foreach ((string what, TimeSpan time) in new[] { (nameof(QueueTimeout), QueueTimeout), (nameof(RequestTimeout), RequestTimeout) })
        {
            if (time <= TimeSpan.Zero || time.TotalMilliseconds > int.MaxValue)
                errors.Add($"{what} is {time}; it must be positive and less than 25 days");
        }
        if (ReloadInterval < TimeSpan.Zero || ReloadInterval.TotalMilliseconds > int.MaxValue)
            errors.Add($"ReloadInterval is {ReloadInterval}; it must not be negative, and less than 25 days");
        if (MaximumRequestBytes < 0)
            errors.Add($"MaximumRequestBytes is {MaximumRequestBytes}; it must not be negative");
        foreach ((string name, TenantLimits limits) in Tenants.Append(new KeyValuePair<string, TenantLimits>("", DefaultTenant)))
        {
            if (limits.Fuel is not null && !engine.EnableFuel)
                errors.Add($"The tenant \"{name}\" has a limit of fuel, and EnableFuel is off");
            if (limits.Concurrency < 1 || limits.Fuel < 0 || limits.MemoryBytes < 0 || limits.Time is { } time && (time <= TimeSpan.Zero || time.TotalMilliseconds > int.MaxValue))
                errors.Add($"The limits of the tenant \"{name}\" have a value that is not positive or too large");
        }
        return errors;
    }
}

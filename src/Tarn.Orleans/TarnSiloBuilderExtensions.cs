// How a silo gets an engine, and with it the guests of the cluster.
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Tarn.Orleans.Silos;
using Tarn.Orleans.Tenants;

namespace Tarn.Orleans;

/// <summary>Adds Tarn to a silo.</summary>
public static class TarnSiloBuilderExtensions
{
    /// <summary>
    /// Adds an <see cref="Engine"/> and the guests of the cluster. The silo needs a grain storage with the name <see cref="TarnClusterOptions.StorageName"/>. Options are checked when the silo starts, and an
    /// invalid one keeps it from starting.
    /// </summary>
    /// <param name="builder">The silo.</param>
    /// <param name="configure">Sets options.</param>
    /// <returns>The silo.</returns>
    public static ISiloBuilder AddTarn(this ISiloBuilder builder, Action<TarnClusterOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        IServiceCollection services = builder.Services;
        OptionsBuilder<TarnClusterOptions> options = services.AddOptions<TarnClusterOptions>();
        if (configure is not null)
            options.Configure(configure);
        services.AddSingleton<IValidateOptions<TarnClusterOptions>, OptionsValidator>();
        options.ValidateOnStart();
        services.AddSingleton<SiloEngine>();
        services.AddSingleton<GuestCache>();
        services.AddSingleton<SiloGuests>();
        services.AddSingleton<SiloTenants>();
        services.AddSingleton<ActorTable>();
        services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(static provider => provider.GetRequiredService<SiloGuests>());
        return builder;
    }

    private sealed class OptionsValidator : IValidateOptions<TarnClusterOptions>
    {
        public ValidateOptionsResult Validate(string? name, TarnClusterOptions options) =>
            options.Validate() is { Count: > 0 } errors ? ValidateOptionsResult.Fail(errors) : ValidateOptionsResult.Success;
    }
}

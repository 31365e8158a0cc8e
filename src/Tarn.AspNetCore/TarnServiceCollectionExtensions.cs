// How a host gets an engine, its modules and what watches them.
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Tarn.AspNetCore.Modules;

namespace Tarn.AspNetCore;

/// <summary>Adds Tarn to a host's services.</summary>
public static class TarnServiceCollectionExtensions
{
    /// <summary>
    /// Adds an <see cref="Engine"/> and the modules that endpoints refer to. Options are read from the section <c>Tarn</c> of the configuration, then <paramref name="configure"/> is called, and all of them are
    /// checked when the host starts, as is every module: a host whose configuration is invalid or whose modules cannot be loaded does not start.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets options.</param>
    /// <returns>The services.</returns>
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "TarnOptions and what it holds are public classes of settable values, which are referred to here.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "Delegates are not bound; all else is values, lists and dictionaries of classes.")]
    public static IServiceCollection AddTarn(this IServiceCollection services, Action<TarnOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        OptionsBuilder<TarnOptions> options = services.AddOptions<TarnOptions>().Configure<IServiceProvider>(static (options, provider) =>
            provider.GetService<IConfiguration>()?.GetSection("Tarn").Bind(options));
        if (configure is not null)
            options.Configure(configure);
        services.AddSingleton<IValidateOptions<TarnOptions>, OptionsValidator>();
        options.ValidateOnStart();
        services.AddSingleton(static provider => new Engine(provider.GetRequiredService<IOptions<TarnOptions>>().Value.ToEngineOptions()));
        services.AddSingleton<WasmHost>();
        services.AddHostedService<ModuleReloader>();
        services.AddHealthChecks().Add(new HealthCheckRegistration("tarn", static provider => new TarnHealthCheck(provider.GetRequiredService<WasmHost>()), null, null));
        return services;
    }

    private sealed class OptionsValidator : IValidateOptions<TarnOptions>
    {
        public ValidateOptionsResult Validate(string? name, TarnOptions options) =>
            options.Validate() is { Count: > 0 } errors ? ValidateOptionsResult.Fail(errors) : ValidateOptionsResult.Success;
    }
}

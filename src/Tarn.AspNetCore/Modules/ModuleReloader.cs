// Loads all modules before the host serves, and looks for changed files afterwards. A change that cannot be loaded is logged and reported by the health check; the version before serves on.
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Tarn.AspNetCore.Modules;

internal sealed partial class ModuleReloader(WasmHost host, IOptions<TarnOptions> options, ILogger<ModuleReloader> logger) : BackgroundService
{
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (HostedModule module in host.Modules)
        {
            await module.RefreshAsync(host.Engine, cancellationToken);
            LogLoaded(logger, module.Name, module.Version);
        }
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.ReloadInterval == TimeSpan.Zero)
            return;
        using var timer = new PeriodicTimer(options.Value.ReloadInterval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach (HostedModule module in host.Modules)
            {
#pragma warning disable CA1031 // Whatever is wrong with one module must not end the watch over the others.
                try
                {
                    if (await module.RefreshAsync(host.Engine, stoppingToken))
                        LogLoaded(logger, module.Name, module.Version);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    LogFailed(logger, e, module.Name);
                }
#pragma warning restore CA1031
            }
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Module {Module} was loaded, version {Version}.")]
    private static partial void LogLoaded(ILogger logger, string module, long version);

    [LoggerMessage(2, LogLevel.Error, "Module {Module} has changed and cannot be loaded; the version before stays in use.")]
    private static partial void LogFailed(ILogger logger, Exception exception, string module);
}

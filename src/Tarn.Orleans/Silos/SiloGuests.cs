// What runs under which name, as this silo knows it. Calls look it up without a message: a loop asks the catalog for changes, loads what is new beside what is in use, and swaps. So a roll-out stops
// nothing, and a module that cannot be loaded here leaves the version before in use.
using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Tarn.Orleans.Silos;

internal sealed partial class SiloGuests(GuestCache cache, IGrainFactory grains, IOptions<TarnClusterOptions> options, ILogger<SiloGuests> logger) : ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private readonly SemaphoreSlim _refreshing = new(1, 1);
    private readonly CancellationTokenSource _stop = new();
    private FrozenDictionary<string, Served> _served = FrozenDictionary<string, Served>.Empty;
    private long _revision = -1;
    private bool _isComplete = true;
    private Task _loop = Task.CompletedTask;

    public GuestCache Cache => cache;

    public void Participate(ISiloLifecycle observer) => observer.Subscribe(
        nameof(SiloGuests),
        ServiceLifecycleStage.Active,
        _ =>
        {
            _loop = Task.Run(WatchAsync, CancellationToken.None);
            return Task.CompletedTask;
        },
        async _ =>
        {
            await _stop.CancelAsync();
            await _loop;
        });

    /// <summary>What runs under a name. The catalog is asked for a name that is not known yet.</summary>
    /// <exception cref="GuestCallException">Nothing does.</exception>
    public ValueTask<GuestDeployment> FindAsync(string name) => _served.TryGetValue(name, out Served? served) ? new(served.Deployment) : AskAsync(name);

    /// <summary>What runs under a name, if this silo knows it.</summary>
    public GuestDeployment? TryFind(string name) => _served.TryGetValue(name, out Served? served) ? served.Deployment : null;

    /// <summary>The module of a deployment, held for a call.</summary>
    /// <exception cref="GuestCallException">It cannot be loaded.</exception>
    public ValueTask<LoadedGuest> AcquireAsync(GuestDeployment deployment) =>
        _served.TryGetValue(deployment.Name, out Served? served) && ReferenceEquals(served.Deployment, deployment) && served.Guest.TryAddReference()
            ? new(served.Guest)
            : cache.AcquireAsync(deployment.ModuleHash, deployment.Initialize);

    /// <summary>Asks the catalog for changes and loads them.</summary>
    public async Task RefreshAsync()
    {
        await _refreshing.WaitAsync();
        try
        {
            // While a module is missing, everything is asked for again.
            GuestCatalogContents? contents = await grains.GetGuestCatalog().GetAsync(_isComplete ? _revision : -1);
            if (contents is null)
            {
                Trim();
                return;
            }
            var next = new Dictionary<string, Served>(StringComparer.Ordinal);
            bool isComplete = true;
            foreach (GuestDeployment deployment in contents.Deployments)
            {
                if (_served.TryGetValue(deployment.Name, out Served? known) && known.Deployment == deployment)
                {
                    next.Add(deployment.Name, known);
                    continue;
                }
                try
                {
                    next.Add(deployment.Name, new Served(deployment, await cache.AcquireAsync(deployment.ModuleHash, deployment.Initialize)));
                    LogLoaded(logger, deployment.Name, deployment.Version, deployment.ModuleHash);
                }
#pragma warning disable CA1031 // Whatever is wrong with one module must not keep the others out of use.
                catch (Exception e)
#pragma warning restore CA1031
                {
                    isComplete = false;
                    LogFailed(logger, e, deployment.Name, deployment.Version);
                    if (known is not null)
                        next.Add(deployment.Name, known);
                }
            }
            FrozenDictionary<string, Served> before = _served;
            Volatile.Write(ref _served, next.ToFrozenDictionary(StringComparer.Ordinal));
            foreach ((string name, Served old) in before)
            {
                if (!next.TryGetValue(name, out Served? now) || now != old)
                    old.Guest.Dispose();
            }
            (_revision, _isComplete) = (contents.Revision, isComplete);
            Trim();
        }
        finally
        {
            _refreshing.Release();
        }
    }

    public void Dispose()
    {
        foreach (Served served in _served.Values)
            served.Guest.Dispose();
        _served = FrozenDictionary<string, Served>.Empty;
        _refreshing.Dispose();
        _stop.Dispose();
    }

    private async ValueTask<GuestDeployment> AskAsync(string name)
    {
        await RefreshAsync();
        return TryFind(name) ?? throw new GuestCallException(GuestFailure.UnknownModule, $"Nothing runs under the name \"{name}\" in the cluster.");
    }

    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(options.Value.RefreshInterval);
        try
        {
            do
            {
                try
                {
                    await RefreshAsync();
                }
#pragma warning disable CA1031 // The catalog may be moving to another silo. What is known is served until it answers.
                catch (Exception e) when (!_stop.IsCancellationRequested)
#pragma warning restore CA1031
                {
                    LogUnreachable(logger, e);
                }
            }
            while (await timer.WaitForNextTickAsync(_stop.Token));
        }
        catch (OperationCanceledException)
        {
            // The silo stops.
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // As above, amid a question to the catalog.
        }
    }

    private void Trim() => cache.Trim((hash, initialize) => _served.Values.Any(served => served.Deployment.ModuleHash == hash && served.Deployment.Initialize == initialize));

    [LoggerMessage(1, LogLevel.Information, "Version {Version} of {Name} is in use, module {Hash}.")]
    private static partial void LogLoaded(ILogger logger, string name, int version, string hash);

    [LoggerMessage(2, LogLevel.Error, "Version {Version} of {Name} cannot be loaded; the version before stays in use.")]
    private static partial void LogFailed(ILogger logger, Exception exception, string name, int version);

    [LoggerMessage(3, LogLevel.Warning, "The catalog does not answer; what is known stays in use.")]
    private static partial void LogUnreachable(ILogger logger, Exception exception);

    private sealed record Served(GuestDeployment Deployment, LoadedGuest Guest);
}

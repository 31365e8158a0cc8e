// Modules of this silo by content: each is fetched, verified and compiled once, however many names, versions and actors use it. A load that failed is not kept, so that the next use tries again.
using System.Collections.Concurrent;

namespace Tarn.Orleans.Silos;

internal sealed class GuestCache(SiloEngine engine, IGrainFactory grains) : IDisposable
{
    private readonly ConcurrentDictionary<(string Hash, string? Initialize), Lazy<Task<LoadedGuest>>> _guests = new();

    /// <summary>Returns a module, with a reference that the caller disposes.</summary>
    /// <exception cref="GuestCallException">There are no such bytes, or they cannot be used.</exception>
    public async ValueTask<LoadedGuest> AcquireAsync(string hash, string? initialize)
    {
        while (true)
        {
            Lazy<Task<LoadedGuest>> entry = _guests.GetOrAdd((hash, initialize), static (key, cache) => new(() => cache.LoadAsync(key.Hash, key.Initialize)), this);
            LoadedGuest guest;
            try
            {
                guest = await entry.Value;
            }
            catch
            {
                _guests.TryRemove(new((hash, initialize), entry));
                throw;
            }
            if (guest.TryAddReference())
                return guest;
            _guests.TryRemove(new((hash, initialize), entry));
        }
    }

    /// <summary>Lets go of modules that nothing uses and that are not to be kept.</summary>
    public void Trim(Func<string, string?, bool> isKept)
    {
        foreach (((string Hash, string? Initialize) key, Lazy<Task<LoadedGuest>> entry) in _guests)
        {
            if (!isKept(key.Hash, key.Initialize) && entry.IsValueCreated && entry.Value.IsCompletedSuccessfully && entry.Value.Result.IsIdle && _guests.TryRemove(new(key, entry)))
                entry.Value.Result.Dispose();
        }
    }

    public void Dispose() => Trim(static (_, _) => false);

    // On the thread pool: compiling must not hold a grain's turn, and what other grains wait for must not depend on the grain that asked first.
    private Task<LoadedGuest> LoadAsync(string hash, string? initialize) => Task.Run(async () =>
    {
        ReadOnlyMemory<byte> bytes = await grains.GetGrain<IGuestModule>(hash).ReadAsync()
            ?? throw new GuestCallException(GuestFailure.InvalidModule, $"The cluster has no module with the SHA-256 {hash}; upload it first.");
        return engine.Load(hash, initialize, bytes);
    });
}

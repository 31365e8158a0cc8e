// The actors of this silo that have a guest, and with it a slot. There may be any number of actors in the cluster, and slots are a fixed number: where none is free, the actors that have been idle longest
// are saved and released, a batch at a time, and the call waits for the slot of one of them.
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Tarn.Orleans.Silos;

internal sealed partial class ActorTable(IOptions<TarnClusterOptions> options, ILogger<ActorTable> logger)
{
    private readonly ConcurrentDictionary<IIdleActor, byte> _actors = new();
    private int _isReleasing;

    public int Count => _actors.Count;

    public void Add(IIdleActor actor)
    {
        _actors.TryAdd(actor, 0);
        ClusterMetrics.ActorBegan();
    }

    public void Remove(IIdleActor actor)
    {
        if (_actors.TryRemove(actor, out _))
            ClusterMetrics.ActorEnded();
    }

    /// <summary>Makes an instance, and makes room for it if need be.</summary>
    /// <exception cref="OperationCanceledException">There was none for <see cref="TarnClusterOptions.SlotTimeout"/>.</exception>
    public ValueTask<Instance> RentAsync(Func<CancellationToken, ValueTask<Instance>> make)
    {
        var patience = new CancellationTokenSource();
        ValueTask<Instance> rented;
        try
        {
            rented = make(patience.Token);
        }
        catch
        {
            patience.Dispose();
            throw;
        }
        if (rented.IsCompleted)
        {
            patience.Dispose();
            return rented;
        }
        return WaitAsync(rented, patience);
    }

    private async ValueTask<Instance> WaitAsync(ValueTask<Instance> rented, CancellationTokenSource patience)
    {
        using (patience)
        {
            patience.CancelAfter(options.Value.SlotTimeout);
            Task<Instance> waiting = rented.AsTask();
            while (!waiting.IsCompleted)
            {
                Release();
                await Task.WhenAny(waiting, Task.Delay(20, CancellationToken.None));
            }
            return await waiting;
        }
    }

    // One batch at a time: what it frees is looked at before the next one is chosen.
    private void Release()
    {
        if (Interlocked.Exchange(ref _isReleasing, 1) != 0)
            return;
        IIdleActor[] oldest = [.. _actors.Keys.Where(static actor => actor.IsIdle).OrderBy(static actor => actor.LastUsed).Take(Math.Max(1, options.Value.Instances / 20))];
        ClusterMetrics.Released(oldest.Length);
        _ = Task.Run(async () =>
        {
            try
            {
                await Task.WhenAll(oldest.Select(static actor => actor.ReleaseAsync()));
            }
#pragma warning disable CA1031 // One that cannot be saved keeps its slot; the others have been released.
            catch (Exception e)
#pragma warning restore CA1031
            {
                LogKept(logger, e);
            }
            finally
            {
                Volatile.Write(ref _isReleasing, 0);
            }
        });
    }

    [LoggerMessage(1, LogLevel.Warning, "An idle actor could not be saved to make room for another.")]
    private static partial void LogKept(ILogger logger, Exception exception);
}

/// <summary>An actor that can be released.</summary>
internal interface IIdleActor
{
    /// <summary>Whether no call runs.</summary>
    bool IsIdle { get; }

    /// <summary>When the last call began, in milliseconds of <see cref="Environment.TickCount64"/>.</summary>
    long LastUsed { get; }

    /// <summary>Saves and releases it, as a call that waits its turn.</summary>
    Task ReleaseAsync();
}

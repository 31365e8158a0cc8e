// A module together with its imports, checked once: what is left to instantiation is copying. Immutable and thread-safe.
using System.Diagnostics;
using Tarn.Instances;
using Tarn.Linking;

namespace Tarn;

/// <summary>A module whose imports are resolved, ready to be instantiated any number of times, from any thread.</summary>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public sealed class InstanceTemplate : IDisposable
{
    private readonly LinkedModule _linked;
    private readonly StoreCore? _store;
    private readonly int _generation;
    private int _disposed;

    internal InstanceTemplate(Module module, Definition[] imports)
    {
        Module = module;
        _linked = new LinkedModule(module.Core, imports);
        foreach (Definition definition in imports)
        {
            if (definition.Store is not StoreCore store)
                continue;
            if (_store is not null && _store != store)
                throw new ArgumentException("The imports come from different stores; all items of a store can only be used in that store.");
            _store = store;
            _generation = definition.Generation;
        }
        module.Core.AddReference();
    }

    /// <summary>The module.</summary>
    public Module Module { get; }

    /// <summary>Makes an instance of its own store, or of the store that its imports come from.</summary>
    /// <param name="state">What host functions get from <see cref="Caller.GetState{TState}"/>; for an instance of its own store only.</param>
    /// <param name="limits">What its memories and tables may take and it may execute; for an instance of its own store only.</param>
    /// <exception cref="InstantiationException">The module asks for more than limits or the system allow.</exception>
    /// <exception cref="PoolExhaustedException">No slot is free, or those that are have been promised to others who wait.</exception>
    /// <exception cref="TrapException">A segment does not fit, or the start function trapped.</exception>
    public Instance Instantiate(object? state = null, StoreLimits? limits = null)
    {
        ThrowIfDisposed();
        if (_store is not null)
        {
            ThrowIfShared(state, limits);
            using StoreUse use = _store.Enter();
            return Instantiate(_store);
        }
        return Start(new Instance(Module.Engine.Allocator.Rent(_linked, state, limits), ownsStore: true));
    }

    /// <summary>Makes an instance in a store. It lives as long as the store, since others there may come to refer to it.</summary>
    /// <inheritdoc cref="Instantiate(object?, StoreLimits?)"/>
    public Instance Instantiate(Store store)
    {
        ArgumentNullException.ThrowIfNull(store);
        ThrowIfDisposed();
        using StoreUse use = store.Enter();
        return Instantiate(store.Core);
    }

    // Inside the store.
    private Instance Instantiate(StoreCore store)
    {
        var instance = new Instance(Initialize(store), ownsStore: false);
        instance.Start();
        return instance;
    }

    /// <summary>
    /// Makes an instance as <see cref="Instantiate(object?, StoreLimits?)"/> does, but waits for a slot if the pool has none, first come, first served; and the
    /// start function may call asynchronous host functions.
    /// </summary>
    /// <param name="state">What host functions get from <see cref="Caller.GetState{TState}"/>; for an instance of its own store only.</param>
    /// <param name="limits">What its memories and tables may take and it may execute; for an instance of its own store only.</param>
    /// <param name="cancellationToken">Ends the wait, and stops the start function.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="InstantiationException">The module asks for more than limits or the system allow.</exception>
    /// <exception cref="TrapException">A segment does not fit, or the start function trapped.</exception>
    public ValueTask<Instance> InstantiateAsync(object? state = null, StoreLimits? limits = null, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<Instance>(cancellationToken);
        if (_store is not null)
        {
            ThrowIfShared(state, limits);
            Instance instance;
            using (StoreUse use = _store.Enter())
                instance = new Instance(Initialize(_store), ownsStore: false);
            return StartAsync(instance, cancellationToken);
        }
        ValueTask<InstanceData> rented = Module.Engine.Allocator.RentAsync(_linked, state, limits, cancellationToken);
        return rented.IsCompletedSuccessfully ? StartAsync(new Instance(rented.Result, ownsStore: true), cancellationToken) : WaitAsync(rented, cancellationToken);
    }

    /// <summary>Lets go of the module's code, which is freed when no instance is left either.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            Module.Core.ReleaseReference();
    }

    private InstanceData Initialize(StoreCore store)
    {
        if (store.Engine != Module.Engine.Core)
            throw new ArgumentException("The store belongs to another engine than the module.", nameof(store));
        if (_store is not null)
        {
            if (_store != store)
                throw new ArgumentException("The template's imports belong to another store.", nameof(store));
            StoreCore.ThrowIfStale(_store, _generation);
        }
        return Instantiation.Initialize(store, _linked);
    }

    private static void ThrowIfShared(object? state, StoreLimits? limits)
    {
        if (state is not null)
            throw new ArgumentException("The imports belong to a store, whose State host functions get; set that instead.", nameof(state));
        if (limits is not null)
            throw new ArgumentException("The imports belong to a store, which has Limits of its own; set those instead.", nameof(limits));
    }

    private static async ValueTask<Instance> WaitAsync(ValueTask<InstanceData> rented, CancellationToken cancellationToken) =>
        await StartAsync(new Instance(await rented.ConfigureAwait(false), ownsStore: true), cancellationToken).ConfigureAwait(false);

    private static ValueTask<Instance> StartAsync(Instance instance, CancellationToken cancellationToken) =>
        instance.HasStart ? RunStartAsync(instance, cancellationToken) : new ValueTask<Instance>(instance);

    private static async ValueTask<Instance> RunStartAsync(Instance instance, CancellationToken cancellationToken)
    {
        try
        {
            await instance.StartAsync(cancellationToken).ConfigureAwait(false);
            return instance;
        }
        catch
        {
            instance.Dispose();
            throw;
        }
    }

    private static Instance Start(Instance instance)
    {
        if (!instance.HasStart)
            return instance;
        try
        {
            instance.Start();
            return instance;
        }
        catch
        {
            instance.Dispose();
            throw;
        }
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private string DebuggerDisplay => $"Template of {Module.Name ?? "a module without a name"}";
}

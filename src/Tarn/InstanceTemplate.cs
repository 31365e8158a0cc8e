// A module together with its imports, checked once: what is left to instantiation is copying. Immutable and thread-safe.
using Tarn.Diagnostics;
using Tarn.Execution;
using Tarn.Instances;
using Tarn.Linking;
using Tarn.Pooling;
using Tarn.Scheduling;

namespace Tarn;

/// <summary>A module whose imports are resolved, ready to be instantiated any number of times, from any thread.</summary>
public sealed class InstanceTemplate : IDisposable
{
    private readonly Store? _store;
    private readonly int _generation;
    private int _disposed;

    internal InstanceTemplate(Module module, Definition[] imports)
    {
        Module = module;
        Imports = imports;
        HostFunctions = [.. imports.Where(i => i.Host is not null).Select(i => i.Host!)];
        foreach (Definition definition in imports)
        {
            if (definition.Store is not Store store)
                continue;
            if (_store is not null && _store != store)
                throw new ArgumentException("the imports come from different stores; all items of a store can only be used in that store");
            _store = store;
            _generation = definition.Generation;
        }
        module.AddReference();
    }

    /// <summary>The module.</summary>
    public Module Module { get; }

    /// <summary>What the imports are bound to, in the order of the module.</summary>
    internal Definition[] Imports { get; }

    /// <summary>The host functions among the imports, in order.</summary>
    internal HostFunction[] HostFunctions { get; }

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
            return Instantiate(_store);
        }
        Engine engine = Module.Engine;
        if (engine.Allocator is PooledAllocator pool && pool.Rent(this, state) is PooledInstance slot)
            return Module.HasStart || limits is not null ? Start(slot, limits) : new Instance(slot.Data, ownsStore: true);
        var store = new Store(engine, engine.Allocator.ForHost, keepsStack: true, state);
        try
        {
            store.BeginLimits(limits);
            // Before the guest runs: a host function may end this life, and the generation afterwards is nobody's or somebody else's.
            var instance = new Instance(Instantiation.Initialize(store, this), ownsStore: true);
            Instantiation.Start(instance);
            return instance;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Makes an instance in a store. It lives as long as the store, since others there may come to refer to it.</summary>
    /// <inheritdoc cref="Instantiate(object?, StoreLimits?)"/>
    public Instance Instantiate(Store store)
    {
        ArgumentNullException.ThrowIfNull(store);
        ThrowIfDisposed();
        using StoreUse use = store.Enter();
        var instance = new Instance(Initialize(store), ownsStore: false);
        Instantiation.Start(instance);
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
        Engine engine = Module.Engine;
        if (engine.Allocator is PooledAllocator pool)
        {
            // Without a queue there is nothing to be just about.
            PooledInstance? slot = pool.Waiters.Any ? null : pool.TryRent(this, state);
            return slot is not null ? StartAsync(slot, limits, cancellationToken) : WaitAsync(pool, state, limits, cancellationToken);
        }
        var store = new Store(engine, engine.Allocator.ForHost, keepsStack: true, state);
        try
        {
            store.BeginLimits(limits);
            return StartAsync(new Instance(Instantiation.Initialize(store, this), ownsStore: true), cancellationToken);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Lets go of the module's code, which is freed when no instance is left either.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            Module.ReleaseReference();
    }

    private InstanceData Initialize(Store store)
    {
        if (store.Engine != Module.Engine)
            throw new ArgumentException("the store belongs to another engine than the module", nameof(store));
        if (_store is not null)
        {
            if (_store != store)
                throw new ArgumentException("the template's imports belong to another store", nameof(store));
            Store.ThrowIfStale(_store, _generation);
        }
        return Instantiation.Initialize(store, this);
    }

    private static void ThrowIfShared(object? state, StoreLimits? limits)
    {
        if (state is not null)
            throw new ArgumentException("the imports belong to a store, whose State host functions get; set that instead", nameof(state));
        if (limits is not null)
            throw new ArgumentException("the imports belong to a store, which has Limits of its own; set those instead", nameof(limits));
    }

    private async ValueTask<Instance> WaitAsync(PooledAllocator pool, object? state, StoreLimits? limits, CancellationToken cancellationToken)
    {
        long start = TarnMetrics.Now(isWait: true);
        PooledInstance slot = await pool.Waiters.WaitAsync(
            static wanted => wanted.Pool.TryRent(wanted.Template, wanted.State), (Pool: pool, Template: this, State: state), cancellationToken).ConfigureAwait(false);
        TarnMetrics.Record(isWait: true, start);
        return await StartAsync(slot, limits, cancellationToken).ConfigureAwait(false);
    }

    private static ValueTask<Instance> StartAsync(PooledInstance slot, StoreLimits? limits, CancellationToken cancellationToken)
    {
        var instance = new Instance(slot.Data, ownsStore: true);
        try
        {
            if (limits is not null)
                slot.Store.BeginLimits(limits, slot.Data);
        }
        catch
        {
            instance.Dispose();
            throw;
        }
        return StartAsync(instance, cancellationToken);
    }

    private static ValueTask<Instance> StartAsync(Instance instance, CancellationToken cancellationToken) =>
        instance.Module.HasStart ? RunStartAsync(instance, cancellationToken) : new ValueTask<Instance>(instance);

    private static async ValueTask<Instance> RunStartAsync(Instance instance, CancellationToken cancellationToken)
    {
        try
        {
            await Instantiation.StartAsync(instance, cancellationToken).ConfigureAwait(false);
            return instance;
        }
        catch
        {
            instance.Dispose();
            throw;
        }
    }

    private static Instance Start(PooledInstance slot, StoreLimits? limits)
    {
        var instance = new Instance(slot.Data, ownsStore: true);
        try
        {
            if (limits is not null)
                slot.Store.BeginLimits(limits, slot.Data);
            Instantiation.Start(instance);
            return instance;
        }
        catch
        {
            instance.Dispose();
            throw;
        }
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
}

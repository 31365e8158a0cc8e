// A module together with its imports, checked once: what is left to instantiation is copying. Immutable and thread-safe.
using Tarn.Execution;
using Tarn.Instances;
using Tarn.Linking;
using Tarn.Pooling;

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
    /// <exception cref="InstantiationException">The module asks for more than limits or the system allow.</exception>
    /// <exception cref="TrapException">A segment does not fit, or the start function trapped.</exception>
    public Instance Instantiate(object? state = null)
    {
        ThrowIfDisposed();
        if (_store is not null)
        {
            if (state is not null)
                throw new ArgumentException("the imports belong to a store, whose State host functions get; set that instead", nameof(state));
            return Instantiate(_store);
        }
        Engine engine = Module.Engine;
        if (engine.Allocator is PooledAllocator pool && pool.Rent(this, state) is PooledInstance slot)
            return Module.HasStart ? Start(slot) : new Instance(slot.Data, ownsStore: true);
        var store = new Store(engine, engine.Allocator.ForHost, keepsStack: true, state);
        try
        {
            return new Instance(Instantiation.Run(store, this), ownsStore: true);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Makes an instance in a store. It lives as long as the store, since others there may come to refer to it.</summary>
    /// <inheritdoc cref="Instantiate(object?)"/>
    public Instance Instantiate(Store store)
    {
        ArgumentNullException.ThrowIfNull(store);
        ThrowIfDisposed();
        store.ThrowIfDisposed();
        if (store.Engine != Module.Engine)
            throw new ArgumentException("the store belongs to another engine than the module", nameof(store));
        if (_store is not null)
        {
            if (_store != store)
                throw new ArgumentException("the template's imports belong to another store", nameof(store));
            Store.ThrowIfStale(_store, _generation);
        }
        return new Instance(Instantiation.Run(store, this), ownsStore: false);
    }

    /// <summary>Lets go of the module's code, which is freed when no instance is left either.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
            Module.ReleaseReference();
    }

    private static Instance Start(PooledInstance slot)
    {
        try
        {
            Instantiation.Start(slot.Data);
            return new Instance(slot.Data, ownsStore: true);
        }
        catch
        {
            slot.Store.Dispose();
            throw;
        }
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
}

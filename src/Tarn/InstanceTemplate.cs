// A module together with its imports, checked once: what is left to instantiation is copying. Immutable and thread-safe.
using System.Diagnostics;
using Tarn.Instances;
using Tarn.Linking;
using Tarn.Snapshots;

namespace Tarn;

/// <summary>A module whose imports are resolved, ready to be instantiated any number of times, from any thread.</summary>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public sealed class InstanceTemplate : IDisposable
{
    private readonly LinkedModule _linked;
    private readonly StoreCore? _store;
    private readonly int _generation;
    private int _disposed;

    internal InstanceTemplate(Module module, Definition[] imports, ISnapshotState[] states)
        : this(module, imports, states, module.Image)
    {
    }

    private InstanceTemplate(Module module, Definition[] imports, ISnapshotState[] states, InstanceImage? image)
    {
        Module = module;
        _linked = new LinkedModule(module.Core, imports, image, states);
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
        var instance = new Instance(MakeIn(store), ownsStore: false);
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
                instance = new Instance(MakeIn(_store), ownsStore: false);
            return StartAsync(instance, cancellationToken);
        }
        ValueTask<InstanceData> rented = Module.Engine.Allocator.RentAsync(_linked, state, limits, cancellationToken);
        return rented.IsCompletedSuccessfully ? StartAsync(new Instance(rented.Result, ownsStore: true), cancellationToken) : WaitAsync(rented, cancellationToken);
    }

    /// <summary>
    /// Initializes one instance and returns a template whose instances begin with the state that it has then: its memories, tables and globals, and which of its segments are dropped. They are made
    /// without running the initialization again, and without running the start function.
    /// </summary>
    /// <param name="initialize">Does once what every instance would do first, for example by calling an exported function.</param>
    /// <param name="state">What host functions get meanwhile. It is not part of the new template.</param>
    /// <param name="limits">What the instance may take and execute meanwhile.</param>
    /// <returns>The new template, of the same module and imports. Dispose it by itself.</returns>
    /// <exception cref="SnapshotException">The state refers to something outside of the instance: an object of the host or of the collector, a function of another instance, a memory that others
    /// share, a call that is suspended, or something of <paramref name="state"/>, if that is an <see cref="ISnapshotState"/>.</exception>
    /// <exception cref="TrapException">The initialization trapped, or the start function did.</exception>
    public InstanceTemplate Initialize(Action<Instance> initialize, object? state = null, StoreLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(initialize);
        RequireOwnImports();
        using Instance instance = Instantiate(state, limits);
        initialize(instance);
        return new InstanceTemplate(Module, _linked.Imports, _linked.States, instance.Capture());
    }

    /// <summary>As <see cref="Initialize"/>, for an initialization that is asynchronous.</summary>
    /// <param name="initialize">Does once what every instance would do first.</param>
    /// <param name="state">What host functions get meanwhile.</param>
    /// <param name="limits">What the instance may take and execute meanwhile.</param>
    /// <param name="cancellationToken">Ends the wait for a slot, and is passed on.</param>
    /// <exception cref="SnapshotException">The state refers to something outside of the instance.</exception>
    public async Task<InstanceTemplate> InitializeAsync(
        Func<Instance, CancellationToken, ValueTask> initialize, object? state = null, StoreLimits? limits = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(initialize);
        RequireOwnImports();
        Instance instance = await InstantiateAsync(state, limits, cancellationToken).ConfigureAwait(false);
        await using (instance.ConfigureAwait(false))
        {
            await initialize(instance, cancellationToken).ConfigureAwait(false);
            return new InstanceTemplate(Module, _linked.Imports, _linked.States, instance.Capture());
        }
    }

    /// <summary>Gets the number of bytes that instances begin with in their memories, in whole pages of the system and as far as they are not zero; 0 where they begin as the module says.</summary>
    public long SnapshotBytes => _linked.Image?.ContentBytes ?? 0;

    /// <summary>
    /// Returns the compiled module together with what instances of the template begin with, for <see cref="Module.Deserialize"/>: templates of the module that is loaded begin with it.
    /// </summary>
    public byte[] Serialize()
    {
        ThrowIfDisposed();
        InstanceImage? image = _linked.Image;
        return Module.Core.Serialize(image is null ? default : StateEncoding.Encode(Module.Wasm, null, StateDifference.Of(image)));
    }

    /// <summary>Makes an instance with a state that <see cref="Instance.Save"/> returned. Its start function is not run: it ran before the state was saved.</summary>
    /// <param name="saved">The state, of an instance of a template with the same module and the same snapshot.</param>
    /// <param name="state">What host functions get from <see cref="Caller.GetState{TState}"/>.</param>
    /// <param name="limits">What its memories and tables may take and it may execute.</param>
    /// <exception cref="InvalidSnapshotException">The bytes are not such a state, or are damaged. Nothing of them is used.</exception>
    /// <exception cref="InstantiationException">The state asks for more than limits or the system allow.</exception>
    /// <exception cref="PoolExhaustedException">No slot is free, or those that are have been promised to others who wait.</exception>
    public Instance Restore(ReadOnlySpan<byte> saved, object? state = null, StoreLimits? limits = null)
    {
        StateDifference difference = Decode(saved);
        return Apply(new Instance(Module.Engine.Allocator.Rent(_linked, state, limits), ownsStore: true), difference);
    }

    /// <summary>As <see cref="Restore"/>, but waits for a slot where the pool has none, first come, first served.</summary>
    /// <param name="saved">The state. It is read before the method returns.</param>
    /// <param name="state">What host functions get from <see cref="Caller.GetState{TState}"/>.</param>
    /// <param name="limits">What its memories and tables may take and it may execute.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InvalidSnapshotException">The bytes are not such a state, or are damaged. Nothing of them is used.</exception>
    /// <exception cref="InstantiationException">The state asks for more than limits or the system allow.</exception>
    public async ValueTask<Instance> RestoreAsync(ReadOnlyMemory<byte> saved, object? state = null, StoreLimits? limits = null, CancellationToken cancellationToken = default)
    {
        StateDifference difference = Decode(saved.Span);
        InstanceData rented = await Module.Engine.Allocator.RentAsync(_linked, state, limits, cancellationToken).ConfigureAwait(false);
        return Apply(new Instance(rented, ownsStore: true), difference);
    }

    private static Instance Apply(Instance instance, StateDifference difference)
    {
        try
        {
            instance.Apply(difference);
            return instance;
        }
        catch
        {
            instance.Dispose();
            throw;
        }
    }

    private StateDifference Decode(ReadOnlySpan<byte> saved)
    {
        ThrowIfDisposed();
        RequireOwnImports();
        return StateEncoding.Decode(Module.Core, StateOrigin.Of(Module.Engine.Allocator, _linked), saved, Module.Engine.MaximumTableElements);
    }

    private void RequireOwnImports()
    {
        if (_store is not null)
            throw new SnapshotException("The state of an instance cannot be taken: the template's imports belong to a store, and what an instance shares with others is not its own.");
    }

    /// <summary>Lets go of the module's code, which is freed when no instance is left either.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        // The module's own image stays with it.
        if (_linked.Image is InstanceImage image && image != Module.Image)
            Module.Engine.Allocator.Forget(image);
        Module.Core.ReleaseReference();
    }

    private InstanceData MakeIn(StoreCore store)
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

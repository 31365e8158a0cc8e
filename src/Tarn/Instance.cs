// The embedder's handle on an instance. Cheap: the instance itself is InstanceData, its life is that of its store.
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Tarn.Handles;
using Tarn.Instances;
using Tarn.Linking;
using Tarn.Snapshots;

namespace Tarn;

/// <summary>A module that runs: its own memories, tables and globals, and its exports. One thread at a time.</summary>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public sealed partial class Instance : IDisposable, IAsyncDisposable
{
    // All of it fits 32 bytes: an instance in a pool's slot makes nothing else on the heap.
    private readonly InstanceData _data;
    private readonly int _generation;
    private readonly bool _ownsStore;
    private bool _disposed;

    internal Instance(InstanceData data, bool ownsStore)
    {
        _data = data;
        _generation = data.Store.Generation;
        _ownsStore = ownsStore;
        if (ownsStore && EngineOf(data).Leaks is LeakDetector leaks)
            leaks.Watch(this, data.Module.Name, EngineOf(data).Allocator.SlotOf(data));
    }

    /// <summary>Gets the module that the instance was made of.</summary>
    public Module Module => (Module)_data.Module.Facade!;

    /// <summary>Gets the store that the instance lives in: its own, unless it was made in one of the host's.</summary>
    /// <exception cref="ObjectDisposedException">The instance has been disposed.</exception>
    public Store Store
    {
        get
        {
            using StoreUse use = Enter();
            return _data.Store.FacadeOf(_generation);
        }
    }

    /// <summary>Gets the names and types of what the instance exports, in the order of the module.</summary>
    public IReadOnlyList<ModuleExport> Exports => Module.Exports;

    /// <summary>Gets the memory that is exported as <c>memory</c>, or else the first one that is exported. A memory that is not exported is the guest's own.</summary>
    /// <exception cref="InvalidOperationException">The instance exports no memory.</exception>
    /// <exception cref="ObjectDisposedException">The instance has been disposed.</exception>
    public Memory Memory
    {
        get
        {
            using StoreUse use = Enter();
            return _data.DefaultMemory();
        }
    }

    /// <summary>Gets or sets the units of fuel that guests may still use. See <see cref="Store.Fuel"/>. Shared by all instances of a store.</summary>
    /// <exception cref="InvalidOperationException">Set: the engine's code does not count, since <see cref="EngineOptions.EnableFuel"/> is off.</exception>
    public long Fuel
    {
        get
        {
            using StoreUse use = Enter();
            return _data.Store.Fuel;
        }
        set
        {
            using StoreUse use = Enter();
            _data.Store.Fuel = value;
        }
    }

    /// <summary>Gets or sets the time that a call may take, suspensions included. See <see cref="Store.CallTimeout"/>. Shared by all instances of a store.</summary>
    /// <exception cref="InvalidOperationException">Set: the engine's code cannot be stopped, since <see cref="EngineOptions.EnableInterruption"/> is off.</exception>
    public TimeSpan CallTimeout
    {
        get => Data.Store.CallTimeout;
        set
        {
            using StoreUse use = Enter();
            _data.Store.CallTimeout = value;
        }
    }

    internal InstanceData Data
    {
        get
        {
            ThrowIfDisposed();
            return _data;
        }
    }

    /// <summary>Finds an exported function.</summary>
    /// <exception cref="ArgumentException">There is none of that name; the message lists the exported functions.</exception>
    public Function GetFunction(string name) => TryGetFunction(name, out Function function) ? function : throw Missing(name, ExternalKind.Function);

    /// <summary>Finds an exported function.</summary>
    public bool TryGetFunction(string name, out Function function)
    {
        ArgumentNullException.ThrowIfNull(name);
        using StoreUse use = Enter();
        return _data.TryGetFunction(name, out function);
    }

    /// <summary>Finds an exported memory.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public Memory GetMemory(string name) => TryGetMemory(name, out Memory memory) ? memory : throw Missing(name, ExternalKind.Memory);

    /// <summary>Finds an exported memory.</summary>
    public bool TryGetMemory(string name, out Memory memory)
    {
        ArgumentNullException.ThrowIfNull(name);
        using StoreUse use = Enter();
        return _data.TryGetMemory(name, out memory);
    }

    /// <summary>Finds an exported memory that is shared. It may outlive the instance.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The memory; to be disposed.</returns>
    /// <exception cref="ArgumentException">There is none of that name, or it is not shared.</exception>
    public SharedMemory GetSharedMemory(string name) => TryGetSharedMemory(name, out SharedMemory? memory) ? memory
        : TryGetMemory(name, out _) ? throw new ArgumentException($"The memory \"{name}\" is not shared; use GetMemory.", nameof(name))
        : throw Missing(name, ExternalKind.Memory);

    /// <summary>Finds an exported memory that is shared. It may outlive the instance.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="memory">The memory; to be disposed.</param>
    /// <returns>Whether there is one.</returns>
    public bool TryGetSharedMemory(string name, [NotNullWhen(true)] out SharedMemory? memory)
    {
        ArgumentNullException.ThrowIfNull(name);
        using StoreUse use = Enter();
        memory = _data.TryFindExport(name, ExternalKind.Memory, out int index) ? SharedMemory.Of(EngineOf(_data), _data.Memories[index]) : null;
        return memory is not null;
    }

    /// <summary>Finds an exported table.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public Table GetTable(string name) => TryGetTable(name, out Table table) ? table : throw Missing(name, ExternalKind.Table);

    /// <summary>Finds an exported table.</summary>
    public bool TryGetTable(string name, out Table table)
    {
        ArgumentNullException.ThrowIfNull(name);
        using StoreUse use = Enter();
        return _data.TryGetTable(name, out table);
    }

    /// <summary>Finds an exported global.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public Global GetGlobal(string name) => TryGetGlobal(name, out Global global) ? global : throw Missing(name, ExternalKind.Global);

    /// <summary>Finds an exported global.</summary>
    public bool TryGetGlobal(string name, out Global global)
    {
        ArgumentNullException.ThrowIfNull(name);
        using StoreUse use = Enter();
        return _data.TryGetGlobal(name, out global);
    }

    /// <summary>Finds an exported exception tag.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public Tag GetTag(string name) => TryGetTag(name, out Tag tag) ? tag : throw Missing(name, ExternalKind.Tag);

    /// <summary>Finds an exported exception tag.</summary>
    public bool TryGetTag(string name, out Tag tag)
    {
        ArgumentNullException.ThrowIfNull(name);
        using StoreUse use = Enter();
        return _data.TryGetTag(name, out tag);
    }

    /// <summary>
    /// Returns the state of the instance as bytes: what in its memories, tables and globals is different from what instances of its template begin with, and which segments are dropped.
    /// <see cref="InstanceTemplate.Restore"/> makes an instance of them, here or elsewhere. Fuel, limits and the state of the host are not part of it.
    /// </summary>
    /// <returns>The state. It carries a checksum, which finds damage, and not a signature: restoring compares everything with the module, so that bytes from others are safe for the host, but they can put
    /// the guest in any state.</returns>
    /// <exception cref="SnapshotException">The state refers to something outside of the instance, or a call is in progress or suspended.</exception>
    /// <exception cref="ObjectDisposedException">The instance has been disposed.</exception>
    public byte[] Save()
    {
        using StoreUse use = Enter();
        RequireContained();
        InstanceImage before = StateOrigin.Of(EngineOf(_data).Allocator, (LinkedModule)_data.Origin);
        return StateEncoding.Encode(_data.Module.Wasm, before, StateCapture.Compare(_data, before));
    }

    /// <summary>Takes the whole state.</summary>
    internal InstanceImage Capture()
    {
        using StoreUse use = Enter();
        RequireContained();
        return StateCapture.Capture(_data);
    }

    /// <summary>Applies what was saved, to an instance that has just been made.</summary>
    internal void Apply(StateDifference difference)
    {
        using StoreUse use = Enter();
        StateRestore.Apply(_data, difference);
    }

    private void RequireContained()
    {
        string? reason = (_data.Store.State as ISnapshotState)?.DescribeUnsavedState();
        foreach (ISnapshotState state in ((LinkedModule)_data.Origin).States)
            reason ??= state.DescribeUnsavedState();
        if (reason is not null)
            throw new SnapshotException($"The state of the instance cannot be taken: {reason}.");
    }

    /// <summary>Asks the guest to stop. Any thread may call it; compiled code notices where <see cref="EngineOptions.EnableInterruption"/> is on.</summary>
    public void Interrupt() => _data.Store.Interrupt(_generation);

    /// <summary>
    /// Ends the instance: handles of it become stale. One made in a store of several stays in memory until the store is disposed, since others may
    /// refer to it. A guest that is running is asked to stop, as <see cref="Store.Dispose"/> says. Any thread may call it, and it never throws.
    /// </summary>
    public void Dispose()
    {
        // A pooled store may belong to another instance by now, which the generation tells.
        if (_ownsStore)
        {
            EngineOf(_data).Leaks?.Forget(this);
            _data.Store.EndLife(_generation)?.Wait(StoreCore.MillisecondsToEnd);
        }
        _disposed = true;
    }

    /// <summary>
    /// Ends the instance as <see cref="Dispose"/> does, and waits, however long that takes. When the task has completed, a pooled instance's slot is free again. A guest that calls it
    /// itself, by way of a host function, is not waited for.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (_ownsStore)
        {
            EngineOf(_data).Leaks?.Forget(this);
            if (_data.Store.EndLife(_generation) is Task ended)
                await ended.ConfigureAwait(false);
        }
        _disposed = true;
    }

    internal bool TryGetDefinition(string name, [NotNullWhen(true)] out Definition? definition)
    {
        using StoreUse use = Enter();
        return _data.TryGetDefinition(name, out definition);
    }

    internal int Generation => _generation;

    /// <summary>Whether the instance runs a function before it is handed out.</summary>
    internal bool HasStart => ((LinkedModule)_data.Origin).HasStart;

    /// <summary>Runs the start function, if there is one.</summary>
    internal void Start()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Instantiation.Start(_data, _generation);
    }

    /// <summary>Runs the start function, which may be suspended, if there is one.</summary>
    internal ValueTask StartAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Instantiation.StartAsync(_data, _generation, cancellationToken);
    }

    internal StoreCore Core => _data.Store;

    internal StoreUse Enter()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return StoreCore.Enter(_data.Store, _generation);
    }

    private static Engine EngineOf(InstanceData data) => (Engine)data.Store.Engine.Facade;

    private void ThrowIfDisposed()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        StoreCore.ThrowIfStale(_data.Store, _generation);
    }

    private ArgumentException Missing(string name, ExternalKind kind)
    {
        string what = kind.ToString().ToLowerInvariant();
        string list = string.Join(", ", _data.Module.ExportNames(kind, 20).Select(static e => $"\"{e}\""));
        return new ArgumentException($"The module exports no {what} \"{name}\"; it exports {(list.Length == 0 ? "no " + what : list)}.", nameof(name));
    }

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private string DebuggerDisplay => _disposed || _data.Store.Generation != _generation ? "Instance, disposed" : $"Instance of {Module.Name ?? "a module without a name"}";
}

// What a host function may know of the guest that calls it. Not a ref struct, since asynchronous host functions need it after an await;
// what it leads to carries the store's generation, so that one kept for too long is an ObjectDisposedException and nothing worse.
using System.Runtime.CompilerServices;
using Tarn.Execution;
using Tarn.Handles;

namespace Tarn;

/// <summary>The guest's side of a call into the host: its instance, memory and state. Of use until the host function has completed.</summary>
#pragma warning disable CA1815 // It is used and dropped, never compared.
public readonly struct Caller
#pragma warning restore CA1815
{
    private readonly StoreCore _store;
    private readonly InstanceData? _instance;
    private readonly int _generation;

    internal Caller(StoreCore store, InstanceData? instance, CancellationToken token)
    {
        _store = store;
        _instance = instance;
        _generation = store.Generation;
        CancellationToken = token;
    }

    /// <summary>What a host function may know of the guest that calls it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static unsafe Caller Of(StoreCore store, VmContext* context) => new(store, InstanceData.FromContext(context), store.CurrentToken);

    /// <summary>
    /// Gets the store in which the call happens. One that is kept does not outlive its instance: it acts on nothing that uses the instance's slot later.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The instance has been disposed meanwhile.</exception>
    public Store Store
    {
        get
        {
            using StoreUse use = StoreCore.Enter(_store, _generation);
            return _store.FacadeOf(_generation);
        }
    }

    internal StoreCore Core
    {
        get
        {
            StoreCore.ThrowIfStale(_store, _generation);
            return _store;
        }
    }

    /// <summary>Gets the token of the call that entered the guest.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>Gets the memory that the calling instance exports as <c>memory</c>, or else the first one that it exports.</summary>
    /// <exception cref="InvalidOperationException">The instance exports no memory.</exception>
    /// <exception cref="ObjectDisposedException">The instance has been disposed meanwhile.</exception>
    public Memory Memory
    {
        get
        {
            using StoreUse use = StoreCore.Enter(_store, _generation);
            return _instance is null
                ? throw new InvalidOperationException("The host function was not called by an instance that exports a memory.")
                : _instance.DefaultMemory();
        }
    }

    /// <summary>
    /// Charges the guest for work that the host does for it. A host function whose work grows with what a guest asks for charges for each part of the work, before doing it.
    /// Costs nothing where <see cref="EngineOptions.EnableFuel"/> is off.
    /// </summary>
    /// <param name="fuel">How much, in units of one instruction; 0 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="fuel"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The instance has been disposed meanwhile.</exception>
    /// <exception cref="TrapException">There is not as much left: none is now, and the guest ends where the exception is let through, with <see cref="TrapCode.OutOfFuel"/>.</exception>
    public void ConsumeFuel(long fuel)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fuel);
        using StoreUse use = StoreCore.Enter(_store, _generation);
        if (_store.Engine.Options.EnableFuel)
            _store.ConsumeFuel(fuel);
    }

    /// <summary>
    /// Ends the guest if it has been asked to stop: its call cancelled, its time over, or <see cref="Store.Interrupt()"/> called. Host functions that compute for long call it in between;
    /// before their first <see langword="await"/>, since afterwards the call has ended where it was stopped.
    /// </summary>
    /// <exception cref="TrapException">The guest must stop. Do not catch it.</exception>
    /// <exception cref="ObjectDisposedException">The instance has been disposed meanwhile.</exception>
    public void ThrowIfStopRequested()
    {
        using StoreUse use = StoreCore.Enter(_store, _generation);
        _store.ThrowIfInterrupted();
    }

    /// <summary>The state that was passed when the instance was made.</summary>
    /// <typeparam name="TState">Its type.</typeparam>
    /// <exception cref="InvalidOperationException">There is no state, or it is of another type.</exception>
    public TState GetState<TState>()
    {
        using StoreUse use = StoreCore.Enter(_store, _generation);
        return _store.State is TState state
            ? state
            : throw new InvalidOperationException($"The instance has no state of type {typeof(TState)}; pass one to Instantiate or set Store.State.");
    }

    /// <summary>Finds an exported function of the calling instance.</summary>
    public bool TryGetFunction(string name, out Function function)
    {
        using StoreUse use = StoreCore.Enter(_store, _generation);
        function = default;
        return _instance is not null && _instance.TryGetFunction(name, out function);
    }

    /// <summary>Finds an exported memory of the calling instance.</summary>
    public bool TryGetMemory(string name, out Memory memory)
    {
        using StoreUse use = StoreCore.Enter(_store, _generation);
        memory = default;
        return _instance is not null && _instance.TryGetMemory(name, out memory);
    }
}

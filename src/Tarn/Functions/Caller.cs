// What a host function may know of the guest that calls it. A ref struct: it describes a call in progress and is
// meaningless afterwards, so it cannot be kept.
using Tarn.Instances;

namespace Tarn;

/// <summary>The guest's side of a call into the host: its instance, memory and state.</summary>
public readonly ref struct Caller
{
    private readonly InstanceData? _instance;

    internal Caller(Store store, InstanceData? instance, CancellationToken token)
    {
        Store = store;
        _instance = instance;
        CancellationToken = token;
    }

    /// <summary>The store in which the call happens.</summary>
    public Store Store { get; }

    /// <summary>The token of the call that entered the guest.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>The calling instance's exported memory named <c>memory</c>, or else its first one.</summary>
    /// <exception cref="InvalidOperationException">The instance has no memory.</exception>
    public Memory Memory => _instance is null
        ? throw new InvalidOperationException("the host function was not called by an instance with a memory")
        : _instance.DefaultMemory();

    /// <summary>The state that was passed when the instance was made.</summary>
    /// <typeparam name="TState">Its type.</typeparam>
    /// <exception cref="InvalidOperationException">There is no state, or it is of another type.</exception>
    public TState GetState<TState>() => Store.State is TState state
        ? state
        : throw new InvalidOperationException($"the instance has no state of type {typeof(TState)}; pass one to Instantiate or set Store.State");

    /// <summary>Finds an exported function of the calling instance.</summary>
    public bool TryGetFunction(string name, out Function function)
    {
        function = default;
        return _instance is not null && _instance.TryGetFunction(name, out function);
    }

    /// <summary>Finds an exported memory of the calling instance.</summary>
    public bool TryGetMemory(string name, out Memory memory)
    {
        memory = default;
        return _instance is not null && _instance.TryGetMemory(name, out memory);
    }
}

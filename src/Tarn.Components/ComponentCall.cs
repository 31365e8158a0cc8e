// What a host function of the dynamic API is told of the call, and the shapes of such functions.
namespace Tarn.Components;

/// <summary>A function of the host that components call.</summary>
/// <param name="call">The call.</param>
/// <returns>The result, or <see langword="null"/> where the function has none.</returns>
public delegate ComponentValue? ComponentHostCallback(ComponentCall call);

/// <summary>An asynchronous function of the host that components call. The guest is suspended until it completes, and no thread waits.</summary>
/// <param name="call">The call.</param>
/// <returns>The result, or <see langword="null"/> where the function has none.</returns>
public delegate ValueTask<ComponentValue?> AsyncComponentHostCallback(ComponentCall call);

/// <summary>Represents a call from a component into the host.</summary>
public sealed class ComponentCall
{
    private readonly ComponentValue[] _arguments;

    internal ComponentCall(ComponentValue[] arguments, Caller caller)
    {
        _arguments = arguments;
        Caller = caller;
        CancellationToken = caller.CancellationToken;
    }

    /// <summary>Gets the arguments. Resources that are borrowed are of use until the function returns; those that are owned are now the host's.</summary>
    public IReadOnlyList<ComponentValue> Arguments => _arguments;

    /// <summary>Gets the token of the call that entered the component.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>The guest that calls.</summary>
    internal Caller Caller { get; }

    /// <summary>Returns the state that the component was instantiated with.</summary>
    /// <exception cref="InvalidCastException">It is of another type.</exception>
    public TState GetState<TState>() => Caller.GetState<TState>();

    /// <summary>Gets an argument.</summary>
    /// <param name="index">Its position, from 0.</param>
    public ComponentValue this[int index] => _arguments[index];
}

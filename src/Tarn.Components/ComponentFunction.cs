// An exported function in the dynamic API: values in, a value out.
using Tarn.Components.Runtime;

namespace Tarn.Components;

/// <summary>Represents an exported function of a component.</summary>
public sealed class ComponentFunction
{
    private readonly ComponentStore _root;
    private readonly LiftedFunction _function;

    internal ComponentFunction(string name, ComponentStore root, LiftedFunction function)
    {
        Name = name;
        _root = root;
        _function = function;
    }

    /// <summary>Gets the name under which the function is exported.</summary>
    public string Name { get; }

    /// <summary>Gets the number of parameters.</summary>
    public int ParameterCount => _function.Type.Parameters.Length;

    /// <summary>Gets a value that indicates whether the function has a result.</summary>
    public bool HasResult => _function.Type.Result is not null;

    /// <summary>Calls the function.</summary>
    /// <param name="arguments">As many values as the function has parameters, of their types.</param>
    /// <returns>The result, or <see langword="null"/> where the function has none.</returns>
    /// <exception cref="ArgumentException">An argument does not fit its type. The instance was not entered.</exception>
    /// <exception cref="TrapException">The guest trapped.</exception>
    /// <exception cref="ComponentTrapException">The component broke a rule of the canonical ABI, or cannot be entered.</exception>
    public ComponentValue? Invoke(params ReadOnlySpan<ComponentValue> arguments)
    {
        _function.Check(arguments);
        CallScope scope = _root.CreateScope();
        ComponentValue? returned = null;
        try
        {
            _function.Call(arguments, scope, result => returned = result);
            return returned;
        }
        finally
        {
            scope.End();
        }
    }

    /// <summary>Calls the function. While an asynchronous function of the host is pending, the guest is suspended and no thread waits for it.</summary>
    /// <param name="arguments">As many values as the function has parameters, of their types.</param>
    /// <param name="cancellationToken">Stops the guest, running or suspended.</param>
    /// <returns>The result, or <see langword="null"/> where the function has none.</returns>
    /// <exception cref="ArgumentException">An argument does not fit its type.</exception>
    /// <exception cref="TrapException">The guest trapped.</exception>
    /// <exception cref="ComponentTrapException">The component broke a rule of the canonical ABI, or cannot be entered.</exception>
    public ValueTask<ComponentValue?> InvokeAsync(ReadOnlySpan<ComponentValue> arguments, CancellationToken cancellationToken = default) =>
        _function.CallAsync(arguments.ToArray(), cancellationToken);

    internal ComponentStore Root => _root;

    /// <summary>The host's resource type that a parameter is a handle of, or null.</summary>
    internal ComponentResourceType? HostResourceOf(int parameter) => _function.HostResourceOf(parameter);
}

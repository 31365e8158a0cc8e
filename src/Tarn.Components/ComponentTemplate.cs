// A component with its imports resolved, ready to be instantiated.
using Tarn.Components.Runtime;

namespace Tarn.Components;

/// <summary>Represents a component whose imports are resolved.</summary>
public sealed class ComponentTemplate
{
    private readonly HostFunction[] _functions;
    private readonly ResourceRuntime[] _resources;
    private readonly ComponentOptions _options;

    internal ComponentTemplate(Component component, HostFunction[] functions, ResourceRuntime[] resources, ComponentOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Handles, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(options.ValueBytes, nameof(options));
        Component = component;
        _functions = functions;
        _resources = resources;
        _options = options;
    }

    /// <summary>Gets the component.</summary>
    public Component Component { get; }

    /// <summary>Creates an instance. All that it consists of is taken from the engine's pool, where it has one, and returned when the instance is disposed; where this fails, nothing is kept.</summary>
    /// <param name="state">The state of the instance's store.</param>
    /// <exception cref="TrapException">The start function of a core module trapped.</exception>
    /// <exception cref="ComponentTrapException">The component broke a rule of the canonical ABI while it started.</exception>
    public ComponentInstance Instantiate(object? state = null)
    {
        Component.ThrowIfDisposed();
        ComponentStore root = new(new Store(Component.Engine, state) { Limits = _options.StoreLimits }, _options);
        try
        {
            Instantiator instantiator = new(Component.Plan, Component.Modules, root, _functions, _resources);
            instantiator.Run();
            return new ComponentInstance(Component, root, instantiator);
        }
        catch
        {
            root.Dispose();
            throw;
        }
    }
}

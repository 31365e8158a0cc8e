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
    /// <param name="cancellationToken">Stops the start functions of core modules.</param>
    /// <exception cref="TrapException">The start function of a core module trapped.</exception>
    /// <exception cref="ComponentTrapException">The component broke a rule of the canonical ABI while it started.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ComponentInstance Instantiate(object? state = null, CancellationToken cancellationToken = default)
    {
        Component.ThrowIfDisposed();
        ComponentStore root = new(new Store(Component.Engine, state) { Limits = _options.StoreLimits }, _options);
        try
        {
            using CancellationTokenRegistration stop = cancellationToken.UnsafeRegister(static store => ((Store)store!).Interrupt(), root.Store);
            Instantiator instantiator = new(Component.Plan, Component.Modules, root, _functions, _resources);
            instantiator.Run(cancellationToken);
            return new ComponentInstance(Component, root, instantiator);
        }
        catch (TrapException e) when (e.Code == TrapCode.Interrupted && cancellationToken.IsCancellationRequested)
        {
            root.Dispose();
            throw new OperationCanceledException(e.Message, e, cancellationToken);
        }
        catch
        {
            root.Dispose();
            throw;
        }
    }
}

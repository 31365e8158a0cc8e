// A component with its imports resolved, ready to be instantiated: in a slot of the engine's pool that an earlier instance has left, or anew.
using Tarn.Components.Runtime;
using Tarn.Pooling;
using Tarn.Stores;

namespace Tarn.Components;

/// <summary>Represents a component whose imports are resolved.</summary>
public sealed class ComponentTemplate
{
    private readonly HostFunction[] _functions;
    private readonly ResourceRuntime[] _resources;
    private readonly ComponentOptions _options;
    private readonly string _shape;
    private PooledGroup? _group;

    internal ComponentTemplate(Component component, HostFunction[] functions, ResourceRuntime[] resources, ComponentOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Handles, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(options.ValueBytes, nameof(options));
        Component = component;
        _functions = functions;
        _resources = resources;
        _options = options;
        _shape = string.Concat(functions.Select(static function => function.IsAsync ? '1' : '0'));
    }

    /// <summary>Gets the component.</summary>
    public Component Component { get; }

    /// <summary>Creates an instance. All that it consists of is taken from the engine's pool, where it has one, and returned when the instance is disposed; where this fails, nothing is kept.</summary>
    /// <param name="state">The state of the instance's store.</param>
    /// <param name="cancellationToken">Stops the start functions of core modules.</param>
    /// <exception cref="InstantiationException">The component asks for more than limits or the system allow.</exception>
    /// <exception cref="PoolExhaustedException">The pool has not all that the component consists of, or has promised it to others who wait.</exception>
    /// <exception cref="TrapException">The start function of a core module trapped.</exception>
    /// <exception cref="ComponentTrapException">The component broke a rule of the canonical ABI while it started.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ComponentInstance Instantiate(object? state = null, CancellationToken cancellationToken = default)
    {
        Component.ThrowIfDisposed();
        if (Component.Pool is not { Allocator: PooledAllocator allocator })
            return Create(null, state, cancellationToken);
        try
        {
            allocator.ThrowIfPromised();
            return CreateInPool(state, cancellationToken);
        }
        catch (PoolExhaustedException) when (Component.Engine.Options.Pooling.Exhaustion == PoolExhaustion.AllocateOnDemand)
        {
            return Create(allocator.ForHost, state, cancellationToken);
        }
    }

    /// <summary>
    /// Creates an instance as <see cref="Instantiate"/> does, but waits, first come, first served, until the pool has all that the component consists of. No thread waits.
    /// </summary>
    /// <param name="state">The state of the instance's store.</param>
    /// <param name="cancellationToken">Ends the wait, and stops the start functions of core modules.</param>
    /// <exception cref="InstantiationException">The component asks for more than limits or the system allow.</exception>
    /// <exception cref="TrapException">The start function of a core module trapped.</exception>
    /// <exception cref="ComponentTrapException">The component broke a rule of the canonical ABI while it started.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask<ComponentInstance> InstantiateAsync(object? state = null, CancellationToken cancellationToken = default)
    {
        Component.ThrowIfDisposed();
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<ComponentInstance>(cancellationToken);
        return Component.Pool is { Allocator: PooledAllocator allocator }
            ? allocator.Waiters.WaitAsync(
                static wanted => wanted.Template.TryCreateInPool(wanted.State, wanted.Token), (Template: this, State: state, Token: cancellationToken), cancellationToken)
            : new ValueTask<ComponentInstance>(Create(null, state, cancellationToken));
    }

    private ComponentInstance? TryCreateInPool(object? state, CancellationToken cancellationToken)
    {
        try
        {
            return CreateInPool(state, cancellationToken);
        }
        catch (PoolExhaustedException)
        {
            return null;
        }
    }

    private ComponentInstance CreateInPool(object? state, CancellationToken cancellationToken)
    {
        ComponentPool pool = Component.Pool!;
        // The slots stay the same ones; those of a component that has been disposed keep nothing.
        PooledGroup? group = pool.IsImpure ? null : _group ??= pool.Find(_shape);
        if (group?.TryTake(state) is PooledInstance slot)
            return Start(new Store(slot.Store, slot.Store.Generation), (ComponentSlot)slot.Content!, group, isBound: true, cancellationToken);
        StoreCore core = pool.Allocator.CreateStore(state);
        return Start(new Store(core, core.Generation), new ComponentSlot(Component.Plan), group, isBound: false, cancellationToken);
    }

    private ComponentInstance Create(StorageAllocator? allocator, object? state, CancellationToken cancellationToken)
    {
        StoreCore core = new(Component.Engine.Core, allocator ?? Component.Engine.Allocator, keepsStack: true, state);
        return Start(new Store(core, core.Generation), new ComponentSlot(Component.Plan), null, isBound: false, cancellationToken);
    }

    private ComponentInstance Start(Store store, ComponentSlot slot, PooledGroup? group, bool isBound, CancellationToken cancellationToken)
    {
        ComponentStore root = new(store, slot, _options);
        try
        {
            if (!isBound || _options.StoreLimits is not null)
                Limit(store.Core, isBound);
            if (isBound && Component.Engine.Options.EnableFuel)
                store.ConsumeFuel(group!.StartFuel);
            using CancellationTokenRegistration stop = cancellationToken.UnsafeRegister(static store => ((Store)store!).Interrupt(), store);
            Instantiator instantiator = new(Component.Plan, Component.Modules, root, isBound, _functions, _resources);
            instantiator.Run(cancellationToken);
            if (group is not null && !isBound)
                Component.Pool!.Keep(group, root, (_options.StoreLimits?.Fuel ?? long.MaxValue) - store.Core.Fuel);
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

    private void Limit(StoreCore store, bool isBound)
    {
        if (!isBound)
        {
            store.BeginLimits(_options.StoreLimits);
            return;
        }

        foreach (InstanceData instance in store.Instances)
            store.BeginLimits(_options.StoreLimits!, instance);
    }
}

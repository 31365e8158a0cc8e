// An instance of a component with everything in it. Used by one thread at a time.
using Tarn.Components.Runtime;

namespace Tarn.Components;

/// <summary>Represents an instance of a component.</summary>
public sealed class ComponentInstance : ComponentExports, IDisposable
{
    private readonly ComponentStore _root;

    internal ComponentInstance(Component component, ComponentStore root, Instantiator instantiator)
        : base(component.Plan.Exports, root, instantiator)
    {
        CoreInstances = instantiator.CoreInstances;
        Component = component;
        _root = root;
    }

    /// <summary>Gets the component.</summary>
    public Component Component { get; }

    /// <summary>Gets the store that the core instances live in, for its fuel, limits and timeouts.</summary>
    public Store Store => _root.Store;

    /// <summary>Gets a value that indicates whether a call trapped, after which the instance cannot be entered again.</summary>
    public bool HasTrapped => _root.IsPoisoned;

    internal Instance[] CoreInstances { get; }

    /// <summary>Ends the instance: all core instances, memories, tables and handles. Resources of the host that guests still own are dropped; destructors of guests are not called.</summary>
    public void Dispose() => _root.Dispose();
}

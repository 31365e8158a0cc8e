// The slots of a component in the engine's pool. A component whose start functions call out of it is not kept: what they find there may differ each time. Imports that are asynchronous are bound
// otherwise than those that are not, so each choice has slots of its own, up to a few.
using Tarn.Pooling;

namespace Tarn.Components.Runtime;

/// <summary>Slots of a component.</summary>
internal sealed class ComponentPool(PooledAllocator allocator)
{
    private const int MostShapes = 4;

    private readonly Dictionary<string, PooledGroup> _groups = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private volatile bool _isImpure;
    private bool _isClosed;

    public PooledAllocator Allocator => allocator;

    /// <summary>Whether instances of the component are not kept.</summary>
    public bool IsImpure => _isImpure;

    /// <summary>Finds the slots for imports of a shape.</summary>
    /// <returns>The slots, or null if none are kept.</returns>
    public PooledGroup? Find(string shape)
    {
        if (_isImpure)
            return null;
        lock (_lock)
        {
            if (_groups.TryGetValue(shape, out PooledGroup? group))
                return group;
            if (_isClosed || _groups.Count == MostShapes)
                return null;
            _groups.Add(shape, group = new PooledGroup(allocator));
            return group;
        }
    }

    /// <summary>Keeps what was instantiated, if it may be.</summary>
    /// <param name="group">The slots for the shape of its imports.</param>
    /// <param name="root">The store, with no call in progress.</param>
    /// <param name="fuel">Units of fuel that instantiating has used.</param>
    public void Keep(PooledGroup group, ComponentStore root, long fuel)
    {
        if (root.HasCalledOut)
        {
            _isImpure = true;
            return;
        }

        group.StartFuel = fuel;
        _ = group.TryKeep(root.Store.Core, root.Slot);
    }

    /// <summary>Ends what idles: the component has been disposed.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            foreach (PooledGroup group in _groups.Values)
                group.Close();
        }
    }
}

// What all instances of one instantiation of a component share: the store of their core instances, the calls in progress, and whether one of them trapped.
namespace Tarn.Components.Runtime;

/// <summary>The shared part of an instantiation.</summary>
internal sealed class ComponentStore(Store store, ComponentSlot slot, ComponentOptions options) : IDisposable
{
    public Store Store { get; } = store;

    /// <summary>What was made in the store.</summary>
    public ComponentSlot Slot { get; } = slot;

    /// <summary>Whether a core instance has called out of it, to the host or to another component.</summary>
    public bool HasCalledOut { get; set; }

    public int HandleLimit { get; } = options.Handles;

    public long ValueBytes { get; } = options.ValueBytes;

    /// <summary>The innermost of the calls in progress, which are linked.</summary>
    public CallEntry? Active { get; set; }

    public bool IsPoisoned { get; set; }

    public bool IsDisposed { get; private set; }

    public CallScope CreateScope() => new(ValueBytes);

    public T Poison<T>(T exception)
        where T : Exception
    {
        IsPoisoned = true;
        return exception;
    }

    /// <summary>The handle tables of all instances; null while there is none.</summary>
    public List<Handles.HandleTable>? Tables { get; set; }

    public void Dispose()
    {
        if (IsDisposed)
            return;
        IsDisposed = true;
        // Before the store ends, since the slot may be another instance's from then on.
        Slot.Clear();
        Store.Dispose();
        // Nobody is left to drop what the host has lent objects for.
        foreach (Handles.HandleTable table in Tables ?? [])
            table.DropHostResources();
    }
}

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

    /// <summary>The component instances by number.</summary>
    public InstanceState[] Instances { get; set; } = [];

    public bool IsPoisoned { get; private set; }

    public bool IsDisposed { get; private set; }

    public CallScope CreateScope() => new(ValueBytes);

    public T Poison<T>(T exception)
        where T : Exception
    {
        Poison();
        return exception;
    }

    /// <summary>Lets no instance be entered again. Adapters see it in the entries of each.</summary>
    public void Poison()
    {
        if (IsPoisoned)
            return;
        IsPoisoned = true;
        if (IsDisposed)
            return;
        foreach (InstanceState instance in Instances)
            instance.Entries = InstanceState.Poisoned;
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

// Finds out which handles guests still hold, of the host's objects and of exceptions, and frees the others. The collector of a store with a heap calls this on its way through everything that
// lives; in a store without one the roots, and what exceptions that are held carry, are all that there is to look at.
using Tarn.Compiler.Abi;
using Tarn.Heaps;

namespace Tarn.Stores;

internal sealed unsafe class HandleCollector(StoreCore store) : IRootVisitor
{
    /// <summary>Begins: no handle has been seen.</summary>
    public void Begin()
    {
        store.References.BeginMarking();
        store.Exceptions.BeginMarking();
    }

    /// <summary>A handle that is held.</summary>
    public void Mark(uint handle)
    {
        if ((handle & ObjectLayout.ExceptionBit) != 0)
            store.Exceptions.Mark(handle);
        else
            store.References.Mark(handle);
    }

    /// <summary>Frees all handles that were not marked.</summary>
    public void Sweep()
    {
        store.References.Sweep();
        store.Exceptions.Sweep();
    }

    /// <summary>Whether a handle is one that something has.</summary>
    public bool IsInUse(uint handle) => (handle & ObjectLayout.ExceptionBit) != 0 ? store.Exceptions.IsInUse(handle) : store.References.IsInUse(handle);

    /// <summary>Frees the handles that no root holds.</summary>
    public void CollectWithoutHeap()
    {
        Begin();
        RootWalker.Visit(store, this);
        store.References.MarkInFlight();
        while (store.Exceptions.VisitMarked(this))
        {
        }
        Sweep();
    }

    void IRootVisitor.Visit(ulong* cell)
    {
        if ((*cell & ObjectLayout.TagMask) == ObjectLayout.HandleTag)
            Mark((uint)*cell);
    }
}

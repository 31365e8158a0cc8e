// Slots of several instances that live in one store: what a component consists of. Such a slot is bound by instantiating everything once. It is kept if what came into being depends on nothing
// but the modules, and from then on it is reset and used again as a whole, like the slot of a single module.
//
// Why what is used again equals what is made anew: start functions have run when the images are taken, so that an image holds what they have written. They are programs without inputs, unless they
// called the host, in which case the owner does not offer the slot. What a reset does not undo, or would undo to another state, refuses the slot (CanKeep): memories that have grown, and which a
// reset makes as long as their type says; memories that threads share; objects of a heap, exceptions and references that start functions left behind. All imports are bound to items of the store
// itself, which stay where they are.
using Tarn.Memories;

namespace Tarn.Pooling;

internal sealed class PooledGroup(PooledAllocator pool)
{
    private readonly WarmList _list = pool.AddList();

    // One for each of the other instances, for what its slots share.
    private WarmList[]? _parts;

    /// <summary>Units of fuel that the start functions use.</summary>
    public long StartFuel { get; set; }

    /// <summary>Takes an idle slot, whose life begins.</summary>
    /// <returns>The slot, or null if there is none.</returns>
    public PooledInstance? TryTake(object? state)
    {
        if (_list.TryTake() is not PooledInstance slot)
            return null;
        slot.Rents++;
        slot.Store.BeginLease(state);
        return slot;
    }

    /// <summary>Makes a slot of a store with all that is in it, whose first life continues.</summary>
    /// <param name="store">The store, of <see cref="PooledAllocator.CreateStore"/>, with no call in progress.</param>
    /// <param name="content">What the owner keeps with the slot.</param>
    /// <returns>Whether the slot was made; otherwise everything is released when the store ends.</returns>
    public bool TryKeep(StoreCore store, object content)
    {
        if (_list.IsClosed || !CanKeep(store))
            return false;
        List<InstanceData> instances = store.Instances;
        _parts ??= [.. instances.Skip(1).Select(static _ => new WarmList(new SharedCount()))];
        bool writesTables = instances.Exists(static instance => instance.Module.WritesTableElements);
        var others = new PooledInstance[instances.Count - 1];
        for (int i = 0; i < others.Length; i++)
        {
            others[i] = new PooledInstance(pool, store, instances[i + 1], _parts[i], null, null, writesTables);
            _parts[i].Images ??= others[i].Images;
        }
        var slot = new PooledInstance(pool, store, instances[0], _list, null, others, writesTables) { Content = content };
        _list.Images ??= slot.Images;
        slot.Rents++;
        store.BeginPoolingLive(slot);
        pool.Register(slot);
        return true;
    }

    /// <summary>Ends what idles; what is in use ends when it is returned.</summary>
    public void Close() => pool.Forget(_list);

    private static bool CanKeep(StoreCore store)
    {
        if (store.Instances.Count == 0 || store.References.Count != 0 || store.HasExceptions)
            return false;
        foreach (InstanceData instance in store.Instances)
        {
            WasmModule wasm = instance.Module.Wasm;
            if (store.ManagedHeap is not null && wasm.StartFunction >= 0)
                return false;
            foreach (MemoryInstance memory in instance.Memories.AsSpan(wasm.ImportedMemoryCount))
            {
                if (memory.Slot is null || memory.Type.Limits.IsShared || memory.ByteLength != memory.Type.Limits.Minimum << memory.Type.PageSizeLog2)
                    return false;
            }
        }

        return true;
    }
}

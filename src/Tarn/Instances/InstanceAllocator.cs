// The seam between instantiation and the places where instances live. Whatever is handed out is zero and belongs to one
// owner until it is handed back; every method either succeeds or leaves nothing behind.
using Tarn.Execution;
using Tarn.Heaps;
using Tarn.Memories;
using Tarn.Platform;
using Tarn.Pooling;
using Tarn.Tables;

namespace Tarn.Instances;

internal abstract unsafe class InstanceAllocator : IDisposable
{
    public static InstanceAllocator Create(Engine engine) =>
        engine.Options.AllocationStrategy == AllocationStrategy.Pooling ? new PooledAllocator(engine) : new OnDemandAllocator(engine);

    /// <summary>Makes an instance in a store of its own, up to its start function. The end of the store's life gives everything back.</summary>
    /// <param name="template">The module and its imports, which are tied to no store.</param>
    /// <param name="state">What host functions get.</param>
    /// <param name="limits">What its memories and tables may take and it may execute.</param>
    /// <exception cref="InstantiationException">The module asks for more than limits or the system allow.</exception>
    /// <exception cref="PoolExhaustedException">There is no slot, or those that are there have been promised to others who wait.</exception>
    /// <exception cref="TrapException">A segment does not fit.</exception>
    public abstract InstanceData Rent(InstanceTemplate template, object? state, StoreLimits? limits);

    /// <summary>As <see cref="Rent"/>, but waits for a slot, first come, first served.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public abstract ValueTask<InstanceData> RentAsync(InstanceTemplate template, object? state, StoreLimits? limits, CancellationToken cancellationToken);

    /// <summary>The slot of the instance pool that an instance has; −1 where it has none.</summary>
    public virtual int SlotOf(InstanceData instance) => -1;

    /// <summary>What the pools hold and have done; all zero where there are none.</summary>
    public virtual PoolStatistics GetStatistics() => default;

    /// <summary>Where memories and tables come from that the host makes: they do not count against the limits of modules.</summary>
    public virtual InstanceAllocator ForHost => this;

    /// <summary>Memory for a VM context: zero, aligned to 64.</summary>
    /// <exception cref="InstantiationException">It would be larger than the limits allow.</exception>
    public abstract byte* AllocateContext(Module module, int bytes);

    public abstract void FreeContext(byte* context);

    /// <summary>A memory of its type's minimal size, all zero.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="record">What compiled code sees of it.</param>
    /// <param name="limits">Those of the store: no more than they allow need be reserved. The minimum has been compared with them.</param>
    /// <exception cref="InstantiationException">The minimum is above what the limits or the system allow.</exception>
    public abstract MemoryInstance AllocateMemory(in CoreMemoryType type, MemoryRecord* record, StoreLimits? limits);

    public abstract void FreeMemory(MemoryInstance memory);

    /// <summary>A table of its type's minimal length, all null. The element type is canonical.</summary>
    /// <inheritdoc cref="AllocateMemory"/>
    /// <exception cref="InstantiationException">The minimum is above what the limits or the system allow.</exception>
    public abstract TableInstance AllocateTable(in CoreTableType type, TableRecord* record, StoreLimits? limits);

    public abstract void FreeTable(TableInstance table);

    public abstract GuestStack AllocateStack();

    public abstract void FreeStack(GuestStack stack);

    /// <summary>A heap for the managed objects of a store.</summary>
    /// <exception cref="PoolExhaustedException">There is none.</exception>
    /// <exception cref="InstantiationException">The system refuses it.</exception>
    public ManagedHeap AllocateHeap(StoreCore store)
    {
        Engine engine = store.Engine;
        HeapSpace space = engine.HeapSpaces.Take();
        try
        {
            return new ManagedHeap(store, space, engine.TypeDescriptors, engine.Options);
        }
        catch (PlatformException e)
        {
            engine.HeapSpaces.Return(space);
            throw new InstantiationException($"the system refuses memory for a heap of managed objects: {e.Message}", e);
        }
    }

    /// <summary>Takes a heap back whose store has ended.</summary>
    public static void FreeHeap(ManagedHeap heap)
    {
        heap.End();
        heap.Store.Engine.HeapSpaces.Return(heap.Space);
    }

    /// <summary>Lets go of whatever is kept for a module that has been disposed.</summary>
    public virtual void Forget(Module module)
    {
    }

    /// <inheritdoc/>
    public abstract void Dispose();
}

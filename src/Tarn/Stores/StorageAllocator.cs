// Where a store gets contexts, memories, tables and stacks from. Whatever is handed out is zero and belongs to one owner until it is handed back; every
// method either succeeds or leaves nothing behind.
using Tarn.Engines;
using Tarn.Execution;
using Tarn.Heaps;
using Tarn.Memories;
using Tarn.Modules;
using Tarn.Platform;
using Tarn.Tables;

namespace Tarn.Stores;

internal abstract unsafe class StorageAllocator
{
    /// <summary>Where memories and tables come from that the host makes: they do not count against the limits of modules.</summary>
    public virtual StorageAllocator ForHost => this;

    /// <summary>Memory for a VM context: zero, aligned to 64.</summary>
    /// <exception cref="InstantiationException">It would be larger than the limits allow.</exception>
    public abstract byte* AllocateContext(ModuleCore module, int bytes);

    public abstract void FreeContext(byte* context);

    /// <summary>A memory, all zero.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="pages">Its size: the type's minimum, or more where it is made from an image.</param>
    /// <param name="record">What compiled code sees of it.</param>
    /// <param name="limits">Those of the store: no more than they allow need be reserved. The minimum has been compared with them.</param>
    /// <exception cref="InstantiationException">The minimum is above what the limits or the system allow.</exception>
    public abstract MemoryInstance AllocateMemory(in CoreMemoryType type, ulong pages, MemoryRecord* record, StoreLimits? limits);

    public abstract void FreeMemory(MemoryInstance memory);

    /// <summary>A shared memory of its type's minimal size, all zero. The caller has the only reference.</summary>
    /// <exception cref="InstantiationException">The minimum is above what the limits or the system allow.</exception>
    public SharedMemoryCore AllocateSharedMemory(in CoreMemoryType type, StoreLimits? limits)
    {
        MemoryRecord* record = SharedMemoryCore.AllocateRecord();
        try
        {
            return new SharedMemoryCore(AllocateUnpooledMemory(type, record, limits));
        }
        catch
        {
            SharedMemoryCore.FreeRecord(record);
            throw;
        }
    }

    /// <summary>A table, all null.</summary>
    /// <param name="type">Its type, whose element type is canonical.</param>
    /// <param name="length">Its length: the type's minimum, or more where it is made from an image.</param>
    /// <param name="record">What compiled code sees of it.</param>
    /// <param name="limits">Those of the store.</param>
    /// <exception cref="InstantiationException">The minimum is above what the limits or the system allow.</exception>
    public abstract TableInstance AllocateTable(in CoreTableType type, ulong length, TableRecord* record, StoreLimits? limits);

    public abstract void FreeTable(TableInstance table);

    /// <summary>A memory that may outlive whatever the allocator has handed out otherwise; within the allocator's limits.</summary>
    protected abstract MemoryInstance AllocateUnpooledMemory(in CoreMemoryType type, MemoryRecord* record, StoreLimits? limits);

    public abstract GuestStack AllocateStack();

    public abstract void FreeStack(GuestStack stack);

    /// <summary>A heap for the managed objects of a store.</summary>
    /// <exception cref="PoolExhaustedException">There is none.</exception>
    /// <exception cref="InstantiationException">The system refuses it.</exception>
    public static ManagedHeap AllocateHeap(StoreCore store)
    {
        EngineCore engine = store.Engine;
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
    public static void FreeHeap(StoreCore store, ManagedHeap heap)
    {
        heap.End();
        store.Engine.HeapSpaces.Return(heap.Space);
    }
}

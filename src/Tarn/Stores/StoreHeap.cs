// What a store owns: instances, memories and tables of the host, blocks of unmanaged memory, canonical types of host functions. All of it lives until the store ends, since anything
// in the store may refer to it. A struct inside of StoreCore: what a lease looks at is there without another load.
//
//   - Instances is written under the store's lock, since requests to stop go to all of them from any thread; the rest by the thread that is inside the store.
//   - Nothing is freed but by FreeAll, once, when nobody is inside any more.
using System.Runtime.InteropServices;
using Tarn.Engines;
using Tarn.Memories;
using Tarn.Platform;
using Tarn.Tables;

namespace Tarn.Stores;

internal unsafe struct StoreHeap
{
    private const nuint BlockAlignment = 16;

    private List<MemoryInstance>? _memories;
    private List<TableInstance>? _tables;
    private List<nint>? _blocks;
    private List<int>? _hostTypes;
    private List<nint>? _managedGlobals;
    private int _pooledInstances = 1;
    private int _pooledBlocks;

    public StoreHeap()
    {
        Instances = [];
    }

    public List<InstanceData> Instances { get; }

    /// <summary>Whether there is what the slot was bound with and nothing beside it: then its reset undoes everything.</summary>
    public readonly bool IsAsPooled => Instances.Count == _pooledInstances && (_blocks?.Count ?? 0) == _pooledBlocks && _memories is null && _tables is null;

    /// <summary>Tables that the host made.</summary>
    public readonly IReadOnlyList<TableInstance> HostTables => _tables is null ? [] : _tables;

    /// <summary>Cells of globals that the host made and that hold managed references.</summary>
    public readonly IReadOnlyList<nint> ManagedGlobals => _managedGlobals is null ? [] : _managedGlobals;

    /// <summary>Notes that all there is belongs to a slot of a pool: its instances, and the functions of the host that are bound to their imports.</summary>
    public void NotePooled()
    {
        _pooledInstances = Instances.Count;
        _pooledBlocks = _blocks?.Count ?? 0;
    }

    public void AddManagedGlobal(nint cell) => (_managedGlobals ??= []).Add(cell);

    public void Add(MemoryInstance memory) => (_memories ??= []).Add(memory);

    public void Add(TableInstance table) => (_tables ??= []).Add(table);

    /// <summary>A canonical type that a host function of the store uses.</summary>
    public void AddHostType(int typeId) => (_hostTypes ??= []).Add(typeId);

    /// <summary>Unmanaged memory, all zero.</summary>
    public byte* AllocateBlock(int bytes)
    {
        byte* block = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, BlockAlignment);
        NativeMemory.Clear(block, (nuint)bytes);
        (_blocks ??= []).Add((nint)block);
        return block;
    }

    /// <summary>
    /// Releases everything. Memory that the system refuses to take back is lost, and the rest is released all the same. The finalizer of a store that was refused comes here with neither an allocator nor an
    /// engine, and with nothing to free.
    /// </summary>
    public readonly void FreeAll(StorageAllocator allocator, EngineCore engine)
    {
        foreach (InstanceData instance in Instances)
            Free(allocator, instance, static (allocator, it) => it.Free(allocator));
        foreach (MemoryInstance memory in _memories ?? [])
        {
            if (memory.Shared is SharedMemoryCore shared)
                shared.Release();
            else
                Free(allocator.ForHost, memory, static (allocator, it) => allocator.FreeMemory(it));
        }
        foreach (TableInstance table in _tables ?? [])
            Free(allocator.ForHost, table, static (allocator, it) => allocator.FreeTable(it));
        foreach (nint block in _blocks ?? [])
            NativeMemory.AlignedFree((void*)block);
        foreach (int type in _hostTypes ?? [])
            engine.Types.Release(type);
        Instances.Clear();
    }

    /// <summary>Gives one thing back. Dispose and finalizers do not throw.</summary>
    public static void Free<T>(StorageAllocator allocator, T item, Action<StorageAllocator, T> free)
    {
        try
        {
            free(allocator, item);
        }
        catch (PlatformException)
        {
            // See FreeAll.
        }
    }
}

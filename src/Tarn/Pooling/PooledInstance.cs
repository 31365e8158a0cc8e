// A slot of the instance pool while it is bound to a module: its store, its context, its memories and tables, all kept between two
// instances of the same module, so that making the next one is a matter of resetting what the last one may have changed.
//
// What an instance can change, and how it is undone:
//   - memories: MemorySlot.Reset, with the image taken before the first instance ran;
//   - the sections of the context for memories, tables and globals, and the segment states: copied back from _initialContext. All
//     else in the context (function references, imports) is written once, when the slot is bound;
//   - shared memories: not at all. They are no slots, others may have them, and a slot whose instance has one starts from scratch;
//   - tables: copied back from their initial elements, if the module has instructions that write elements in place or managed
//     code wrote any; what was grown is cleared;
//   - the heap of managed objects: both tops are set back, and what constant expressions made is copied back;
//   - the store: its generation changes, so every handle is stale; references, state, fuel, host-made items are dropped.
//
// A slot of several instances, which live in one store (PooledGroup), is the slot of the first, which resets the others with itself. The slots of the others are in no list.
//
// Space between slots: each cycle writes to a slot's managed objects (its store, this, its memories' and tables' books), each from the thread that has it. Two slots'
// objects in one cache line would make two threads slower than one. Objects are in the order in which they were made and collections keep that order, so an
// unused array made before the first of a slot's objects and one after the last keep them apart from everything else.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tarn.Compiler.Abi;
using Tarn.Execution;
using Tarn.Heaps;
using Tarn.Memories;
using Tarn.Modules;
using Tarn.Tables;

namespace Tarn.Pooling;

internal sealed unsafe class PooledInstance : SlotLease
{
    /// <summary>Two cache lines, since processors fetch them in pairs.</summary>
    public const int SpaceBytes = 128;

    private readonly PooledAllocator _pool;
    private readonly InstanceData _data;
    private readonly WarmList _list;
    private readonly PageImage[] _images;
    private readonly MemorySlot[] _memories;
    private readonly TableReset[] _tables;
    private readonly byte[] _initialContext;
    private readonly VmContext* _header;
    private readonly int _cellBytes;
    private readonly int _stateOffset;
    private readonly bool _writesTables;
    private readonly bool _isForOne;
    private readonly HeapImage? _heap;
    private readonly PooledInstance[] _others;
    private readonly ulong[]?[] _elementValues;
    private int _learned;

    /// <param name="pool">The pool that the slot is of.</param>
    /// <param name="store">The slot's store.</param>
    /// <param name="data">The module's first instance in it, before its start function.</param>
    /// <param name="list">Where it waits while it is idle.</param>
    /// <param name="spaceBefore">An array of <see cref="SpaceBytes"/>, made before the store was, where slots are few enough for it.</param>
    /// <param name="others">The slots of the other instances in the store, for the first one of several; null for them.</param>
    /// <param name="writesTables">Whether other modules in the store have instructions that write elements in place.</param>
    public PooledInstance(PooledAllocator pool, StoreCore store, InstanceData data, WarmList list, byte[]? spaceBefore, PooledInstance[]? others, bool writesTables = false)
    {
        _others = others ?? [];
        SpaceBefore = spaceBefore;
        _pool = pool;
        Store = store;
        _data = data;
        _list = list;
        Module = data.Module;
        _header = data.Header;
        VmContextLayout layout = data.Module.Layout;
        WasmModule wasm = data.Module.Wasm;
        PageImage[]? images = list.Images;
        MemorySlot[] slots = [.. data.Memories[wasm.ImportedMemoryCount..].Where(static memory => memory.Slot is not null).Select(static memory => memory.Slot!)];
        _isForOne = data.HasSharedMemory;
        _memories = slots;
        _images = images ?? new PageImage[_memories.Length];
        for (int i = 0; i < _memories.Length; i++)
        {
            MemorySlot slot = slots[i];
            slot.FaultsBefore = slot.Faults;
            _memories[i] = slot;
            if (images is null)
                _images[i] = slot.Capture();
            slot.Seal(_images[i]);
            if (slot is LearnedMemorySlot learned)
                learned.Learn(list.Learned(i));
        }
        _learned = CountLearned();
        _writesTables = writesTables || Module.WritesTableElements;
        _tables = new TableReset[data.Tables.Length - wasm.ImportedTableCount];
        for (int i = 0; i < _tables.Length; i++)
        {
            TableInstance table = data.Tables[wasm.ImportedTableCount + i];
            _tables[i] = new TableReset(table, new ReadOnlySpan<ulong>(table.Elements, (int)table.Length).ToArray());
            table.IsDirty = false;
        }
        _cellBytes = layout.Global(wasm.Globals.Length) - VmContextHeader.Size;
        _stateOffset = layout.ElementState(0);
        int stateBytes = layout.DataState(wasm.Data.Length) - _stateOffset;
        _initialContext = new byte[_cellBytes + stateBytes];
        new ReadOnlySpan<byte>(data.Context + VmContextHeader.Size, _cellBytes).CopyTo(_initialContext);
        new ReadOnlySpan<byte>(data.Context + _stateOffset, stateBytes).CopyTo(_initialContext.AsSpan(_cellBytes));
        _heap = others is null ? null : store.ManagedHeap?.Capture();
        _elementValues = Array.ConvertAll(data.ElementValues, values => (ulong[]?)values?.Clone());
        if (spaceBefore is not null)
            SpaceAfter = new byte[SpaceBytes];
    }

    /// <summary>Keeps the slot's objects apart from those of others; see above.</summary>
    public byte[]? SpaceBefore { get; }

    /// <inheritdoc cref="SpaceBefore"/>
    public byte[]? SpaceAfter { get; }

    public StoreCore Store { get; }

    public InstanceData Data => _data;

    public ModuleCore Module { get; }

    public WarmList List => _list;

    public PageImage[] Images => _images;

    /// <summary>When it was last put where any thread finds it, in milliseconds; for eviction in the order of use.</summary>
    public long LastUsed { get; set; }

    /// <summary>Where the allocator lists it.</summary>
    public int BoundIndex { get; set; }

    /// <summary>How often it was taken; written by the thread that has it.</summary>
    public long Rents { get; set; }

    /// <summary>Bytes of memories that its resets have looked at.</summary>
    public long BytesReset { get; private set; }

    /// <summary>Pages that guests opened by faulting.</summary>
    public long Faults
    {
        get
        {
            long sum = 0;
            foreach (MemorySlot slot in _memories)
                sum += slot.Faults - slot.FaultsBefore;
            foreach (PooledInstance other in _others)
                sum += other.Faults;
            return sum;
        }
    }

    /// <summary>Instances that the slot consists of.</summary>
    public int InstanceCount => 1 + _others.Length;

    public int MemoryCount => _memories.Length + _others.Sum(static other => other.MemoryCount);

    public int TableCount => _tables.Length + _others.Sum(static other => other.TableCount);

    /// <summary>The other instances of the slot.</summary>
    public IEnumerable<InstanceData> Others => _others.Select(static other => other.Data);

    /// <summary>What the owner of a slot of several instances keeps with it.</summary>
    public object? Content { get; init; }

    // The next instance may import another shared memory, or has to define a new one: it is made from the beginning.
    public override void Return()
    {
        if (_isForOne)
            PooledAllocator.TearDown(this);
        else
            _pool.Return(this);
    }

    public override void Unbind() => _pool.Unregister(this);

    public override void Unbound() => _pool.Waiters.Signal();

    /// <summary>Counts the reset that was just done.</summary>
    public void CountReset()
    {
        if (_memories.Length != 0 || _others.Length != 0)
            BytesReset += LastResetBytes;
    }

    /// <summary>Bytes of memories that the last reset looked at.</summary>
    public long LastResetBytes
    {
        get
        {
            long sum = 0;
            foreach (MemorySlot slot in _memories)
                sum += slot.LastResetBytes;
            foreach (PooledInstance other in _others)
                sum += other.LastResetBytes;
            return sum;
        }
    }

    /// <summary>Undoes everything that the last instance did.</summary>
    public void Reset()
    {
        // Tables first: their lengths are in the context.
        foreach (ref readonly TableReset table in _tables.AsSpan())
        {
            if (_writesTables || table.Table.IsDirty)
                table.Reset();
        }
        foreach (MemorySlot slot in _memories)
            slot.Reset();
        byte[] initial = _initialContext;
        if (initial.Length != 0)
        {
            ref byte from = ref MemoryMarshal.GetArrayDataReference(initial);
            Unsafe.CopyBlock(ref *((byte*)_header + VmContextHeader.Size), ref from, (uint)_cellBytes);
            Unsafe.CopyBlock(ref *((byte*)_header + _stateOffset), ref Unsafe.Add(ref from, _cellBytes), (uint)(initial.Length - _cellBytes));
        }
        if (_heap is not null)
            Store.ManagedHeap!.Reset(_heap, _pool.HeapKeepResident);
        if (Store.ManagedHeap is not null)
        {
            for (int i = 0; i < _elementValues.Length; i++)
                _elementValues[i]?.CopyTo(_data.ElementValues[i]!, 0);
        }
        _header->InterruptRequested = 0;
        foreach (PooledInstance other in _others)
            other.Reset();
        if (_memories.Length != 0 && CountLearned() is int learned && learned != _learned)
            ShareLearned(learned);
    }

    private int CountLearned()
    {
        int sum = 0;
        foreach (MemorySlot slot in _memories)
        {
            if (slot is LearnedMemorySlot learned)
                sum += learned.Learned;
        }
        return sum;
    }

    private void ShareLearned(int learned)
    {
        _learned = learned;
        var pages = new int[_memories.Length][];
        for (int i = 0; i < pages.Length; i++)
            pages[i] = _memories[i] is LearnedMemorySlot { IsAllOpen: false } slot ? slot.GetLearned() : [];
        _list.Learn(pages);
    }

    private readonly struct TableReset(TableInstance table, ulong[] initial)
    {
        public TableInstance Table { get; } = table;

        public void Reset()
        {
            ulong length = Table.Length;
            if (length > (ulong)initial.Length)
                new Span<ulong>(Table.Elements + initial.Length, (int)length - initial.Length).Clear();
            initial.CopyTo(new Span<ulong>(Table.Elements, initial.Length));
            Table.IsDirty = false;
        }
    }
}

// A slot of the instance pool while it is bound to a module: its store, its context, its memories and tables, all kept between two
// instances of the same module, so that making the next one is a matter of resetting what the last one may have changed.
//
// What an instance can change, and how it is undone:
//   - memories: MemorySlot.Reset, with the image taken before the first instance ran;
//   - the sections of the context for memories, tables and globals, and the segment states: copied back from _initialContext. All
//     else in the context (function references, imports) is written once, when the slot is bound;
//   - tables: copied back from _initialTables, if the module has instructions that write elements in place or managed
//     code wrote any; what was grown is cleared;
//   - the store: its generation changes, so every handle is stale; references, state, fuel, host-made items are dropped.
using Tarn.Compiler.Abi;
using Tarn.Instances;
using Tarn.Tables;

namespace Tarn.Pooling;

internal sealed unsafe class PooledInstance
{
    private readonly InstanceData _data;
    private readonly PageImage[] _images;
    private readonly ulong[]?[] _initialTables;
    private readonly byte[] _initialContext;
    private readonly int _cellBytes;
    private readonly int _stateOffset;

    public PooledInstance(Store store, InstanceData data, PageImage[]? images)
    {
        Store = store;
        _data = data;
        VmContextLayout layout = data.Module.Layout;
        WasmModule wasm = data.Module.Wasm;
        _images = images ?? CaptureImages(data);
        for (int i = wasm.ImportedMemoryCount; i < data.Memories.Length; i++)
            data.Memories[i].Slot!.Seal(_images[i]);
        _initialTables = new ulong[]?[data.Tables.Length];
        for (int i = wasm.ImportedTableCount; i < data.Tables.Length; i++)
        {
            TableInstance table = data.Tables[i];
            _initialTables[i] = new ReadOnlySpan<ulong>(table.Elements, (int)table.Length).ToArray();
            table.IsDirty = false;
        }
        _cellBytes = layout.Global(wasm.Globals.Length) - VmContextHeader.Size;
        _stateOffset = layout.ElementState(0);
        int stateBytes = layout.DataState(wasm.Data.Length) - _stateOffset;
        _initialContext = new byte[_cellBytes + stateBytes];
        new ReadOnlySpan<byte>(data.Context + VmContextHeader.Size, _cellBytes).CopyTo(_initialContext);
        new ReadOnlySpan<byte>(data.Context + _stateOffset, stateBytes).CopyTo(_initialContext.AsSpan(_cellBytes));
    }

    public Store Store { get; }

    public InstanceData Data => _data;

    public Module Module => _data.Module;

    public PageImage[] Images => _images;

    /// <summary>When it was last given back; for least-recently-used eviction.</summary>
    public long LastUsed { get; set; }

    /// <summary>Undoes everything that the last instance did.</summary>
    public void Reset()
    {
        WasmModule wasm = Module.Wasm;
        // Tables first: their lengths are in the context.
        for (int i = wasm.ImportedTableCount; i < _data.Tables.Length; i++)
            ResetTable(_data.Tables[i], _initialTables[i]!);
        for (int i = wasm.ImportedMemoryCount; i < _data.Memories.Length; i++)
            _data.Memories[i].Slot!.Reset(_images[i]);
        ReadOnlySpan<byte> initial = _initialContext;
        initial[.._cellBytes].CopyTo(new Span<byte>(_data.Context + VmContextHeader.Size, _cellBytes));
        initial[_cellBytes..].CopyTo(new Span<byte>(_data.Context + _stateOffset, initial.Length - _cellBytes));
        _data.Header->InterruptRequested = 0;
    }

    private static PageImage[] CaptureImages(InstanceData data)
    {
        var images = new PageImage[data.Memories.Length];
        for (int i = data.Module.Wasm.ImportedMemoryCount; i < images.Length; i++)
            images[i] = data.Memories[i].Slot!.Capture();
        return images;
    }

    private void ResetTable(TableInstance table, ulong[] initial)
    {
        if (!table.IsDirty && !Module.WritesTableElements)
            return;
        ulong length = table.Length;
        if (length > (ulong)initial.Length)
            new Span<ulong>(table.Elements + initial.Length, (int)length - initial.Length).Clear();
        initial.CopyTo(new Span<ulong>(table.Elements, initial.Length));
        table.IsDirty = false;
    }
}

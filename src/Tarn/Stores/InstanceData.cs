// The runtime's side of an instance: where its VM context is and which managed objects stand behind the numbers in it. The
// context's Owner field holds a GCHandle to this object, which is how exits from guest code find their way back.
//
// Invariants: the context outlives every function reference record in it that anyone may hold, hence it lives as long as
// its store; Memories, Tables and globals are in index order, imports first; imported items belong to others and are not freed here.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tarn.Execution;
using Tarn.Memories;
using Tarn.Modules;
using Tarn.Tables;
using Tarn.Wasm.Binary;

namespace Tarn.Stores;

internal sealed unsafe class InstanceData
{
    private GCHandle _self;

    public InstanceData(StoreCore store, ModuleCore module)
    {
        Store = store;
        Module = module;
        Memories = module.Wasm.Memories.Length == 0 ? [] : new MemoryInstance[module.Wasm.Memories.Length];
        Tables = module.Wasm.Tables.Length == 0 ? [] : new TableInstance[module.Wasm.Tables.Length];
        Tags = module.Wasm.Tags.Length == 0 ? [] : new TagInstance[module.Wasm.Tags.Length];
    }

    public StoreCore Store { get; }

    public ModuleCore Module { get; }

    /// <summary>The template that the instance was made of, by which its beginning can be had again.</summary>
    public required object Origin { get; set; }

    public byte* Context { get; set; }

    public VmContext* Header => (VmContext*)Context;

    public MemoryInstance[] Memories { get; }

    public TableInstance[] Tables { get; }

    public TagInstance[] Tags { get; }

    /// <summary>Values of the element segments whose items make objects, which are evaluated once; <see langword="null"/> for others.</summary>
    public ulong[]?[] ElementValues { get; private set; } = [];

    /// <summary>Evaluates the element segments whose items make objects.</summary>
    public void EvaluateElements()
    {
        ReadOnlySpan<int> segments = Module.AllocatingElements;
        if (segments.IsEmpty)
            return;
        ElementValues = new ulong[]?[Module.Wasm.Elements.Length];
        foreach (int segment in segments)
        {
            int[] items = Module.ElementItems[segment];
            var values = new ulong[items.Length];
            for (int i = 0; i < items.Length; i++)
                values[i] = ElementReference(items[i]);
            ElementValues[segment] = values;
        }
    }

    /// <summary>The value of an element segment's item.</summary>
    public ulong ElementValue(int segment, int item) =>
        segment < ElementValues.Length && ElementValues[segment] is ulong[] values ? values[item] : ElementReference(Module.ElementItems[segment][item]);

    /// <summary>Visits the values of element segments.</summary>
    public void VisitElementValues<T>(T visitor)
        where T : Heaps.IRootVisitor
    {
        foreach (ulong[]? values in ElementValues)
        {
            if (values is null)
                continue;
            fixed (ulong* first = values)
            {
                for (int i = 0; i < values.Length; i++)
                    visitor.Visit(first + i);
            }
        }
    }

    /// <summary>The handle that leads from the context's Owner field to this object.</summary>
    public nint Handle
    {
        get
        {
            if (!_self.IsAllocated)
                _self = GCHandle.Alloc(this, GCHandleType.Weak);
            return GCHandle.ToIntPtr(_self);
        }
    }

    public static InstanceData? FromContext(VmContext* context) =>
        context->Owner == 0 ? null : Unsafe.As<InstanceData?>(GCHandle.FromIntPtr(context->Owner).Target);

    /// <summary>Whether other stores may use a memory of the instance at the same time.</summary>
    public bool HasSharedMemory
    {
        get
        {
            foreach (MemoryInstance memory in Memories)
            {
                if (memory.Shared is not null)
                    return true;
            }
            return false;
        }
    }

    /// <summary>Gives back what the instance owns, and its share of memories that are shared; other imported items are others' to free. Also of an instance that is half made.</summary>
    public void Free(StorageAllocator allocator)
    {
        for (int i = 0; i < Memories.Length; i++)
        {
            if (Memories[i] is not MemoryInstance memory)
                continue;
            if (memory.Shared is SharedMemoryCore shared)
                shared.Release();
            else if (i >= Module.Wasm.ImportedMemoryCount)
                allocator.FreeMemory(memory);
        }
        for (int i = Module.Wasm.ImportedTableCount; i < Tables.Length; i++)
        {
            if (Tables[i] is TableInstance table)
                allocator.FreeTable(table);
        }
        if (_self.IsAllocated)
            _self.Free();
        if (Context != null)
        {
            allocator.FreeContext(Context);
            Context = null;
        }
        Module.ReleaseReference();
    }

    /// <summary>Makes the tag that the module defines.</summary>
    public TagInstance CreateTag(int index)
    {
        int type = Module.Wasm.Tags[index].TypeIndex;
        return new TagInstance(Module.Wasm.CanonicalIds[type], ((CoreFunctionType)Module.Wasm.Types[type].Composite).ParameterCount);
    }

    /// <summary>Where the values of an exception that is thrown or caught here lie. Only in modules with exceptions.</summary>
    public RawValue* ExceptionPayload => (RawValue*)(Context + Module.Layout.Exception + Compiler.Abi.VmContextLayout.ExceptionPayload);

    /// <summary>The reference record of a function: that of an import, or of a defined function that escapes.</summary>
    public FunctionReference* FunctionRecord(int functionIndex)
    {
        int offset = Module.Layout.FunctionReference(functionIndex);
        return offset < 0 ? Store.RecordFor(this, functionIndex) : (FunctionReference*)(Context + offset);
    }

    /// <summary>Where a global's value is.</summary>
    public RawValue* GlobalCell(int globalIndex)
    {
        byte* cell = Context + Module.Layout.Global(globalIndex);
        return globalIndex < Module.Wasm.ImportedGlobalCount && Module.Wasm.Globals[globalIndex].IsMutable ? *(RawValue**)cell : (RawValue*)cell;
    }

    public ulong* ElementSegmentState(int segment) => (ulong*)(Context + Module.Layout.ElementState(segment));

    public ulong* DataSegmentState(int segment) => (ulong*)(Context + Module.Layout.DataState(segment));

    /// <summary><c>table.init</c>: bounds are checked, nothing is written when they do not hold.</summary>
    public bool TryInitializeTable(TableInstance table, int segment, ulong destination, ulong source, ulong count)
    {
        ulong available = *ElementSegmentState(segment);
        if (source > available || count > available - source || !table.Contains(destination, count))
            return false;
        table.IsDirty = true;
        ulong* to = table.Elements + destination;
        for (int i = 0; i < (int)count; i++)
            *to++ = ElementValue(segment, (int)source + i);
        return true;
    }

    /// <summary><c>memory.init</c>: bounds are checked, nothing is written when they do not hold.</summary>
    public bool TryInitializeMemory(MemoryInstance memory, int segment, ulong destination, ulong source, ulong count)
    {
        ulong available = *DataSegmentState(segment);
        if (source > available || count > available - source || !memory.Contains(destination, count))
            return false;
        if (count != 0)
            Module.Wasm.Read(Module.Wasm.Data[segment]).Slice((int)source, (int)count).CopyTo(memory.Bytes(destination, count));
        return true;
    }

    public RawValue Evaluate(ConstantExpression expression)
    {
        WasmReader reader = Module.Wasm.Read(expression);
        return ConstantEvaluator.Evaluate(this, ref reader);
    }

    /// <summary>The reference record of an exported function, or null.</summary>
    public FunctionReference* FindFunction(string name)
    {
        if (Module.FindFunction(name) is not FunctionExport export)
            return null;
        return export.RecordOffset >= 0 ? (FunctionReference*)(Context + export.RecordOffset) : FunctionRecord(export.Index);
    }

    /// <summary>The type of a global, of canonical types.</summary>
    public CoreGlobalType GlobalType(int globalIndex)
    {
        CoreGlobalType type = Module.Wasm.Globals[globalIndex];
        return type with { Type = Module.Wasm.Canonicalize(type.Type) };
    }

    /// <summary>Finds an export of a kind.</summary>
    public bool TryFindExport(string name, ExternalKind kind, out int index)
    {
        if (Module.TryGetExport(name, out Export export) && export.Kind == kind)
        {
            index = export.Index;
            return true;
        }
        index = -1;
        return false;
    }

    /// <summary>
    /// Gives an instance that is idle in a pool's slot the host functions of another template of its module. All its function imports are host functions,
    /// since such an instance has no store but its own.
    /// </summary>
    public void BindHostFunctions(HostFunction[] functions)
    {
        for (int i = 0; i < functions.Length; i++)
        {
            var record = (FunctionReference*)(Context + Module.Layout.FunctionReference(i));
            ((DefinedHostFunction)functions[(int)record->HostFunction]).Bind(record, Module.Engine.StubsFor(record->TypeId), Module.Engine.Machine);
        }
    }

    private ulong ElementReference(int item)
    {
        if (item >= 0)
            return (ulong)FunctionRecord(item);
        if (item == ElementItems.Null)
            return 0;
        ReadOnlySpan<byte> bytes = Module.Wasm.Bytes.Span;
        var reader = new WasmReader(bytes, ElementItems.ExpressionOffset(item), bytes.Length, Module.Wasm.Features);
        return ConstantEvaluator.Evaluate(this, ref reader).Low;
    }
}

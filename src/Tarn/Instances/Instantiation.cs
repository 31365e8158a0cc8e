// Turns a template into an instance, in the order of the core specification (3.0, "Instantiation"): globals, tables and
// memories come into being; then active element segments, active data segments and the start function run in order. What they
// did before a trap stays visible in shared tables and memories, therefore an instance that failed after it came into being stays
// alive in its store: a table may hold its functions.
using System.Runtime.CompilerServices;
using Tarn.Compiler.Abi;
using Tarn.Execution;
using Tarn.Linking;
using Tarn.Memories;
using Tarn.Modules;
using Tarn.Platform;
using Tarn.Snapshots;
using Tarn.Tables;

namespace Tarn.Instances;

internal static unsafe class Instantiation
{
    /// <summary>Everything up to the start function.</summary>
    public static InstanceData Initialize(StoreCore store, LinkedModule template)
    {
        InstanceData instance = Create(store, template);
        // From here on others may refer to the instance: it belongs to the store, whatever happens.
        store.Add(instance);
        if (template.Image is not null)
            return instance;
        InitializeTables(instance);
        RunElementSegments(instance);
        RunDataSegments(instance);
        return instance;
    }

    /// <summary>Runs the start function, if there is one, in the life of the store that the instance was made in.</summary>
    public static void Start(InstanceData instance, int generation)
    {
        int start = instance.Module.Wasm.StartFunction;
        if (start < 0)
            return;
        // Start functions that instantiate by way of the host nest like calls, in stores that know nothing of each other.
        RuntimeHelpers.EnsureSufficientExecutionStack();
        using StoreUse use = StoreCore.Enter(instance.Store, generation);
        if (instance.Store.Call(generation, instance.FunctionRecord(start), null, default) is Trap trap)
            throw trap.ToException();
    }

    /// <summary>As <see cref="Start"/>, but the start function may be suspended.</summary>
    public static ValueTask StartAsync(InstanceData instance, int generation, CancellationToken cancellationToken)
    {
        int start = instance.Module.Wasm.StartFunction;
        if (start < 0)
            return default;
        FunctionReference* function;
        nint entry;
        using (StoreUse use = StoreCore.Enter(instance.Store, generation))
        {
            function = instance.FunctionRecord(start);
            entry = instance.Module.Engine.StubsFor(function->TypeId).ArrayEntry;
        }
        RawValue none = default;
        return instance.Store.CallAsync(generation, entry, function, &none, 1, cancellationToken);
    }

    // Allocates everything and fills the VM context; on failure everything allocated goes back.
    private static InstanceData Create(StoreCore store, LinkedModule template)
    {
        ModuleCore module = template.Module;
        var instance = new InstanceData(store, module) { Origin = template };
        StorageAllocator allocator = store.Allocator;
        VmContextLayout layout = module.Layout;
        InstanceImage? image = template.Image;
        module.AddReference();
        try
        {
            instance.Context = allocator.AllocateContext(module, layout.Size);
            VmContext* header = instance.Header;
            header->StackLimit = store.StackLimit;
            header->Execution = store.Execution;
            header->Owner = instance.Handle;
            if (module.NeedsHeap)
            {
                header->HeapBase = (nint)store.RequireManagedHeap().Base;
                header->TypeDescriptors = store.Engine.TypeDescriptors.Address;
            }
            BindImports(instance, template);
            WasmModule wasm = module.Wasm;
            for (int i = wasm.ImportedTagCount; i < wasm.Tags.Length; i++)
                instance.Tags[i] = instance.CreateTag(i);
            for (int i = wasm.ImportedMemoryCount; i < wasm.Memories.Length; i++)
            {
                CoreMemoryType type = wasm.Memories[i];
                ulong pages = image is null ? type.Limits.Minimum : image.Memories[i].ByteLength >> type.PageSizeLog2;
                StoreQuota.RequireMemory(store, type with { Limits = type.Limits with { Minimum = pages } });
                if (wasm.Memories[i].Limits.IsShared)
                    BindMemory(instance, i, allocator.AllocateSharedMemory(wasm.Memories[i], store.Limits).Memory);
                else
                    instance.Memories[i] = allocator.AllocateMemory(type, pages, (MemoryRecord*)(instance.Context + layout.Memory(i)), store.Limits);
            }
            for (int i = wasm.ImportedTableCount; i < wasm.Tables.Length; i++)
            {
                CoreTableType type = wasm.Tables[i];
                ulong length = image is null ? type.Limits.Minimum : (ulong)image.Tables[i].Length;
                StoreQuota.RequireTable(store, type with { Limits = type.Limits with { Minimum = length } });
                instance.Tables[i] = allocator.AllocateTable(
                    type with { Element = wasm.Canonicalize(type.Element) }, length, (TableRecord*)(instance.Context + layout.Table(i)), store.Limits);
            }
            ReadOnlySpan<int> escaping = layout.EscapingFunctions;
            var records = (FunctionReference*)(instance.Context + layout.FunctionReferences);
            for (int i = 0; i < escaping.Length; i++)
                module.WriteFunctionReference(records + i, escaping[i], header);
            for (int i = wasm.ImportedGlobalCount; i < wasm.Globals.Length; i++)
                *instance.GlobalCell(i) = instance.Evaluate(wasm.GlobalInitializers[i - wasm.ImportedGlobalCount]);
            if (image is not null)
            {
                Load(instance, image);
                return instance;
            }
            for (int i = 0; i < wasm.Elements.Length; i++)
                *instance.ElementSegmentState(i) = wasm.Elements[i].Mode == SegmentMode.Declarative ? 0 : (ulong)wasm.Elements[i].Count;
            for (int i = 0; i < wasm.Data.Length; i++)
                *instance.DataSegmentState(i) = (ulong)wasm.Data[i].Length;
            instance.EvaluateElements();
            return instance;
        }
        catch
        {
            instance.Free(allocator);
            throw;
        }
    }

    private static void Load(InstanceData instance, InstanceImage image)
    {
        try
        {
            StateRestore.Load(instance, image);
        }
        catch (PlatformException e)
        {
            throw new InstantiationException($"The system refuses the memory that the instance begins with: {e.Message}", e);
        }
    }

    private static void BindImports(InstanceData instance, LinkedModule template)
    {
        ModuleCore module = instance.Module;
        Definition[] imports = template.Imports;
        HostFunction[] hostFunctions = template.HostFunctions;
        VmContextLayout layout = module.Layout;
        ReadOnlySpan<Import> declared = module.Wasm.Imports;
        int hostFunction = hostFunctions.Length == 0 ? 0 : instance.Store.AddHostFunctions(hostFunctions);
        for (int i = 0; i < imports.Length; i++)
        {
            Definition definition = imports[i];
            int index = declared[i].Index;
            switch (declared[i].Kind)
            {
                case ExternalKind.Function:
                    var record = (FunctionReference*)(instance.Context + layout.FunctionReference(index));
                    if (definition.Host is null)
                    {
                        *record = *definition.Function;
                        break;
                    }
                    record->TypeId = (uint)module.FunctionTypeId(index);
                    record->VmContext = instance.Header;
                    record->HostFunction = (uint)hostFunction++;
                    definition.Host.Bind(record, module.Engine.StubsFor(record->TypeId), module.Engine.Machine);
                    break;
                case ExternalKind.Memory:
                    definition.Memory!.Shared?.AddReference();
                    BindMemory(instance, index, definition.Memory);
                    break;
                case ExternalKind.Table:
                    TableInstance table = definition.Table!;
                    instance.Tables[index] = table;
                    var tableEntry = (ulong*)(instance.Context + layout.Table(index));
                    tableEntry[0] = (ulong)table.Elements;
                    tableEntry[1] = (ulong)table.Record;
                    break;
                case ExternalKind.Tag:
                    instance.Tags[index] = definition.Tag!;
                    break;
                case ExternalKind.Global:
                    byte* cell = instance.Context + layout.Global(index);
                    if (definition.GlobalType.IsMutable)
                        *(RawValue**)cell = definition.GlobalCell;
                    else
                        *(RawValue*)cell = *definition.GlobalCell;
                    break;
            }
        }
    }

    // Its record is not the instance's own. A shared one takes the reference that the caller has.
    private static void BindMemory(InstanceData instance, int index, MemoryInstance memory)
    {
        instance.Memories[index] = memory;
        var entry = (ulong*)(instance.Context + instance.Module.Layout.Memory(index));
        entry[0] = (ulong)memory.Base;
        entry[1] = (ulong)memory.Record;
    }

    private static void InitializeTables(InstanceData instance)
    {
        WasmModule wasm = instance.Module.Wasm;
        for (int i = wasm.ImportedTableCount; i < wasm.Tables.Length; i++)
        {
            ConstantExpression initializer = wasm.TableInitializers[i - wasm.ImportedTableCount];
            TableInstance table = instance.Tables[i];
            if (initializer.IsPresent)
                table.Fill(0, instance.Evaluate(initializer).Low, table.Length);
        }
    }

    private static void RunElementSegments(InstanceData instance)
    {
        ReadOnlySpan<ElementSegment> segments = instance.Module.Wasm.Elements;
        for (int i = 0; i < segments.Length; i++)
        {
            if (segments[i].Mode != SegmentMode.Active)
                continue;
            ulong destination = instance.Evaluate(segments[i].Start).Low;
            if (!instance.TryInitializeTable(instance.Tables[segments[i].Table], i, destination, 0, (ulong)segments[i].Count))
                throw new TrapException(TrapCode.TableOutOfBounds, $"element segment {i} of {segments[i].Count} elements at {destination} does not fit the table");
            *instance.ElementSegmentState(i) = 0;
        }
    }

    private static void RunDataSegments(InstanceData instance)
    {
        ReadOnlySpan<DataSegment> segments = instance.Module.Wasm.Data;
        for (int i = 0; i < segments.Length; i++)
        {
            if (segments[i].Mode != SegmentMode.Active)
                continue;
            ulong destination = instance.Evaluate(segments[i].Start).Low;
            if (!instance.TryInitializeMemory(instance.Memories[segments[i].Memory], i, destination, 0, (ulong)segments[i].Length))
                throw new TrapException(TrapCode.MemoryOutOfBounds, $"data segment {i} of {segments[i].Length} bytes at {destination} does not fit the memory");
            *instance.DataSegmentState(i) = 0;
        }
    }
}

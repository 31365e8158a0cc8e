// Takes the state of an instance in which no guest runs. What it refers to must be its own: functions of the module become numbers, and everything that has no meaning outside of the process
// (objects of the host and of the collector, functions of other instances, memories that others share) refuses the whole state with the reason.
//
// Which pages are looked at: a page that is neither in the list of touched pages nor in the image that the memory was made from is zero (MemoryInstance.ListTouched). So the union of the two holds
// everything, and reading it makes no page resident that was not.
using System.Runtime.InteropServices;
using Tarn.Compiler.Abi;
using Tarn.Heaps;
using Tarn.Memories;
using Tarn.Modules;
using Tarn.Platform;
using Tarn.Tables;

namespace Tarn.Snapshots;

internal static unsafe class StateCapture
{
    // What one array holds: pages are kept in one.
    private const long MostBytes = int.MaxValue - (1 << 20);

    /// <summary>Takes the whole state. Inside the store.</summary>
    /// <exception cref="SnapshotException">It cannot be taken.</exception>
    public static InstanceImage Capture(InstanceData instance)
    {
        Require(instance);
        WasmModule wasm = instance.Module.Wasm;
        int pageSize = (int)VirtualMemory.Current.PageSize;
        var memories = new MemoryState[instance.Memories.Length];
        for (int i = 0; i < memories.Length; i++)
        {
            MemoryInstance memory = instance.Memories[i];
            memories[i] = new MemoryState(memory.ByteLength, new PageImage(memory.Base, PagesOf(memory, i, null), pageSize));
        }
        return new InstanceImage
        {
            Memories = memories,
            Tables = TablesOf(instance),
            Globals = GlobalsOf(instance),
            DroppedElements = DroppedElements(instance),
            DroppedData = DroppedData(instance),
        };
    }

    /// <summary>Takes what is different from the state that the instance began with. Inside the store, as long as the result is used: its pages are those of the instance.</summary>
    /// <param name="instance">The instance.</param>
    /// <param name="before">What it began with.</param>
    /// <exception cref="SnapshotException">It cannot be taken.</exception>
    public static StateDifference Compare(InstanceData instance, InstanceImage before)
    {
        Require(instance);
        int pageSize = (int)VirtualMemory.Current.PageSize;
        var memories = new MemoryState[instance.Memories.Length];
        for (int i = 0; i < memories.Length; i++)
        {
            MemoryInstance memory = instance.Memories[i];
            PageImage old = before.Memories[i].Pages;
            var changed = new List<int>();
            foreach (int page in PagesOf(memory, i, old))
            {
                var now = new ReadOnlySpan<byte>(memory.Base + ((long)page * pageSize), pageSize);
                byte* was = old.Find(page);
                if (was == null ? now.ContainsAnyExcept((byte)0) : !now.SequenceEqual(new ReadOnlySpan<byte>(was, pageSize)))
                    changed.Add(page);
            }
            memories[i] = new MemoryState(memory.ByteLength, PageImage.Of(memory.Base, [.. changed], pageSize));
        }
        RawValue[] globals = GlobalsOf(instance);
        uint[][] tables = TablesOf(instance);
        return new StateDifference
        {
            Memories = memories,
            Tables = [.. tables.Select((table, i) => new TableChanges((ulong)table.Length, StateDifference.ChangesOf(table, before.Tables[i])))],
            Globals = [.. globals.Select(static (value, index) => (index, value)).Where(g => g.value.Low != before.Globals[g.index].Low || g.value.High != before.Globals[g.index].High)],
            DroppedElements = DroppedElements(instance),
            DroppedData = DroppedData(instance),
        };
    }

    private static void Require(InstanceData instance)
    {
        StoreCore store = instance.Store;
        if (store.HasCalls)
            throw Refuse("a call of a guest is in progress or suspended");
        WasmModule wasm = instance.Module.Wasm;
        if (wasm.ImportedMemoryCount + wasm.ImportedTableCount + wasm.ImportedGlobalCount + wasm.ImportedTagCount != 0)
            throw Refuse("the module imports a memory, a table, a global or a tag, which is not the instance's own");
        if (instance.HasSharedMemory)
            throw Refuse("a memory is shared, so other threads may be writing to it");
        foreach (int segment in instance.Module.AllocatingElements)
        {
            if (*instance.ElementSegmentState(segment) != 0)
                throw Refuse($"element segment {segment} holds managed objects; drop it with elem.drop");
        }
    }

    // Pages that may differ from zero and, where another image is named, from it: in ascending order.
    private static Span<int> PagesOf(MemoryInstance memory, int index, PageImage? other)
    {
        var pages = new List<int>();
        memory.ListTouched(pages);
        PageImage? origin = memory.Origin;
        if (origin is not null && origin != other)
            pages.AddRange(origin.Pages);
        if (other is not null && origin != other)
            pages.AddRange(other.Pages);
        pages.Sort();
        int kept = 0;
        for (int i = 0; i < pages.Count; i++)
        {
            if (kept == 0 || pages[i] != pages[kept - 1])
                pages[kept++] = pages[i];
        }
        long bytes = (long)kept * (long)VirtualMemory.Current.PageSize;
        return bytes <= MostBytes ? CollectionsMarshal.AsSpan(pages)[..kept] : throw Refuse($"memory {index} has {bytes} bytes in pages that were used, and a snapshot holds {MostBytes} at most");
    }

    private static uint[][] TablesOf(InstanceData instance)
    {
        var tables = new uint[instance.Tables.Length][];
        for (int i = 0; i < tables.Length; i++)
        {
            TableInstance table = instance.Tables[i];
            bool isManaged = TypeShape.IsManaged(table.Type.Element, instance.Store.Engine.Types);
            uint[] elements = new uint[(int)table.Length];
            for (int e = 0; e < elements.Length; e++)
            {
                ulong raw = table.Elements[e];
                if (raw == 0)
                    continue;
                if (isManaged)
                    throw Refuse($"element {e} of table {i} is a reference to an object, of the host or of the collector");
                if (FunctionNumber(instance, raw) is not uint number)
                    throw Refuse($"element {e} of table {i} is a function of the host or of another instance");
                elements[e] = number;
            }
            tables[i] = elements;
        }
        return tables;
    }

    private static RawValue[] GlobalsOf(InstanceData instance)
    {
        WasmModule wasm = instance.Module.Wasm;
        var globals = new RawValue[wasm.Globals.Length];
        for (int i = 0; i < globals.Length; i++)
        {
            ValType type = instance.GlobalType(i).Type;
            RawValue value = *instance.GlobalCell(i);
            if (type.IsReference && value.Low != 0)
            {
                if (TypeShape.IsManaged(type, instance.Store.Engine.Types))
                    throw Refuse($"global {i} is a reference to an object, of the host or of the collector");
                if (FunctionNumber(instance, value.Low) is not uint number)
                    throw Refuse($"global {i} is a function of the host or of another instance");
                value.Low = number;
            }
            // What is not mutable is evaluated anew.
            if (wasm.Globals[i].IsMutable)
                globals[i] = Normalize(type, value);
        }
        return globals;
    }

    /// <summary>A value without the bits that its type leaves undefined.</summary>
    public static RawValue Normalize(ValType type, RawValue value) => new()
    {
        Low = type == ValType.I32 || type == ValType.F32 ? (uint)value.Low : value.Low,
        High = type.IsVector ? value.High : 0,
    };

    // The records of a VM context lie in two rows; a reference into either is a function of this instance.
    private static uint? FunctionNumber(InstanceData instance, ulong record)
    {
        ModuleCore module = instance.Module;
        ulong offset = record - (ulong)instance.Context;
        if (offset >= (ulong)module.Layout.Size)
            return null;
        int imported = module.Wasm.ImportedFunctionCount;
        ReadOnlySpan<int> escaping = module.Layout.EscapingFunctions;
        const int Size = FunctionReferenceRecord.Size;
        if (imported != 0 && (int)offset - module.Layout.FunctionReference(0) is >= 0 and int first && first < imported * Size && first % Size == 0)
            return (uint)(first / Size) + 1;
        return (int)offset - module.Layout.FunctionReferences is >= 0 and int own && own < escaping.Length * Size && own % Size == 0 ? (uint)escaping[own / Size] + 1 : null;
    }

    private static bool[] DroppedElements(InstanceData instance)
    {
        bool[] dropped = new bool[instance.Module.Wasm.Elements.Length];
        for (int i = 0; i < dropped.Length; i++)
            dropped[i] = *instance.ElementSegmentState(i) == 0;
        return dropped;
    }

    private static bool[] DroppedData(InstanceData instance)
    {
        bool[] dropped = new bool[instance.Module.Wasm.Data.Length];
        for (int i = 0; i < dropped.Length; i++)
            dropped[i] = *instance.DataSegmentState(i) == 0;
        return dropped;
    }

    private static SnapshotException Refuse(string reason) => new($"The state of the instance cannot be taken: {reason}.");
}

// Gives an instance a state that was taken. Both ways end in the same state:
//   - Load: an instance that is being made, whose memories and tables have the image's lengths and are otherwise zero;
//   - Apply: an instance that has just been made and runs nothing, whose state the difference was taken against.
//
// Everything in an image or a difference has been checked against the module before (StateEncoding, or it was taken from an instance of the module): numbers are of functions that have a record,
// of the right type. What can still fail is room, and then the caller ends the instance.
using Tarn.Memories;
using Tarn.Tables;

namespace Tarn.Snapshots;

internal static unsafe class StateRestore
{
    /// <summary>Fills memories, tables, globals and the states of segments. Function references and globals that are not mutable are there already.</summary>
    /// <exception cref="InstantiationException">The system refuses memory.</exception>
    public static void Load(InstanceData instance, InstanceImage image)
    {
        WasmModule wasm = instance.Module.Wasm;
        for (int i = 0; i < image.Memories.Length; i++)
            instance.Memories[i].Load(image.Memories[i].Pages);
        for (int i = 0; i < image.Tables.Length; i++)
        {
            TableInstance table = instance.Tables[i];
            uint[] elements = image.Tables[i];
            for (int e = 0; e < elements.Length; e++)
            {
                if (elements[e] != 0)
                    table.Elements[e] = Record(instance, elements[e]);
            }
            table.IsDirty = true;
        }
        for (int i = 0; i < image.Globals.Length; i++)
        {
            if (wasm.Globals[i].IsMutable)
                SetGlobal(instance, i, image.Globals[i]);
        }
        SetSegments(instance, image.DroppedElements, image.DroppedData);
    }

    /// <summary>Applies what differs. Inside the store.</summary>
    /// <exception cref="InstantiationException">A limit, or the system, does not allow a memory or a table of the size that it had.</exception>
    public static void Apply(InstanceData instance, StateDifference difference)
    {
        for (int i = 0; i < difference.Memories.Length; i++)
        {
            MemoryInstance memory = instance.Memories[i];
            MemoryState state = difference.Memories[i];
            Grow(instance, memory, i, state.ByteLength);
            PageImage pages = state.Pages;
            for (int p = 0; p < pages.Pages.Length; p++)
            {
                ulong offset = (ulong)pages.Pages[p] * (ulong)pages.PageSize;
                ulong count = Math.Min((ulong)pages.PageSize, state.ByteLength - offset);
                new ReadOnlySpan<byte>(pages.At(p), (int)count).CopyTo(memory.Bytes(offset, count));
            }
        }
        for (int i = 0; i < difference.Tables.Length; i++)
        {
            TableInstance table = instance.Tables[i];
            TableChanges changes = difference.Tables[i];
            if (changes.Length < table.Length)
                throw new InstantiationException($"Table {i} has {table.Length} elements and had {changes.Length} in the saved state: the state is of another template.");
            ulong more = changes.Length - table.Length;
            if (more != 0 && StoreQuota.Grow(instance.Store, table, more, 0) < 0)
                throw new InstantiationException($"The saved state does not fit: {StoreQuota.DescribeRefusal(instance.Store, table, more)}.");
            table.IsDirty = true;
            foreach ((uint index, uint function) in changes.Elements)
                table.Elements[index] = function == 0 ? 0 : Record(instance, function);
        }
        foreach ((int index, RawValue value) in difference.Globals)
            SetGlobal(instance, index, value);
        SetSegments(instance, difference.DroppedElements, difference.DroppedData);
    }

    private static void Grow(InstanceData instance, MemoryInstance memory, int index, ulong bytes)
    {
        if (bytes < memory.ByteLength)
            throw new InstantiationException($"Memory {index} has {memory.ByteLength} bytes and had {bytes} in the saved state: the state is of another template.");
        ulong pages = (bytes - memory.ByteLength) >> memory.Type.PageSizeLog2;
        if (pages != 0 && StoreQuota.Grow(instance.Store, memory, pages) < 0)
            throw new InstantiationException($"The saved state does not fit: {StoreQuota.DescribeRefusal(instance.Store, memory, pages)}.");
    }

    private static void SetGlobal(InstanceData instance, int index, RawValue value)
    {
        if (instance.Module.Wasm.Globals[index].Type.IsReference && value.Low != 0)
            value.Low = Record(instance, (uint)value.Low);
        *instance.GlobalCell(index) = value;
    }

    private static void SetSegments(InstanceData instance, bool[] droppedElements, bool[] droppedData)
    {
        WasmModule wasm = instance.Module.Wasm;
        for (int i = 0; i < droppedElements.Length; i++)
            *instance.ElementSegmentState(i) = droppedElements[i] ? 0 : (ulong)wasm.Elements[i].Count;
        for (int i = 0; i < droppedData.Length; i++)
            *instance.DataSegmentState(i) = droppedData[i] ? 0 : (ulong)wasm.Data[i].Length;
    }

    private static ulong Record(InstanceData instance, uint number) => (ulong)(instance.Context + instance.Module.Layout.FunctionReference((int)number - 1));
}

// Work on managed objects that compiled code leaves to the runtime, and that constant expressions ask for. Whoever calls this is inside the store; offsets are references whose types validation has
// checked, and bounds are checked here.
using Tarn.Compiler.Abi;
using Tarn.Heaps;

namespace Tarn.Stores;

using TrapCode = Tarn.TrapCode;

internal static unsafe class HeapOperations
{
    /// <summary>Writes a value as a field or element of a type, without noting it for the collector.</summary>
    public static void Write(ManagedHeap heap, uint at, ValType storage, in RawValue value)
    {
        byte* to = heap.Base + at;
        if (storage.IsReference)
        {
            *(uint*)to = heap.Types.IsFunction(storage) ? heap.Functions.Of((nint)value.Low) : (uint)value.Low;
            return;
        }
        switch (storage.Size)
        {
            case 1:
                *to = (byte)value.Low;
                break;
            case 2:
                *(ushort*)to = (ushort)value.Low;
                break;
            case 4:
                *(uint*)to = (uint)value.Low;
                break;
            case 8:
                *(ulong*)to = value.Low;
                break;
            default:
                ((ulong*)to)[0] = value.Low;
                ((ulong*)to)[1] = value.High;
                break;
        }
    }

    /// <summary>Reads a field or element of a type; packed ones zero-extended.</summary>
    public static RawValue Read(ManagedHeap heap, uint at, ValType storage)
    {
        byte* from = heap.Base + at;
        if (storage.IsReference)
        {
            uint bits = *(uint*)from;
            return new RawValue { Low = heap.Types.IsFunction(storage) ? (ulong)heap.Functions.Record(bits) : bits };
        }
        return storage.Size switch
        {
            1 => new RawValue { Low = *from },
            2 => new RawValue { Low = *(ushort*)from },
            4 => new RawValue { Low = *(uint*)from },
            8 => new RawValue { Low = *(ulong*)from },
            _ => new RawValue { Low = ((ulong*)from)[0], High = ((ulong*)from)[1] },
        };
    }

    /// <summary>A structure with the given fields, or with zeros. Never collects.</summary>
    public static ulong NewStruct(ManagedHeap heap, uint typeId, ReadOnlySpan<RawValue> fields)
    {
        uint at = heap.AllocateInPlace(typeId, 0);
        TypeShape shape = heap.Types.Shape(typeId);
        for (int i = 0; i < fields.Length; i++)
            Store(heap, at + (uint)shape.FieldOffsets[i], shape.Fields[i].Storage, fields[i]);
        return at;
    }

    /// <summary>An array of one value over and over. Never collects.</summary>
    public static ulong NewArray(ManagedHeap heap, uint typeId, uint length, in RawValue value)
    {
        uint at = heap.AllocateInPlace(typeId, length);
        if (value.Low == 0 && value.High == 0)
            return at;
        TypeShape shape = heap.Types.Shape(typeId);
        for (uint i = 0; i < length; i++)
            Store(heap, at + ObjectLayout.Elements + (i << shape.ElementShift), shape.Fields[0].Storage, value);
        return at;
    }

    /// <summary>An array of the given elements. Never collects.</summary>
    public static ulong NewArray(ManagedHeap heap, uint typeId, ReadOnlySpan<RawValue> elements)
    {
        uint at = heap.AllocateInPlace(typeId, (uint)elements.Length);
        TypeShape shape = heap.Types.Shape(typeId);
        for (int i = 0; i < elements.Length; i++)
            Store(heap, at + ObjectLayout.Elements + ((uint)i << shape.ElementShift), shape.Fields[0].Storage, elements[i]);
        return at;
    }

    /// <summary><c>array.new_data</c>.</summary>
    public static ulong NewArrayFromData(InstanceData instance, ManagedHeap heap, uint typeId, int segment, uint offset, uint length)
    {
        RequireData(instance, segment, offset, length, heap.Types.Shape(typeId));
        uint at = heap.Allocate(typeId, length);
        CopyData(instance, heap, at, 0, segment, offset, length);
        return at;
    }

    /// <summary><c>array.init_data</c>.</summary>
    public static void InitializeArrayFromData(InstanceData instance, ManagedHeap heap, uint array, uint index, int segment, uint offset, uint count)
    {
        RequireElements(heap, array, index, count);
        RequireData(instance, segment, offset, count, heap.ShapeAt(array));
        CopyData(instance, heap, array, index, segment, offset, count);
    }

    /// <summary><c>array.new_elem</c>.</summary>
    public static ulong NewArrayFromElements(InstanceData instance, ManagedHeap heap, uint typeId, int segment, uint offset, uint length)
    {
        RequireItems(instance, segment, offset, length);
        uint at = heap.Allocate(typeId, length);
        CopyItems(instance, heap, at, 0, segment, offset, length);
        return at;
    }

    /// <summary><c>array.init_elem</c>.</summary>
    public static void InitializeArrayFromElements(InstanceData instance, ManagedHeap heap, uint array, uint index, int segment, uint offset, uint count)
    {
        RequireElements(heap, array, index, count);
        RequireItems(instance, segment, offset, count);
        CopyItems(instance, heap, array, index, segment, offset, count);
    }

    /// <summary><c>array.copy</c> of managed references; bounds have been checked.</summary>
    public static void CopyReferences(ManagedHeap heap, uint destination, uint to, uint source, uint from, uint count)
    {
        if (count == 0)
            return;
        uint at = destination + ObjectLayout.Elements + (to * sizeof(uint));
        Buffer.MemoryCopy(heap.Base + source + ObjectLayout.Elements + (from * sizeof(uint)), heap.Base + at, count * (long)sizeof(uint), count * (long)sizeof(uint));
        MarkCards(heap, at, count * sizeof(uint));
    }

    /// <summary>Writes a value as a field or element of a type.</summary>
    public static void Store(ManagedHeap heap, uint at, ValType storage, in RawValue value)
    {
        Write(heap, at, storage, value);
        if (storage.IsReference)
            heap.MarkCard(at);
    }

    private static void MarkCards(ManagedHeap heap, uint at, uint bytes)
    {
        if (ManagedHeap.IsYoung(at))
            return;
        for (uint card = at >> ObjectLayout.CardShift; card <= at + bytes - 1 >> ObjectLayout.CardShift; card++)
            heap.Space.Cards[card] = 1;
    }

    private static uint LengthOf(ManagedHeap heap, uint array) => *(uint*)(heap.Base + array + ObjectLayout.Length);

    private static void RequireElements(ManagedHeap heap, uint array, uint index, uint count)
    {
        if ((ulong)index + count > LengthOf(heap, array))
            throw heap.Owner.HeapTrap(TrapCode.ArrayOutOfBounds, null);
    }

    private static void RequireData(InstanceData instance, int segment, uint offset, uint count, TypeShape shape)
    {
        if (offset + ((ulong)count << shape.ElementShift) > *instance.DataSegmentState(segment))
            throw instance.Store.Trap(TrapCode.MemoryOutOfBounds, null);
    }

    private static void RequireItems(InstanceData instance, int segment, uint offset, uint count)
    {
        if ((ulong)offset + count > *instance.ElementSegmentState(segment))
            throw instance.Store.Trap(TrapCode.TableOutOfBounds, null);
    }

    private static void CopyData(InstanceData instance, ManagedHeap heap, uint array, uint index, int segment, uint offset, uint count)
    {
        if (count == 0)
            return;
        int shift = heap.ShapeAt(array).ElementShift;
        ReadOnlySpan<byte> data = instance.Module.Wasm.Read(instance.Module.Wasm.Data[segment]).Slice((int)offset, (int)(count << shift));
        data.CopyTo(new Span<byte>(heap.Base + array + ObjectLayout.Elements + ((ulong)index << shift), data.Length));
    }

    private static void CopyItems(InstanceData instance, ManagedHeap heap, uint array, uint index, int segment, uint offset, uint count)
    {
        ValType storage = heap.ShapeAt(array).Fields[0].Storage;
        for (uint i = 0; i < count; i++)
        {
            var value = new RawValue { Low = instance.ElementValue(segment, (int)(offset + i)) };
            Store(heap, array + ObjectLayout.Elements + ((index + i) * sizeof(uint)), storage, value);
        }
    }
}

// The managed objects of interpreted code: a heap of real memory laid out as ObjectLayout says, shared by all instances of a test, in which nothing is ever collected. An access is held to what has
// been allocated; one of the null zone traps if it says that it may, and fails the test if not.
using System.Runtime.InteropServices;
using Tarn.Compiler.Abi;
using Tarn.Wasm;
using Tarn.Wasm.Binary;

namespace Tarn.Compiler.Tests.Frontend;

internal static unsafe class IrHeap
{
    private const uint Bytes = 32 << 20;
    private const int MostTypes = 1 << 16;

    private static readonly byte* s_base = (byte*)NativeMemory.AllocZeroed(Bytes);
    private static readonly byte* s_descriptors = (byte*)NativeMemory.AllocZeroed(MostTypes << ObjectLayout.DescriptorShift);
    private static readonly ulong* s_functions = (ulong*)NativeMemory.AllocZeroed(MostTypes * sizeof(ulong));
    private static uint s_top = ObjectLayout.NullZone;
    private static int s_functionCount = 1;

    /// <summary>Forgets all objects.</summary>
    public static void Clear()
    {
        new Span<byte>(s_base, (int)s_top).Clear();
        s_top = ObjectLayout.NullZone;
        s_functionCount = 1;
    }

    /// <summary>Lets an instance's code find the heap, and the types of its module.</summary>
    public static void Attach(WasmModule module, byte* context, byte* execution)
    {
        *(ulong*)(context + VmContextHeader.HeapBase) = (ulong)s_base;
        *(ulong*)(context + VmContextHeader.TypeDescriptors) = (ulong)s_descriptors;
        *(ulong*)(execution + ExecutionRecordLayout.Functions) = (ulong)s_functions;
        *(ulong*)(execution + ExecutionRecordLayout.FunctionCount) = MostTypes;
        for (var i = 0; i < module.Types.Length; i++)
        {
            var id = module.CanonicalIds[i];
            var descriptor = (int*)(s_descriptors + (id << ObjectLayout.DescriptorShift));
            descriptor[ObjectLayout.DescriptorKind / sizeof(int)] = (int)module.Types[i].Composite.Kind;
            var display = module.Registry!.Display(id);
            for (var depth = 0; depth < ObjectLayout.DisplayLength; depth++)
            {
                descriptor[(ObjectLayout.DescriptorDisplay / sizeof(int)) + depth] = depth < display.Length ? display[depth] : -1;
            }
        }
    }

    /// <summary>Room for an object.</summary>
    public static uint Allocate(ulong bytes)
    {
        if (bytes > Bytes - s_top)
        {
            throw new NotSupportedException("too many objects for the test");
        }

        var at = s_top;
        s_top += (uint)bytes;
        return at;
    }

    /// <summary>Holds an access to what has been allocated.</summary>
    public static void Check(ulong address, int width, bool mayFault)
    {
        var at = address - (ulong)s_base;
        if (at < ObjectLayout.NullZone && mayFault)
        {
            throw new IrTrapException((byte)TrapCode.NullReference);
        }

        if (at < ObjectLayout.NullZone || at + (ulong)width > s_top)
        {
            throw new InvalidOperationException($"an access of {width} bytes at 0x{at:x} is of no object");
        }
    }

    /// <summary>A new object, all zero.</summary>
    public static uint New(TypeRegistry types, int typeId, uint length)
    {
        var type = types[typeId].Composite;
        var bytes = type is StructType structure ? ObjectLayout.FieldOffsets(structure)[^1] : ObjectLayout.ArrayBytes(((ArrayType)type).Element.Storage, length);
        var at = Allocate((ulong)bytes);
        *(int*)(s_base + at) = typeId;
        if (type is ArrayType)
        {
            *(uint*)(s_base + at + ObjectLayout.Length) = length;
        }

        return at;
    }

    /// <summary>Writes a field or element.</summary>
    public static void Write(TypeRegistry types, uint at, ValType storage, UInt128 value)
    {
        if (storage.IsReference && storage.Heap is var heap && (heap.IsConcrete ? types[heap.TypeIndex].Composite.Kind == CompositeKind.Function : heap == HeapType.Func))
        {
            value = Handle((ulong)value);
        }

        var bytes = ObjectLayout.BytesOf(storage);
        Buffer.MemoryCopy(&value, s_base + at, bytes, bytes);
    }

    /// <summary>The index of a function.</summary>
    public static uint Handle(ulong record)
    {
        if (record == 0)
        {
            return 0;
        }

        s_functions[s_functionCount] = record;
        return (uint)s_functionCount++;
    }

    /// <summary>The type of an object.</summary>
    public static int TypeOf(uint at) => *(int*)(s_base + at);

    /// <summary>The length of an array.</summary>
    public static uint LengthOf(uint at) => *(uint*)(s_base + at + ObjectLayout.Length);

    /// <summary>Where an array's elements are.</summary>
    public static uint Element(TypeRegistry types, uint array, uint index)
        => array + ObjectLayout.Elements + (index << ObjectLayout.ShiftOf(((ArrayType)types[TypeOf(array)].Composite).Element.Storage));

    /// <summary>The element type of an array.</summary>
    public static ValType ElementOf(TypeRegistry types, uint array) => ((ArrayType)types[TypeOf(array)].Composite).Element.Storage;

    /// <summary>Copies bytes to where an object is.</summary>
    public static void Copy(ReadOnlySpan<byte> from, uint to) => from.CopyTo(new Span<byte>(s_base + to, from.Length));

    /// <summary>Copies references from array to array.</summary>
    public static void Move(uint to, uint from, uint bytes) => Buffer.MemoryCopy(s_base + from, s_base + to, bytes, bytes);

    /// <summary>Evaluates the instructions that make objects in constant expressions.</summary>
    public static bool TryEvaluate(WasmModule module, Opcode opcode, ref WasmReader reader, Stack<UInt128> stack)
    {
        switch (opcode)
        {
            case Opcode.RefI31:
                stack.Push((uint)((uint)stack.Pop() << 1) | ObjectLayout.SmallIntegerBit);
                return true;
            case Opcode.AnyConvertExtern or Opcode.ExternConvertAny:
                return true;
            case < Opcode.StructNew or > Opcode.ArrayNewFixed:
                return false;
        }

        var index = reader.ReadIndex();
        var types = module.Registry!;
        var id = module.CanonicalIds[index];
        if (types[id].Composite is StructType structure)
        {
            var made = New(types, id, 0);
            for (var i = structure.Fields.Length - 1; i >= 0 && opcode == Opcode.StructNew; i--)
            {
                Write(types, made + (uint)ObjectLayout.FieldOffsets(structure)[i], structure.Fields[i].Storage, stack.Pop());
            }

            stack.Push(made);
            return true;
        }

        var length = opcode == Opcode.ArrayNewFixed ? (uint)reader.ReadIndex() : (uint)stack.Pop();
        var value = opcode == Opcode.ArrayNew ? stack.Pop() : 0;
        var array = New(types, id, length);
        for (var i = length; i-- > 0 && opcode != Opcode.ArrayNewDefault;)
        {
            Write(types, Element(types, array, i), ElementOf(types, array), opcode == Opcode.ArrayNewFixed ? stack.Pop() : value);
        }

        stack.Push(array);
        return true;
    }
}

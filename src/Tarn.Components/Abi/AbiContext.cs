// One side of a call: whose memory, allocator, string encoding and handles values are lifted from or lowered to.
//
// Every access to memory is bounds-checked here, against the memory as it is at that moment: an allocation may have grown it.
using System.Buffers.Binary;
using Tarn.Components.Runtime;

namespace Tarn.Components.Abi;

/// <summary>A side of a call.</summary>
internal sealed class AbiContext(InstanceState instance, ResourceRuntime?[] resources)
{
    private Memory _memory;
    private Function _realloc;
    private bool _hasMemory;

    public InstanceState Instance { get; } = instance;

    public StringEncoding Encoding { get; init; }

    public ResourceRuntime Resource(AbiType type) => resources[type.Resource]!;

    public void SetMemory(Memory memory)
    {
        _memory = memory;
        _hasMemory = true;
    }

    public void SetRealloc(Function realloc) => _realloc = realloc;

    /// <summary>Checks a range of memory.</summary>
    public void CheckRange(uint pointer, long size, string problem)
    {
        if (!_hasMemory || pointer + size > _memory.Length)
            throw new ComponentTrapException(ComponentTrapCode.OutOfBounds, problem);
    }

    public static void CheckAlignment(uint pointer, int alignment, string problem = "unaligned pointer")
    {
        if ((pointer & (uint)(alignment - 1)) != 0)
            throw new ComponentTrapException(ComponentTrapCode.UnalignedPointer, problem);
    }

    public Span<byte> Span(uint pointer, int size) => size == 0 ? default : _memory.AsSpan(pointer, size);

    public byte ReadByte(uint pointer) => Span(pointer, 1)[0];

    public ushort ReadUInt16(uint pointer) => BinaryPrimitives.ReadUInt16LittleEndian(Span(pointer, 2));

    public uint ReadUInt32(uint pointer) => BinaryPrimitives.ReadUInt32LittleEndian(Span(pointer, 4));

    public ulong ReadUInt64(uint pointer) => BinaryPrimitives.ReadUInt64LittleEndian(Span(pointer, 8));

    /// <summary>Writes the lowest bytes of a number.</summary>
    public void Write(uint pointer, ulong value, int size)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        bytes[..size].CopyTo(Span(pointer, size));
    }

    /// <summary>Asks the guest for memory and checks what it returns.</summary>
    public uint Realloc(uint old, uint oldSize, int alignment, uint size)
    {
        Span<Value> result = [default(Value)];
        _realloc.Invoke([Value.FromInt32((int)old), Value.FromInt32((int)oldSize), Value.FromInt32(alignment), Value.FromInt32((int)size)], result);
        uint pointer = (uint)result[0].AsInt32();
        CheckAlignment(pointer, alignment, "realloc return: result not aligned");
        CheckRange(pointer, size, "realloc return: beyond end of memory");
        return pointer;
    }
}

// A guest's list of buffers (iovec, ciovec: address at 0, length at 4, 8 bytes each), checked as a whole before any of it is used. Of a shared memory the list is a copy, so that what was
// checked is what is used; otherwise what is read into one buffer may overwrite it, and each entry is checked again.
using System.Buffers.Binary;

namespace Tarn.Wasi.Preview1;

internal readonly ref struct IoVectors
{
    public const int Most = 1024; // IOV_MAX
    private const int EntrySize = 8;
    private readonly ReadOnlySpan<byte> _entries;

    private IoVectors(ReadOnlySpan<byte> entries, uint totalLength)
    {
        _entries = entries;
        TotalLength = totalLength;
    }

    public int Count => _entries.Length / EntrySize;

    /// <summary>Bytes of all buffers together.</summary>
    public uint TotalLength { get; }

    /// <summary>Checks that the list and every buffer are in the guest's memory, and that lengths add up to what a result can say.</summary>
    public static WasiErrno Read(in WasiCall call, int address, int count, out IoVectors vectors)
    {
        vectors = default;
        if ((uint)count > Most)
            return WasiErrno.Invalid;
        if (!call.TryRead((uint)address, (ulong)(uint)count * EntrySize, out ReadOnlySpan<byte> entries))
            return WasiErrno.Fault;
        ulong total = 0;
        for (int i = 0; i < count; i++)
        {
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(entries[((i * EntrySize) + 4)..]);
            if (!call.Contains(BinaryPrimitives.ReadUInt32LittleEndian(entries[(i * EntrySize)..]), length))
                return WasiErrno.Fault;
            total += length;
        }
        if (total > int.MaxValue)
            return WasiErrno.Invalid;
        vectors = new IoVectors(entries, (uint)total);
        return WasiErrno.Success;
    }

    /// <summary>Where a buffer is, and its length: within the memory.</summary>
    public (ulong Address, int Length) Range(in WasiCall call, int index)
    {
        ReadOnlySpan<byte> entry = _entries.Slice(index * EntrySize, EntrySize);
        uint address = BinaryPrimitives.ReadUInt32LittleEndian(entry);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]);
        return call.Contains(address, length) ? (address, (int)length) : default;
    }

    /// <summary>Copies bytes into the buffers, in order.</summary>
    public void Scatter(in WasiCall call, ReadOnlySpan<byte> data)
    {
        for (int i = 0; i < Count && data.Length > 0; i++)
        {
            (ulong address, int length) = Range(call, i);
            int count = Math.Min(length, data.Length);
            call.TryCopyIn(address, data[..count]);
            data = data[count..];
        }
    }

    /// <summary>Copies the buffers' bytes out, in order, as far as there is room.</summary>
    /// <returns>How many.</returns>
    public int Gather(in WasiCall call, Span<byte> destination)
    {
        int gathered = 0;
        for (int i = 0; i < Count && gathered < destination.Length; i++)
        {
            (ulong address, int length) = Range(call, i);
            int count = Math.Min(length, destination.Length - gathered);
            if (count != 0)
                call.CopyOut(address, destination.Slice(gathered, count));
            gathered += count;
        }
        return gathered;
    }
}

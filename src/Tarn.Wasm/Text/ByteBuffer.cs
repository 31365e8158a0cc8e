// Growable bytes for the sections that the text parser emits. Invariant: bytes at and past Count are never read.
// Little-endian and LEB128 writing live here and nowhere else in the text format, so that every index is encoded in its shortest form.
using System.Buffers.Binary;

namespace Tarn.Wasm.Text;

/// <summary>A byte sequence under construction.</summary>
internal sealed class ByteBuffer
{
    private byte[] _bytes;

    public ByteBuffer(int capacity = 64) => _bytes = new byte[capacity];

    public int Count { get; private set; }

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Count);

    public ReadOnlySpan<byte> Slice(int start, int length) => _bytes.AsSpan(0, Count).Slice(start, length);

    public byte[] ToArray() => Span.ToArray();

    public void Clear() => Count = 0;

    /// <summary>Forgets everything past <paramref name="count"/>.</summary>
    public void Truncate(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)Count);
        Count = count;
    }

    public void Byte(byte value)
    {
        if (Count == _bytes.Length)
            Grow(1);
        _bytes[Count++] = value;
    }

    public void Bytes(ReadOnlySpan<byte> value)
    {
        value.CopyTo(Reserve(value.Length));
    }

    /// <summary>Appends what another buffer holds from <paramref name="start"/> on.</summary>
    public void Bytes(ByteBuffer other, int start = 0) => Bytes(other.Slice(start, other.Count - start));

    public void U32(uint value)
    {
        while (value >= 0x80)
        {
            Byte((byte)(value | 0x80));
            value >>= 7;
        }

        Byte((byte)value);
    }

    public void U64(ulong value)
    {
        while (value >= 0x80)
        {
            Byte((byte)(value | 0x80));
            value >>= 7;
        }

        Byte((byte)value);
    }

    /// <summary>A signed LEB128 number of any width up to 64 bits: the shortest form is the same for all of them.</summary>
    public void Signed(long value)
    {
        while (value is < -64 or > 63)
        {
            Byte((byte)(value | 0x80));
            value >>= 7;
        }

        Byte((byte)(value & 0x7F));
    }

    public void Fixed32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Reserve(4), value);

    public void Fixed64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Reserve(8), value);

    /// <summary>A vector of bytes: length, then content.</summary>
    public void Counted(ReadOnlySpan<byte> value)
    {
        U32((uint)value.Length);
        Bytes(value);
    }

    private Span<byte> Reserve(int length)
    {
        if (_bytes.Length - Count < length)
            Grow(length);
        Span<byte> span = _bytes.AsSpan(Count, length);
        Count += length;
        return span;
    }

    private void Grow(int atLeast) =>
        Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max((long)Count + atLeast, _bytes.Length * 2L)));
}

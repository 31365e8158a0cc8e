// The few encodings that the module generator needs: LEB128, sections, vectors. Kept apart from the product's own encoder on
// purpose, so that a fault there cannot hide a fault here.
using System.Buffers.Binary;
using System.Text;

namespace Tarn.Differential.Tests;

/// <summary>A growing byte buffer with WebAssembly's integer encodings.</summary>
internal sealed class ByteWriter
{
    private readonly List<byte> _bytes = [];

    public int Length => _bytes.Count;

    public byte[] ToArray() => [.. _bytes];

    public void Byte(int value) => _bytes.Add((byte)value);

    public void Bytes(ReadOnlySpan<byte> bytes) => _bytes.AddRange(bytes);

    public void U32(uint value)
    {
        while (value >= 0x80)
        {
            _bytes.Add((byte)(value | 0x80));
            value >>= 7;
        }

        _bytes.Add((byte)value);
    }

    public void U64(ulong value)
    {
        while (value >= 0x80)
        {
            _bytes.Add((byte)(value | 0x80));
            value >>= 7;
        }

        _bytes.Add((byte)value);
    }

    public void S64(long value)
    {
        while (value is < -64 or > 63)
        {
            _bytes.Add((byte)(value | 0x80));
            value >>= 7;
        }

        _bytes.Add((byte)(value & 0x7F));
    }

    public void F32(float value)
    {
        Span<byte> raw = stackalloc byte[4];
        BinaryPrimitives.WriteSingleLittleEndian(raw, value);
        Bytes(raw);
    }

    public void F64(double value)
    {
        Span<byte> raw = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleLittleEndian(raw, value);
        Bytes(raw);
    }

    public void Name(string name)
    {
        U32((uint)Encoding.UTF8.GetByteCount(name));
        Bytes(Encoding.UTF8.GetBytes(name));
    }

    public void Section(int id, ByteWriter content)
    {
        Byte(id);
        U32((uint)content.Length);
        Bytes(content.ToArray());
    }
}

// Reads one DWARF section. Two things hold whatever the bytes are: nothing is read outside of the section, and every read takes a step of a budget that all readers of one lookup share.
// Both end in DwarfException, which nobody but DwarfInformation sees.
using System.Buffers.Binary;
using System.Text;

namespace Tarn.Symbols;

internal ref struct DwarfReader
{
    private const int LongestText = 1024;
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly DwarfBudget _budget;

    public DwarfReader(ReadOnlySpan<byte> bytes, int at, DwarfBudget budget)
    {
        _bytes = bytes;
        _budget = budget;
        Seek(at);
    }

    public int At { get; private set; }

    public readonly int End => _bytes.Length;

    public readonly bool IsAtEnd => At >= _bytes.Length;

    /// <summary>The same section up to an offset.</summary>
    public readonly DwarfReader Until(long end) => end >= At && end <= _bytes.Length ? new DwarfReader(_bytes[..(int)end], At, _budget) : throw new DwarfException();

    public void Seek(long at) => At = at >= 0 && at <= _bytes.Length ? (int)at : throw new DwarfException();

    public void Skip(long count) => Seek(count >= 0 ? At + count : throw new DwarfException());

    public byte U8() => Take(1)[0];

    public ushort U16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public uint U32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong U64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public ulong Sized(int size) => size switch
    {
        1 => U8(),
        2 => U16(),
        4 => U32(),
        8 => U64(),
        _ => throw new DwarfException(),
    };

    public ulong Unsigned()
    {
        ulong value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte b = U8();
            if (shift < 64)
                value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
                return value;
        }
    }

    public long Signed()
    {
        long value = 0;
        for (int shift = 0; ;)
        {
            byte b = U8();
            if (shift < 64)
                value |= (long)(b & 0x7F) << shift;
            shift += 7;
            if (b < 0x80)
                return shift < 64 && (b & 0x40) != 0 ? value | (-1L << shift) : value;
        }
    }

    /// <summary>A length of a unit; those of the 64-bit format, which no WebAssembly needs, are refused.</summary>
    public uint UnitLength() => U32() is < 0xFFFFFFF0 and uint length ? length : throw new DwarfException();

    /// <summary>A text that ends with a zero, as far as it is of use.</summary>
    public string Text()
    {
        ReadOnlySpan<byte> text = SkipText();
        return Encoding.UTF8.GetString(text[..Math.Min(text.Length, LongestText)]);
    }

    /// <summary>Steps over a text that ends with a zero.</summary>
    public ReadOnlySpan<byte> SkipText()
    {
        int length = _bytes[At..].IndexOf((byte)0);
        if (length < 0)
            throw new DwarfException();
        _budget.Spend(1 + (length / 16));
        ReadOnlySpan<byte> text = _bytes.Slice(At, length);
        At += length + 1;
        return text;
    }

    /// <summary>Takes a step, for what is done without reading.</summary>
    public readonly void Spend() => _budget.Spend(1);

    private ReadOnlySpan<byte> Take(int count)
    {
        _budget.Spend(1);
        if (count > _bytes.Length - At)
            throw new DwarfException();
        ReadOnlySpan<byte> taken = _bytes.Slice(At, count);
        At += count;
        return taken;
    }
}

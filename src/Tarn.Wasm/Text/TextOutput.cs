// Builds UTF-8 text: lines with bounded indentation, numbers that parse back to the same bits, strings and identifiers with their escapes. Indentation
// stops growing at a depth that no person reads, so that deeply nested code does not make quadratic output.
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Tarn.Wasm.Text;

/// <summary>Text under construction.</summary>
internal sealed class TextOutput
{
    private const int DeepestIndentation = 24;
    private const int FlushAt = 1 << 16;

    private readonly ByteBuffer _buffer = new(4096);
    private readonly Stream? _stream;

    /// <summary>Creates an output that is flushed to a stream as it grows, or kept whole where there is none.</summary>
    public TextOutput(Stream? stream) => _stream = stream;

    public int Depth { get; set; }

    public int Count => _buffer.Count;

    public ReadOnlySpan<byte> Span => _buffer.Span;

    public void Clear() => _buffer.Clear();

    /// <summary>Starts a line.</summary>
    public void Line()
    {
        if (_stream != null && _buffer.Count > FlushAt)
            Flush();
        _buffer.Byte((byte)'\n');
        for (int i = Math.Min(Depth, DeepestIndentation); i > 0; i--)
            _buffer.Bytes("  "u8);
    }

    public void Flush()
    {
        _stream?.Write(_buffer.Span);
        _buffer.Clear();
    }

    public void Write(ReadOnlySpan<byte> text) => _buffer.Bytes(text);

    public void Write(string text)
    {
        Span<byte> bytes = stackalloc byte[256];
        if (text.Length <= 80)
            _buffer.Bytes(bytes[..Encoding.UTF8.GetBytes(text, bytes)]);
        else
            _buffer.Bytes(Encoding.UTF8.GetBytes(text));
    }

    public void Space() => _buffer.Byte((byte)' ');

    public void Close() => _buffer.Byte((byte)')');

    public void Number(long value)
    {
        Span<byte> digits = stackalloc byte[24];
        Utf8Formatter.TryFormat(value, digits, out int length);
        _buffer.Bytes(digits[..length]);
    }

    public void Number(ulong value)
    {
        Span<byte> digits = stackalloc byte[24];
        Utf8Formatter.TryFormat(value, digits, out int length);
        _buffer.Bytes(digits[..length]);
    }

    /// <summary>A float by its bits: shortest decimal digits that parse back, or a NaN with its payload.</summary>
    public void Float32(uint bits)
    {
        float value = BitConverter.UInt32BitsToSingle(bits);
        if (float.IsFinite(value))
            Write(value.ToString("R", CultureInfo.InvariantCulture));
        else
            NotFinite(bits >> 31 != 0, bits & 0x7F_FFFF, 0x40_0000);
    }

    /// <summary>As <see cref="Float32"/>.</summary>
    public void Float64(ulong bits)
    {
        double value = BitConverter.UInt64BitsToDouble(bits);
        if (double.IsFinite(value))
            Write(value.ToString("R", CultureInfo.InvariantCulture));
        else
            NotFinite(bits >> 63 != 0, bits & 0xF_FFFF_FFFF_FFFF, 0x8_0000_0000_0000);
    }

    /// <summary>Bytes as a string; all but printable ASCII is escaped.</summary>
    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        _buffer.Byte((byte)'"');
        foreach (byte b in bytes)
        {
            if (b is >= 0x20 and < 0x7F and not ((byte)'"' or (byte)'\\'))
            {
                _buffer.Byte(b);
                continue;
            }

            _buffer.Byte((byte)'\\');
            if (b is (byte)'"' or (byte)'\\')
            {
                _buffer.Byte(b);
                continue;
            }

            _buffer.Byte(Hex(b >> 4));
            _buffer.Byte(Hex(b & 15));
        }

        _buffer.Byte((byte)'"');
    }

    /// <summary>A name as a string: letters of all scripts stay readable.</summary>
    public void Name(string name) => Write(Quote(name));

    /// <summary>The identifier for a name, which must not be empty.</summary>
    public static string Identifier(string name)
    {
        foreach (char c in name)
        {
            if (c >= 0x7F || !Lexer.IsIdentifierByte((byte)c))
                return "$" + Quote(name);
        }

        return "$" + name;
    }

    private static string Quote(string name)
    {
        StringBuilder text = new("\"", name.Length + 2);
        foreach (Rune rune in name.EnumerateRunes())
        {
            if (rune.Value is '"' or '\\')
                text.Append('\\').Append((char)rune.Value);
            else if (rune.Value is >= 0x20 and < 0x7F || (rune.Value > 0x9F && !IsInvisible(Rune.GetUnicodeCategory(rune))))
                text.Append(rune.ToString());
            else
                text.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
        }

        return text.Append('"').ToString();
    }

    // Separators, control and format characters (which can reverse a line), private use and the unassigned.
    private static bool IsInvisible(UnicodeCategory category) =>
        category is >= UnicodeCategory.SpaceSeparator and <= UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned;

    private static byte Hex(int digit) => (byte)(digit < 10 ? '0' + digit : 'a' + digit - 10);

    private void NotFinite(bool negative, ulong payload, ulong canonical)
    {
        if (negative)
            _buffer.Byte((byte)'-');
        Write(payload == 0 ? "inf"u8 : "nan"u8);
        if (payload != 0 && payload != canonical)
            Write(string.Create(CultureInfo.InvariantCulture, $":0x{payload:x}"));
    }
}

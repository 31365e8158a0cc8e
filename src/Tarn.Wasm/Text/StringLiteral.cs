// Values of string literals (specification 6.3.3, "Strings"). All methods take the literal with its quotes, as the lexer found it well formed.
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Tarn.Wasm.Text;

/// <summary>Escapes in strings.</summary>
internal static class StringLiteral
{
    /// <summary>Length of the escape that starts here with a backslash; 0 where it is none.</summary>
    public static int EscapeLength(ReadOnlySpan<byte> text) => Escape(text, out _, out _);

    /// <summary>The bytes that a literal means.</summary>
    public static byte[] ToBytes(ReadOnlySpan<byte> literal)
    {
        ByteBuffer buffer = new(literal.Length);
        AppendTo(buffer, literal);
        return buffer.ToArray();
    }

    /// <summary>Appends the bytes that a literal means.</summary>
    public static void AppendTo(ByteBuffer buffer, ReadOnlySpan<byte> literal)
    {
        ReadOnlySpan<byte> rest = literal[1..^1];
        Span<byte> encoded = stackalloc byte[4];
        while (!rest.IsEmpty)
        {
            int plain = rest.IndexOf((byte)'\\');
            if (plain < 0)
            {
                buffer.Bytes(rest);
                return;
            }

            buffer.Bytes(rest[..plain]);
            rest = rest[plain..];
            int length = Escape(rest, out uint value, out bool isRune);
            if (isRune)
                buffer.Bytes(encoded[..new Rune(value).EncodeToUtf8(encoded)]);
            else
                buffer.Byte((byte)value);
            rest = rest[length..];
        }
    }

    /// <summary>Whether what the literal means is UTF-8.</summary>
    public static bool IsUtf8(ReadOnlySpan<byte> literal)
    {
        // The source is UTF-8, so that only an escape can spoil it.
        return !literal.Contains((byte)'\\') || Utf8.IsValid(ToBytes(literal));
    }

    private static int Escape(ReadOnlySpan<byte> text, out uint value, out bool isRune)
    {
        value = 0;
        isRune = false;
        if (text.Length < 2)
            return 0;
        switch (text[1])
        {
            case (byte)'t':
                value = '\t';
                return 2;
            case (byte)'n':
                value = '\n';
                return 2;
            case (byte)'r':
                value = '\r';
                return 2;
            case (byte)'"' or (byte)'\'' or (byte)'\\':
                value = text[1];
                return 2;
            case (byte)'u':
                isRune = true;
                return RuneEscape(text, out value);
            default:
                return text.Length >= 3 && byte.TryParse(text[1..3], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte b)
                    ? Found(b, out value) : 0;
        }

        static int Found(byte b, out uint value)
        {
            value = b;
            return 3;
        }
    }

    private static int RuneEscape(ReadOnlySpan<byte> text, out uint value)
    {
        value = 0;
        if (text.Length < 5 || text[2] != '{')
            return 0;
        bool digit = false;
        for (int i = 3; i < text.Length; i++)
        {
            int d = NumberSyntax.HexDigit(text[i]);
            if (d >= 0)
            {
                value = (value << 4) | (uint)d;
                if (value > 0x10FFFF)
                    return 0;
                digit = true;
            }
            else if (text[i] == '}')
            {
                return digit && Rune.IsValid(value) ? i + 1 : 0;
            }
            else if (text[i] != '_' || !digit || i + 1 >= text.Length || NumberSyntax.HexDigit(text[i + 1]) < 0)
            {
                return 0;
            }
        }

        return 0;
    }
}

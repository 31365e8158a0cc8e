// Names, arguments and variables of a Unix host are bytes, and .NET's strings are UTF-16. A byte that is not part of valid UTF-8 becomes a lone low surrogate, U+DC80 to U+DCFF,
// and that becomes the byte again: strings carry every name unchanged, and two names never become one (the convention of Python's "surrogateescape", PEP 383).
//
// Invariants: ToBytes(FromBytes(b)) is b for all bytes. FromBytes gives one string for one sequence of bytes, so strings may be keys; what comes from an embedder and is to be a
// key goes through Canonical first, since "\uDCC3\uDCA9" and "é" are the same bytes.
using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Tarn.Wasi;

/// <summary>Converts between the bytes that guests and Unix hosts use for names and the strings of this library. Bytes that are not UTF-8 become lone surrogates U+DC80 to U+DCFF.</summary>
public static class WasiText
{
    private const char FirstEscape = '\uDC80';
    private const char LastEscape = '\uDCFF';
    private const int EscapeBase = 0xDC00;
    private const int MostBytesPerChar = 3;

    /// <summary>Converts bytes to a string from which <see cref="ToBytes"/> restores them.</summary>
    /// <param name="bytes">UTF-8, or any other bytes.</param>
    /// <returns>The text; each byte that is not part of valid UTF-8 is a lone surrogate U+DC00 plus the byte.</returns>
    public static string FromBytes(ReadOnlySpan<byte> bytes)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes))
            return Encoding.UTF8.GetString(bytes);
        var text = new StringBuilder(bytes.Length);
        Span<char> units = stackalloc char[2];
        while (bytes.Length > 0)
        {
            OperationStatus status = Rune.DecodeFromUtf8(bytes, out Rune rune, out int length);
            if (status == OperationStatus.Done)
            {
                text.Append(units[..rune.EncodeToUtf16(units)]);
            }
            else
            {
                foreach (byte b in bytes[..length])
                    text.Append((char)(EscapeBase + b));
            }
            bytes = bytes[length..];
        }
        return text.ToString();
    }

    /// <summary>Converts a string to bytes: UTF-8, and the byte itself for each lone surrogate U+DC80 to U+DCFF.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The bytes.</returns>
    /// <exception cref="ArgumentException">The text holds another lone surrogate, which stands for nothing.</exception>
    public static byte[] ToBytes(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryToBytes(text, out byte[]? bytes)
            ? bytes
            : throw new ArgumentException($"The text \"{Display(text)}\" holds half of a surrogate pair, which is neither a character nor a byte (U+DC80 to U+DCFF).", nameof(text));
    }

    /// <summary>Whether a string is Unicode text, with no byte in it that is not UTF-8.</summary>
    /// <param name="text">The text.</param>
    /// <returns><see langword="true"/> if every surrogate is part of a pair.</returns>
    public static bool IsUnicode(ReadOnlySpan<char> text)
    {
        int at = text.IndexOfAnyInRange('\uD800', '\uDFFF');
        while (at >= 0 && at < text.Length)
        {
            if (Rune.DecodeFromUtf16(text[at..], out _, out int length) != OperationStatus.Done)
                return false;
            at += length;
        }
        return true;
    }

    /// <summary>Gets a text for messages, in which bytes that are not UTF-8 are spelt <c>\xff</c>.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The text itself if it has no such bytes.</returns>
    public static string Display(string text)
    {
        if (IsUnicode(text))
            return text;
        var shown = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length;)
        {
            if (Rune.DecodeFromUtf16(text.AsSpan(i), out Rune rune, out int length) == OperationStatus.Done)
                shown.Append(rune.ToString());
            else if (text[i] is >= FirstEscape and <= LastEscape)
                shown.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\x{text[i] - EscapeBase:x2}");
            else
                shown.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\u{{{(int)text[i]:x}}}");
            i += length;
        }
        return shown.ToString();
    }

    /// <summary>The one string that <see cref="FromBytes"/> makes of a text's bytes.</summary>
    internal static string Canonical(string text) => IsUnicode(text) ? text : FromBytes(ToBytes(text));

    /// <summary>As <see cref="ToBytes"/>.</summary>
    internal static bool TryToBytes(string text, [NotNullWhen(true)] out byte[]? bytes)
    {
        if (IsUnicode(text))
        {
            bytes = Encoding.UTF8.GetBytes(text);
            return true;
        }
        byte[] buffer = new byte[MaximumByteCount(text)];
        bytes = TryWrite(text, buffer, out int written) ? buffer[..written] : null;
        return bytes is not null;
    }

    /// <summary>How many bytes a text takes; half of a pair that stands for nothing counts as the replacement character would.</summary>
    internal static int ByteCount(string text)
    {
        int count = Encoding.UTF8.GetByteCount(text);
        return IsUnicode(text) ? count : TryToBytes(text, out byte[]? bytes) ? bytes.Length : count;
    }

    /// <summary>Room that <see cref="TryWrite"/> always finds enough.</summary>
    internal static int MaximumByteCount(string text) => text.Length * MostBytesPerChar;

    /// <summary>Writes a text's bytes.</summary>
    internal static bool TryWrite(ReadOnlySpan<char> text, Span<byte> bytes, out int written)
    {
        written = 0;
        while (text.Length > 0)
        {
            if (Rune.DecodeFromUtf16(text, out Rune rune, out int length) == OperationStatus.Done)
                written += rune.EncodeToUtf8(bytes[written..]);
            else if (text[0] is >= FirstEscape and <= LastEscape)
                bytes[written++] = (byte)(text[0] - EscapeBase);
            else
                return false;
            text = text[length..];
        }
        return true;
    }
}

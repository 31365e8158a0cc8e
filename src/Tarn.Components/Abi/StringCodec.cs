// Strings between guests' memories and the host (CanonicalABI.md, load_string and store_string). How often and with which sizes a guest's allocator is called when a string changes its
// encoding is part of the ABI: first for the best case, then for the worst, then for what it came to.
using System.Buffers;
using System.Text;
using System.Text.Unicode;
using Tarn.Components.Runtime;

namespace Tarn.Components.Abi;

/// <summary>Loading and storing of strings.</summary>
internal static class StringCodec
{
    /// <summary>In the mixed encoding: the string is UTF-16 and not Latin-1.</summary>
    public const uint Utf16Tag = 0x8000_0000;

    private const long MaximumBytes = (1L << 31) - 1;

    /// <summary>Loads a string.</summary>
    public static ComponentValue Load(AbiContext context, CallScope scope, uint pointer, uint units)
    {
        StringEncoding encoding = context.Encoding;
        bool wide = encoding == StringEncoding.Utf16 || (encoding == StringEncoding.Latin1Utf16 && (units & Utf16Tag) != 0);
        uint count = encoding == StringEncoding.Latin1Utf16 ? units & ~Utf16Tag : units;
        AbiContext.CheckAlignment(pointer, encoding == StringEncoding.Utf8 ? 1 : 2);
        long bytes = wide ? count * 2L : count;
        context.CheckRange(pointer, bytes, "string pointer/length out of bounds of memory");
        if (bytes > MaximumBytes)
            throw TooLong(bytes);
        scope.Charge(bytes * 2);
        ReadOnlySpan<byte> content = context.Span(pointer, (int)bytes);
        string text = encoding switch
        {
            StringEncoding.Utf8 => DecodeUtf8(content),
            _ when wide => DecodeUtf16(content),
            _ => System.Text.Encoding.Latin1.GetString(content),
        };
        return ComponentValue.FromGuestString(text, encoding, units);
    }

    /// <summary>Stores a string; returns where, and its length in code units.</summary>
    public static (uint Pointer, uint Units) Store(AbiContext context, ComponentValue value)
    {
        string text = value.Text;
        if (value.Origin is not (StringEncoding source, uint units))
            return StoreOwn(context, text);
        bool mixed = source == StringEncoding.Latin1Utf16;
        bool latin1 = mixed && (units & Utf16Tag) == 0;
        if (mixed)
        {
            units &= ~Utf16Tag;
            source = latin1 ? source : StringEncoding.Utf16;
        }

        switch (context.Encoding)
        {
            case StringEncoding.Utf8:
                return source switch
                {
                    StringEncoding.Utf8 => Copy(context, System.Text.Encoding.UTF8.GetBytes(text), units, 1),
                    StringEncoding.Utf16 => ToUtf8(context, text, units, units * 3L),
                    _ => ToUtf8(context, text, units, units * 2L),
                };
            case StringEncoding.Utf16:
                return source == StringEncoding.Utf8 ? Utf8ToUtf16(context, text, units) : Copy(context, System.Text.Encoding.Unicode.GetBytes(text), units, 2);
            default:
                if (!mixed)
                    return ToLatin1OrUtf16(context, text, units);
                return latin1 ? Copy(context, System.Text.Encoding.Latin1.GetBytes(text), units, 2) : ProbablyUtf16(context, text, units);
        }
    }

    // A string of the host has no encoding that the guest could know of: it is stored as if it were in the guest's, with one allocation of its exact size. Allocators for what is returned from
    // imports (cabi_import_realloc of the adapters for preview 1) do not move what they have allocated.
    private static (uint Pointer, uint Units) StoreOwn(AbiContext context, string text)
    {
        CheckLength(text.Length);
        if (context.Encoding == StringEncoding.Utf8)
        {
            byte[] utf8 = System.Text.Encoding.UTF8.GetBytes(text);
            return Copy(context, utf8, (uint)utf8.Length, 1);
        }

        if (context.Encoding == StringEncoding.Latin1Utf16 && !text.AsSpan().ContainsAnyExceptInRange('\0', '\u00FF'))
            return Copy(context, System.Text.Encoding.Latin1.GetBytes(text), (uint)text.Length, 2);
        return Copy(context, System.Text.Encoding.Unicode.GetBytes(text), context.Encoding == StringEncoding.Utf16 ? (uint)text.Length : (uint)text.Length | Utf16Tag, 2);
    }

    private static string DecodeUtf8(ReadOnlySpan<byte> content)
    {
        if (Utf8.IsValid(content))
            return System.Text.Encoding.UTF8.GetString(content);
        ReadOnlySpan<byte> rest = content;
        OperationStatus status;
        while ((status = Rune.DecodeFromUtf8(rest, out _, out int consumed)) == OperationStatus.Done)
            rest = rest[consumed..];
        int at = content.Length - rest.Length;
        throw new ComponentTrapException(
            ComponentTrapCode.InvalidString, status == OperationStatus.NeedMoreData ? $"incomplete utf-8 byte sequence from index {at}" : $"invalid utf-8 sequence from index {at}");
    }

    private static string DecodeUtf16(ReadOnlySpan<byte> content)
    {
        string text = System.Text.Encoding.Unicode.GetString(content);
        // Decoding replaces surrogates without a partner: what comes out is then not what was there.
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\uFFFD' && (content[i * 2] != 0xFD || content[(i * 2) + 1] != 0xFF))
                throw new ComponentTrapException(ComponentTrapCode.InvalidString, $"unpaired surrogate in a utf-16 string at index {i}");
        }

        return text;
    }

    private static ComponentTrapException TooLong(long bytes) => new(ComponentTrapCode.LimitReached, $"string content out-of-bounds: a string takes {bytes} bytes, and {MaximumBytes} are the most");

    private static void CheckLength(long bytes)
    {
        if (bytes > MaximumBytes)
            throw TooLong(bytes);
    }

    private static (uint Pointer, uint Units) Copy(AbiContext context, byte[] content, uint units, int alignment)
    {
        CheckLength(content.Length);
        uint pointer = context.Realloc(0, 0, alignment, (uint)content.Length);
        content.CopyTo(context.Span(pointer, content.Length));
        return (pointer, units);
    }

    private static (uint Pointer, uint Units) ToUtf8(AbiContext context, string text, uint units, long worst)
    {
        CheckLength(units);
        uint pointer = context.Realloc(0, 0, 1, units);
        byte[] encoded = System.Text.Encoding.UTF8.GetBytes(text);
        int plain = encoded.AsSpan().IndexOfAnyInRange((byte)0x80, (byte)0xFF);
        if (plain < 0)
        {
            encoded.CopyTo(context.Span(pointer, encoded.Length));
            return (pointer, units);
        }

        encoded.AsSpan(0, plain).CopyTo(context.Span(pointer, plain));
        CheckLength(worst);
        pointer = context.Realloc(pointer, units, 1, (uint)worst);
        encoded.AsSpan(plain).CopyTo(context.Span(pointer + (uint)plain, encoded.Length - plain));
        if (worst > encoded.Length)
            pointer = context.Realloc(pointer, (uint)worst, 1, (uint)encoded.Length);
        return (pointer, (uint)encoded.Length);
    }

    private static (uint Pointer, uint Units) Utf8ToUtf16(AbiContext context, string text, uint units)
    {
        long worst = units * 2L;
        CheckLength(worst);
        uint pointer = context.Realloc(0, 0, 2, (uint)worst);
        byte[] encoded = System.Text.Encoding.Unicode.GetBytes(text);
        encoded.CopyTo(context.Span(pointer, encoded.Length));
        if (encoded.Length < worst)
            pointer = context.Realloc(pointer, (uint)worst, 2, (uint)encoded.Length);
        return (pointer, (uint)text.Length);
    }

    private static (uint Pointer, uint Units) ToLatin1OrUtf16(AbiContext context, string text, uint units)
    {
        CheckLength(units);
        uint pointer = context.Realloc(0, 0, 2, units);
        int narrow = text.AsSpan().IndexOfAnyExceptInRange('\0', '\u00FF');
        if (narrow < 0)
        {
            System.Text.Encoding.Latin1.GetBytes(text).CopyTo(context.Span(pointer, text.Length));
            if (text.Length < units)
                pointer = context.Realloc(pointer, units, 2, (uint)text.Length);
            return (pointer, (uint)text.Length);
        }

        System.Text.Encoding.Latin1.GetBytes(text[..narrow]).CopyTo(context.Span(pointer, narrow));
        long worst = units * 2L;
        CheckLength(worst);
        pointer = context.Realloc(pointer, units, 2, (uint)worst);
        byte[] encoded = System.Text.Encoding.Unicode.GetBytes(text);
        encoded.CopyTo(context.Span(pointer, encoded.Length));
        if (worst > encoded.Length)
            pointer = context.Realloc(pointer, (uint)worst, 2, (uint)encoded.Length);
        return (pointer, (uint)text.Length | Utf16Tag);
    }

    private static (uint Pointer, uint Units) ProbablyUtf16(AbiContext context, string text, uint units)
    {
        long bytes = units * 2L;
        CheckLength(bytes);
        uint pointer = context.Realloc(0, 0, 2, (uint)bytes);
        byte[] encoded = System.Text.Encoding.Unicode.GetBytes(text);
        encoded.CopyTo(context.Span(pointer, encoded.Length));
        if (text.AsSpan().ContainsAnyExceptInRange('\0', '\u00FF'))
            return (pointer, units | Utf16Tag);
        System.Text.Encoding.Latin1.GetBytes(text).CopyTo(context.Span(pointer, text.Length));
        pointer = context.Realloc(pointer, (uint)bytes, 1, (uint)text.Length);
        return (pointer, (uint)text.Length);
    }
}

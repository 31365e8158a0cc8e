// Numbers of the text format (specification 6.3.1 and 6.3.2). Decimal fractions go to the framework's parser, which rounds correctly, once and
// in the width asked for (through double, a float would be rounded twice). Hexadecimal ones are rounded here: significant bits are gathered into
// 64 with a sticky bit below, so that ties go to even exactly, also for subnormals. A value that rounds to infinity is an error, not infinity.
using System.Buffers;
using System.Globalization;
using System.Numerics;

namespace Tarn.Wasm.Text;

/// <summary>Classifies and converts numbers.</summary>
internal static class NumberSyntax
{
    /// <summary>Value of a hexadecimal digit, -1 for any other byte.</summary>
    public static int HexDigit(byte value) => value switch
    {
        >= (byte)'0' and <= (byte)'9' => value - '0',
        >= (byte)'a' and <= (byte)'f' => value - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => value - 'A' + 10,
        _ => -1,
    };

    /// <summary>Natural, Integer, Float, or End where the word is not a number.</summary>
    public static TokenKind Classify(ReadOnlySpan<byte> word)
    {
        bool signed = word is [(byte)'+' or (byte)'-', ..];
        ReadOnlySpan<byte> rest = signed ? word[1..] : word;
        if (rest.IsEmpty)
            return TokenKind.End;
        if (rest[0] is (byte)'i' or (byte)'n')
        {
            if (rest.SequenceEqual("inf"u8) || rest.SequenceEqual("nan"u8))
                return TokenKind.Float;
            return rest.StartsWith("nan:0x"u8) && Digits(rest, 6, hex: true) == rest.Length ? TokenKind.Float : TokenKind.End;
        }

        bool hex = rest.StartsWith("0x"u8);
        int at = Digits(rest, hex ? 2 : 0, hex);
        if (at < 0)
            return TokenKind.End;
        if (at == rest.Length)
            return signed ? TokenKind.Integer : TokenKind.Natural;
        if (rest[at] == '.')
        {
            at++;
            if (at < rest.Length && HexDigit(rest[at]) is int d and >= 0 && (hex || d < 10))
                at = Digits(rest, at, hex);
            if (at < 0)
                return TokenKind.End;
        }

        if (at < rest.Length && (rest[at] | 0x20) == (hex ? 'p' : 'e'))
        {
            at++;
            if (at < rest.Length && rest[at] is (byte)'+' or (byte)'-')
                at++;
            at = Digits(rest, at, hex: false);
        }

        return at == rest.Length ? TokenKind.Float : TokenKind.End;
    }

    /// <summary>The value of digits without a sign; false where it needs more than 64 bits.</summary>
    public static bool TryMagnitude(ReadOnlySpan<byte> word, out ulong value)
    {
        value = 0;
        if (word.StartsWith("0x"u8))
        {
            foreach (byte b in word[2..])
            {
                if (b == '_')
                    continue;
                if (value >> 60 != 0)
                    return false;
                value = (value << 4) | (uint)HexDigit(b);
            }

            return true;
        }

        foreach (byte b in word)
        {
            if (b == '_')
                continue;
            uint digit = (uint)(b - '0');
            if (value > (ulong.MaxValue - digit) / 10)
                return false;
            value = (value * 10) + digit;
        }

        return true;
    }

    /// <summary>An integer of <paramref name="bits"/> bits, written signed or unsigned, as its bit pattern (sign-extended where it had a sign).</summary>
    public static bool TryInteger(ReadOnlySpan<byte> word, int bits, out ulong value)
    {
        bool negative = word[0] == '-';
        if (!TryMagnitude(word[0] is (byte)'-' or (byte)'+' ? word[1..] : word, out value))
            return false;
        ulong max = bits == 64 ? ulong.MaxValue : (1UL << bits) - 1;
        if (negative)
        {
            if (value > 1UL << (bits - 1))
                return false;
            value = unchecked(0UL - value);
            return true;
        }

        // With a plus sign the number is a signed one, whose range ends earlier.
        return value <= (word[0] == '+' ? max >> 1 : max);
    }

    /// <summary>The bits of a 32-bit float; false where it is out of range.</summary>
    public static bool TryFloat32(ReadOnlySpan<byte> word, out uint bits)
    {
        bool valid = TryFloat(word, 23, 8, out ulong wide);
        bits = (uint)wide;
        return valid;
    }

    /// <summary>The bits of a 64-bit float; false where it is out of range.</summary>
    public static bool TryFloat64(ReadOnlySpan<byte> word, out ulong bits) => TryFloat(word, 52, 11, out bits);

    /// <summary>Offset past the digits that start at <paramref name="at"/>, single underscores between them; -1 where there are none.</summary>
    private static int Digits(ReadOnlySpan<byte> word, int at, bool hex)
    {
        int limit = hex ? 16 : 10;
        int start = at;
        while (at < word.Length)
        {
            int d = HexDigit(word[at]);
            if (d >= 0 && d < limit)
                at++;
            else if (word[at] == '_' && at > start && at + 1 < word.Length && HexDigit(word[at + 1]) is int next and >= 0 && next < limit)
                at += 2;
            else
                break;
        }

        return at == start ? -1 : at;
    }

    private static bool TryFloat(ReadOnlySpan<byte> word, int mantissaBits, int exponentBits, out ulong bits)
    {
        bool negative = word[0] == '-';
        ReadOnlySpan<byte> rest = word[0] is (byte)'-' or (byte)'+' ? word[1..] : word;
        ulong sign = negative ? 1UL << (mantissaBits + exponentBits) : 0;
        ulong infinity = ((1UL << exponentBits) - 1) << mantissaBits;
        bool valid = true;
        if (rest[0] == 'i')
        {
            bits = infinity;
        }
        else if (rest[0] == 'n')
        {
            ulong payload = 1UL << (mantissaBits - 1);
            if (rest.Length > 3)
                valid = TryMagnitude(rest[4..], out payload) && payload != 0 && payload >> mantissaBits == 0;
            bits = infinity | payload;
        }
        else
        {
            bits = rest.StartsWith("0x"u8) ? HexFloat(rest[2..], mantissaBits, exponentBits) : DecimalFloat(rest, mantissaBits);
            valid = bits < infinity;
        }

        bits |= sign;
        return valid;
    }

    private static ulong DecimalFloat(ReadOnlySpan<byte> word, int mantissaBits)
    {
        byte[]? rented = null;
        if (word.Contains((byte)'_'))
        {
            rented = ArrayPool<byte>.Shared.Rent(word.Length);
            int length = 0;
            foreach (byte b in word)
            {
                if (b != '_')
                    rented[length++] = b;
            }

            word = rented.AsSpan(0, length);
        }

        const NumberStyles Style = NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        ulong bits = mantissaBits == 23
            ? BitConverter.SingleToUInt32Bits(float.Parse(word, Style, CultureInfo.InvariantCulture))
            : BitConverter.DoubleToUInt64Bits(double.Parse(word, Style, CultureInfo.InvariantCulture));
        if (rented != null)
            ArrayPool<byte>.Shared.Return(rented);
        return bits;
    }

    private static ulong HexFloat(ReadOnlySpan<byte> word, int mantissaBits, int exponentBits)
    {
        // The value is significand × 2^exponent, plus less than one unit of the significand if sticky.
        ulong significand = 0;
        long exponent = 0;
        bool sticky = false, fraction = false;
        int at = 0;
        for (; at < word.Length; at++)
        {
            byte c = word[at];
            if (c == '_')
                continue;
            if (c == '.')
            {
                fraction = true;
                continue;
            }

            int digit = HexDigit(c);
            if (digit < 0)
                break;
            if (significand >> 60 == 0)
            {
                significand = (significand << 4) | (uint)digit;
                exponent -= fraction ? 4 : 0;
            }
            else
            {
                sticky |= digit != 0;
                exponent += fraction ? 0 : 4;
            }
        }

        if (significand == 0)
            return 0;
        if (at < word.Length)
            exponent += Exponent(word[(at + 1)..]);

        // Normalise to a leading one in bit 63, then cut to the mantissa and round to nearest, ties to even.
        int shift = BitOperations.LeadingZeroCount(significand);
        significand <<= shift;
        exponent += 63 - shift;
        int bias = (1 << (exponentBits - 1)) - 1;
        ulong infinity = ((1UL << exponentBits) - 1) << mantissaBits;
        if (exponent > bias)
            return infinity;
        int drop = 63 - mantissaBits;
        ulong biased = 0;
        if (exponent >= 1 - bias)
            biased = (ulong)(exponent + bias - 1) << mantissaBits;
        else
            drop = (int)Math.Min(65, drop + (1 - bias - exponent));
        ulong kept = drop >= 64 ? 0 : significand >> drop;
        ulong lost = drop > 64 ? 0 : drop == 64 ? significand : significand << (64 - drop);
        if (drop > 64)
            sticky = true;
        const ulong Half = 1UL << 63;
        if (lost > Half || (lost == Half && (sticky || (kept & 1) != 0)))
            kept++;

        // The leading one of a normal number adds one to the exponent field, and so does a carry out of the mantissa.
        return biased + kept;
    }

    private static long Exponent(ReadOnlySpan<byte> digits)
    {
        // Saturates far beyond what a source of 2 GiB of zeros could make up for.
        bool negative = digits[0] == '-';
        long value = 0;
        foreach (byte b in digits[0] is (byte)'-' or (byte)'+' ? digits[1..] : digits)
        {
            if (b != '_' && value < 1L << 50)
                value = (value * 10) + (b - '0');
        }

        return negative ? -value : value;
    }
}

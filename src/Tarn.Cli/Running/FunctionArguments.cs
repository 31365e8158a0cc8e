// Values of functions on the command line, in both directions.
using System.Globalization;
using System.Text;
using Tarn.Wasm.Text;

namespace Tarn.Cli.Running;

internal static class FunctionArguments
{
    /// <summary>Reads arguments by a function's type.</summary>
    public static Value[] Parse(string[] texts, FunctionType type)
    {
        if (texts.Length != type.Parameters.Length)
            throw new ArgumentException($"the function takes {type.Parameters.Length} arguments, and {texts.Length} were given: {type}");
        var values = new Value[texts.Length];
        for (int i = 0; i < values.Length; i++)
        {
            try
            {
                values[i] = Parse(texts[i], type.Parameters[i].Kind);
            }
            catch (FormatException)
            {
                throw new ArgumentException($"argument {i + 1}: \"{texts[i]}\" is no {type.Parameters[i]}; the function is {type}");
            }
        }
        return values;
    }

    /// <summary>A value as the command line reads it, too: of numbers that are not, the text format's names and their bits.</summary>
    public static string Format(Value value) => value.Kind switch
    {
        ValueKind.I32 => value.AsInt32().ToString(CultureInfo.InvariantCulture),
        ValueKind.I64 => value.AsInt64().ToString(CultureInfo.InvariantCulture),
        ValueKind.F32 when !float.IsFinite(value.AsSingle()) => Special(float.IsNegative(value.AsSingle()), BitConverter.SingleToUInt32Bits(value.AsSingle()) & 0x7F_FFFF, 0x40_0000),
        ValueKind.F64 when !double.IsFinite(value.AsDouble()) =>
            Special(double.IsNegative(value.AsDouble()), BitConverter.DoubleToUInt64Bits(value.AsDouble()) & 0xF_FFFF_FFFF_FFFF, 0x8_0000_0000_0000),
        ValueKind.F32 => value.AsSingle().ToString("R", CultureInfo.InvariantCulture),
        ValueKind.F64 => value.AsDouble().ToString("R", CultureInfo.InvariantCulture),
        ValueKind.V128 => VectorArgument.Format(value),
        _ => value.ToString(),
    };

    private static string Special(bool negative, ulong payload, ulong canonical)
    {
        string name = payload == 0 ? "inf" : payload == canonical ? "nan" : string.Create(CultureInfo.InvariantCulture, $"nan:0x{payload:x}");
        return negative ? "-" + name : name;
    }

    private static Value Parse(string text, ValueKind kind) => kind switch
    {
        ValueKind.I32 => Value.FromInt32((int)ParseInteger(text, 32)),
        ValueKind.I64 => Value.FromInt64(ParseInteger(text, 64)),
        ValueKind.F32 => Value.FromSingle(BitConverter.UInt32BitsToSingle((uint)ParseFloat(text, 32))),
        ValueKind.F64 => Value.FromDouble(BitConverter.UInt64BitsToDouble(ParseFloat(text, 64))),
        ValueKind.V128 => VectorArgument.Parse(text, Parse),
        ValueKind.ExternRef when text != "null" => Value.FromObject(text),
        ValueKind.ExternRef => Value.NullExtern,
        ValueKind.FuncRef when text == "null" => Value.NullFunction,
        _ => throw new ArgumentException($"an argument of kind {kind} cannot be given on the command line"),
    };

    // The text format's numbers, hexadecimal ones, inf and nan:0x… among them, and what else people write: .5, 5., Infinity.
    private static ulong ParseFloat(string text, int bits)
    {
        string word = text.TrimStart('+', '-').ToLowerInvariant() switch
        {
            "infinity" => text[..^"infinity".Length] + "inf",
            "inf" or "nan" => text.ToLowerInvariant(),
            _ => text,
        };
        byte[] utf8 = Encoding.UTF8.GetBytes(word);
        if (NumberSyntax.Classify(utf8) != TokenKind.End)
        {
            if (bits == 32 && NumberSyntax.TryFloat32(utf8, out uint single))
                return single;
            if (bits == 64 && NumberSyntax.TryFloat64(utf8, out ulong number))
                return number;
            throw new OverflowException($"{text} does not fit an f{bits}");
        }
        double value = double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        float narrow = bits == 32 ? float.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture) : 0;
        if (!double.IsFinite(value) || !float.IsFinite(narrow))
            throw new OverflowException($"{text} does not fit an f{bits}");
        return bits == 32 ? BitConverter.SingleToUInt32Bits(narrow) : BitConverter.DoubleToUInt64Bits(value);
    }

    // Signed and unsigned notation are both welcome: -1 and 4294967295 are the same i32.
    private static long ParseInteger(string text, int bits)
    {
        bool negative = text.StartsWith('-');
        string digits = (text is ['-' or '+', ..] ? text[1..] : text).Replace("_", "", StringComparison.Ordinal);
        bool hexadecimal = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        string places = hexadecimal ? digits[2..] : digits;
        if (places.Length == 0 || !places.All(hexadecimal ? char.IsAsciiHexDigit : char.IsAsciiDigit))
            throw new FormatException();
        if (!ulong.TryParse(places, hexadecimal ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out ulong magnitude))
            throw new OverflowException($"{text} does not fit an i{bits}");
        ulong most = negative ? 1UL << (bits - 1) : bits == 64 ? ulong.MaxValue : (1UL << bits) - 1;
        if (magnitude > most)
            throw new OverflowException($"{text} does not fit an i{bits}");
        return negative ? unchecked(-(long)magnitude) : (long)magnitude;
    }
}

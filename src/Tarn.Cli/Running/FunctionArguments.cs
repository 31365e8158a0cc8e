// Values of functions on the command line, in both directions.
using System.Globalization;

namespace Tarn.Cli.Running;

internal static class FunctionArguments
{
    /// <summary>Reads arguments by a function's signature.</summary>
    public static Value[] Parse(string[] texts, FunctionSignature signature)
    {
        if (texts.Length != signature.Parameters.Length)
            throw new ArgumentException($"the function takes {signature.Parameters.Length} arguments, and {texts.Length} were given: {signature}");
        var values = new Value[texts.Length];
        for (int i = 0; i < values.Length; i++)
        {
            try
            {
                values[i] = Parse(texts[i], signature.Parameters[i]);
            }
            catch (FormatException)
            {
                throw new ArgumentException($"argument {i + 1}: \"{texts[i]}\" is no {signature.Parameters[i].ToString().ToLowerInvariant()}; the function is {signature}");
            }
        }
        return values;
    }

    public static string Format(Value value) => value.Kind switch
    {
        ValueKind.I32 => value.AsInt32().ToString(CultureInfo.InvariantCulture),
        ValueKind.I64 => value.AsInt64().ToString(CultureInfo.InvariantCulture),
        ValueKind.F32 => value.AsSingle().ToString("R", CultureInfo.InvariantCulture),
        ValueKind.F64 => value.AsDouble().ToString("R", CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    private static Value Parse(string text, ValueKind kind) => kind switch
    {
        ValueKind.I32 => Value.FromInt32((int)ParseInteger(text, 32)),
        ValueKind.I64 => Value.FromInt64(ParseInteger(text, 64)),
        ValueKind.F32 => Value.FromSingle((float)ParseFloat(text, static t => float.Parse(t, NumberStyles.Float, CultureInfo.InvariantCulture))),
        ValueKind.F64 => Value.FromDouble(ParseFloat(text, static t => double.Parse(t, NumberStyles.Float, CultureInfo.InvariantCulture))),
        ValueKind.ExternRef when text != "null" => Value.FromObject(text),
        ValueKind.ExternRef => Value.NullExtern,
        ValueKind.FuncRef when text == "null" => Value.NullFunction,
        _ => throw new ArgumentException($"an argument of kind {kind} cannot be given on the command line"),
    };

    // With the text format's names for what is no number.
    private static double ParseFloat(string text, Func<string, double> parse) => text.TrimStart('+') switch
    {
        "inf" or "infinity" => double.PositiveInfinity,
        "-inf" or "-infinity" => double.NegativeInfinity,
        "nan" => double.NaN,
        "-nan" => -double.NaN,
        _ => parse(text),
    };

    // Signed and unsigned notation are both welcome: -1 and 4294967295 are the same i32.
    private static long ParseInteger(string text, int bits)
    {
        bool negative = text.StartsWith('-');
        string digits = (text is ['-' or '+', ..] ? text[1..] : text).Replace("_", "", StringComparison.Ordinal);
        ulong magnitude = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? ulong.Parse(digits.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
            : ulong.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
        ulong most = negative ? 1UL << (bits - 1) : bits == 64 ? ulong.MaxValue : (1UL << bits) - 1;
        if (magnitude > most)
            throw new OverflowException($"{text} does not fit an i{bits}");
        return negative ? unchecked(-(long)magnitude) : (long)magnitude;
    }
}

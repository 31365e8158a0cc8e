// Vectors on the command line: 0x and up to 32 hexadecimal digits, of which the last are lane 0; or a shape and its lanes, as in the text format, between commas: i32x4:1,2,-3,4.
using System.Globalization;
using System.Runtime.Intrinsics;

namespace Tarn.Cli.Running;

internal static class VectorArgument
{
    private static readonly (string Name, ValueKind Kind, int Bits)[] s_shapes =
    [
        ("i8x16", ValueKind.I32, 8), ("i16x8", ValueKind.I32, 16), ("i32x4", ValueKind.I32, 32), ("i64x2", ValueKind.I64, 64), ("f32x4", ValueKind.F32, 32), ("f64x2", ValueKind.F64, 64),
    ];

    /// <summary>The bits of a vector, which <see cref="Parse"/> reads.</summary>
    public static string Format(Value value)
    {
        Vector128<ulong> halves = value.AsVector<ulong>();
        return string.Create(CultureInfo.InvariantCulture, $"0x{halves[1]:x16}{halves[0]:x16}");
    }

    /// <summary>Reads a vector; lanes are read by <paramref name="parseLane"/>.</summary>
    /// <exception cref="FormatException">The text is not a vector.</exception>
    /// <exception cref="OverflowException">A lane does not fit.</exception>
    public static Value Parse(string text, Func<string, ValueKind, Value> parseLane)
    {
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            return UInt128.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 bits) && text.Length > 2
                ? Value.FromVector(Vector128.Create((ulong)bits, (ulong)(bits >> 64)))
                : throw new FormatException();
        }

        int colon = text.IndexOf(':', StringComparison.Ordinal);
        (string? name, ValueKind kind, int width) = colon < 0 ? default : Array.Find(s_shapes, shape => text.AsSpan(0, colon).SequenceEqual(shape.Name));
        string[] lanes = name is null ? [] : text[(colon + 1)..].Split(',');
        if (name is null || lanes.Length != 128 / width)
        {
            throw new FormatException();
        }

        UInt128 vector = 0;
        for (int i = 0; i < lanes.Length; i++)
        {
            ulong lane = BitsOf(parseLane(lanes[i].Trim(), kind), width, lanes[i]);
            vector |= (UInt128)lane << (i * width);
        }

        return Value.FromVector(Vector128.Create((ulong)vector, (ulong)(vector >> 64)));
    }

    private static ulong BitsOf(Value lane, int width, string text)
    {
        switch (lane.Kind)
        {
            case ValueKind.I64:
                return (ulong)lane.AsInt64();
            case ValueKind.F32:
                return BitConverter.SingleToUInt32Bits(lane.AsSingle());
            case ValueKind.F64:
                return BitConverter.DoubleToUInt64Bits(lane.AsDouble());
        }

        // A number of fewer bits, signed or unsigned.
        int number = lane.AsInt32();
        if (width < 32 && (number < -(1 << (width - 1)) || number >= 1 << width))
        {
            throw new OverflowException($"{text} does not fit an i{width}");
        }

        return (uint)number & (uint.MaxValue >> (32 - width));
    }
}

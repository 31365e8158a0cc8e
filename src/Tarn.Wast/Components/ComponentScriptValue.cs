// Values of components in scripts: what a call is given and what it is expected to return. Compared structurally; a float may be a NaN of a class.
using System.Globalization;
using Tarn.Wasm.Component;

namespace Tarn.Wast.Components;

/// <summary>A value.</summary>
internal sealed class ComponentScriptValue
{
    public required ValueTypeKind Kind { get; init; }

    /// <summary>Bits of a number, a boolean or a character.</summary>
    public ulong Bits { get; init; }

    /// <summary>What a float may be.</summary>
    public NanClass Nan { get; init; }

    /// <summary>A string; the case of a variant, enum, option (<c>none</c>, <c>some</c>) or result (<c>ok</c>, <c>error</c>).</summary>
    public string Text { get; init; } = "";

    /// <summary>Names of fields, or of the flags that are set.</summary>
    public string[] Names { get; init; } = [];

    /// <summary>Elements, values of fields, a payload.</summary>
    public ComponentScriptValue[] Items { get; init; } = [];

    /// <summary>Whether a result is what is expected.</summary>
    public static bool Matches(ComponentScriptValue actual, ComponentScriptValue expected)
    {
        if (actual.Kind != expected.Kind || actual.Items.Length != expected.Items.Length || actual.Text != expected.Text)
            return false;
        switch (actual.Kind)
        {
            case ValueTypeKind.F32 when expected.Nan != NanClass.Exact:
                return float.IsNaN(BitConverter.UInt32BitsToSingle((uint)actual.Bits));
            case ValueTypeKind.F64 when expected.Nan != NanClass.Exact:
                return double.IsNaN(BitConverter.UInt64BitsToDouble(actual.Bits));
            case ValueTypeKind.Flags:
                return actual.Names.ToHashSet().SetEquals(expected.Names);
        }

        if (actual.Bits != expected.Bits || !actual.Names.SequenceEqual(expected.Names))
            return false;
        for (int i = 0; i < actual.Items.Length; i++)
        {
            if (!Matches(actual.Items[i], expected.Items[i]))
                return false;
        }

        return true;
    }

    public override string ToString() => Kind switch
    {
        ValueTypeKind.String => $"\"{Text}\"",
        ValueTypeKind.F32 => Nan != NanClass.Exact ? "nan" : BitConverter.UInt32BitsToSingle((uint)Bits).ToString("R", CultureInfo.InvariantCulture),
        ValueTypeKind.F64 => Nan != NanClass.Exact ? "nan" : BitConverter.UInt64BitsToDouble(Bits).ToString("R", CultureInfo.InvariantCulture),
        ValueTypeKind.Bool => Bits != 0 ? "true" : "false",
        ValueTypeKind.Flags => $"{{{string.Join(' ', Names)}}}",
        ValueTypeKind.List or ValueTypeKind.Tuple or ValueTypeKind.Record => $"{Kind.Keyword()}({string.Join(", ", (object[])Items)})",
        ValueTypeKind.Variant or ValueTypeKind.Enum or ValueTypeKind.Option or ValueTypeKind.Result => Items.Length == 0 ? Text : $"{Text}({Items[0]})",
        _ => $"{Kind.Keyword()} {(long)Bits}",
    };
}

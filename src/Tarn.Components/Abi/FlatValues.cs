// Core values of a call, as 64 bits each. A value that stands where a wider one is expected is in the lower bits with zeros above it, and is read from there, which is all that joined types
// of variants need (CanonicalABI.md, "Flattening").
using System.Runtime.CompilerServices;

namespace Tarn.Components.Abi;

/// <summary>A row of core values, read or written from the front.</summary>
internal ref struct FlatValues(Span<ulong> values)
{
    private readonly Span<ulong> _values = values;

    public int Position { get; private set; }

    public ulong Next() => _values[Position++];

    public void Add(ulong value) => _values[Position++] = value;

    /// <summary>Steps over values, or writes zeros, up to a position.</summary>
    public void MoveTo(int position, bool clear)
    {
        if (clear)
            _values[Position..position].Clear();
        Position = position;
    }

    /// <summary>The 64 bits of a value.</summary>
    public static ulong ToBits(in Value value) => value.Kind switch
    {
        ValueKind.I32 => (uint)value.AsInt32(),
        ValueKind.I64 => (ulong)value.AsInt64(),
        ValueKind.F32 => BitConverter.SingleToUInt32Bits(value.AsSingle()),
        _ => BitConverter.DoubleToUInt64Bits(value.AsDouble()),
    };

    /// <summary>A value of a core type from its bits.</summary>
    public static Value ToValue(ulong bits, ValType type)
    {
        if (type == ValType.I32)
            return Value.FromInt32((int)bits);
        if (type == ValType.I64)
            return Value.FromInt64((long)bits);
        return type == ValType.F32 ? Value.FromSingle(BitConverter.UInt32BitsToSingle((uint)bits)) : Value.FromDouble(BitConverter.UInt64BitsToDouble(bits));
    }
}

/// <summary>Room for the core values of a call.</summary>
[InlineArray(CanonicalLayout.MaxFlatParameters + 1)]
internal struct FlatBuffer
{
    private ulong _first;
}

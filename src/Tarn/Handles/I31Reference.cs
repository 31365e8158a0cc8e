// An i31 as the host sees it: an integer that stands where a reference may. It belongs to no store.
using System.Globalization;
using Tarn.Compiler.Abi;

namespace Tarn;

/// <summary>A small integer that stands where a guest's reference may: an <c>i31</c>. It belongs to no store.</summary>
public sealed class I31Reference : GuestReference
{
    /// <summary>Initializes a new instance of the <see cref="I31Reference"/> class.</summary>
    /// <param name="value">The integer, between −2³⁰ and 2³⁰ − 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="value"/> does not fit 31 bits.</exception>
    public I31Reference(int value)
    {
        if (value << 1 >> 1 != value)
            throw new ArgumentOutOfRangeException(nameof(value), value, "The value does not fit the 31 bits of an i31.");
        Value = value;
    }

    /// <summary>Gets the integer, sign-extended.</summary>
    public int Value { get; }

    /// <inheritdoc/>
    public override string ToString() => "i31 " + Value.ToString(CultureInfo.InvariantCulture);

    internal override ulong RawIn(StoreCore store) => ((uint)Value << 1) | ObjectLayout.SmallIntegerBit;
}

// A number as it travels between silos: its type and its bits. References have no meaning in another process, so there are none.

namespace Tarn.Orleans;

/// <summary>A number that is passed to a guest or returned by it.</summary>
[GenerateSerializer, Immutable, Alias("Tarn.GuestValue")]
public readonly record struct GuestValue
{
    private GuestValue(ValueKind kind, long bits)
    {
        Kind = kind;
        Bits = bits;
    }

    /// <summary>Gets the type: <see cref="ValueKind.I32"/>, <see cref="ValueKind.I64"/>, <see cref="ValueKind.F32"/> or <see cref="ValueKind.F64"/>.</summary>
    [Id(0)]
    public ValueKind Kind { get; init; }

    /// <summary>Gets the bits of the number, sign-extended to 64.</summary>
    [Id(1)]
    public long Bits { get; init; }

    /// <summary>Makes a value of the type <c>i32</c>.</summary>
    public static implicit operator GuestValue(int value) => FromInt32(value);

    /// <summary>Makes a value of the type <c>i64</c>.</summary>
    public static implicit operator GuestValue(long value) => FromInt64(value);

    /// <summary>Makes a value of the type <c>f32</c>.</summary>
    public static implicit operator GuestValue(float value) => FromSingle(value);

    /// <summary>Makes a value of the type <c>f64</c>.</summary>
    public static implicit operator GuestValue(double value) => FromDouble(value);

    /// <summary>Makes a value of the type <c>i32</c>.</summary>
    public static GuestValue FromInt32(int value) => new(ValueKind.I32, value);

    /// <summary>Makes a value of the type <c>i64</c>.</summary>
    public static GuestValue FromInt64(long value) => new(ValueKind.I64, value);

    /// <summary>Makes a value of the type <c>f32</c>.</summary>
    public static GuestValue FromSingle(float value) => new(ValueKind.F32, BitConverter.SingleToInt32Bits(value));

    /// <summary>Makes a value of the type <c>f64</c>.</summary>
    public static GuestValue FromDouble(double value) => new(ValueKind.F64, BitConverter.DoubleToInt64Bits(value));

    /// <summary>Returns the number.</summary>
    /// <exception cref="InvalidOperationException">It has another type.</exception>
    public int AsInt32() => (int)Require(ValueKind.I32);

    /// <inheritdoc cref="AsInt32"/>
    public long AsInt64() => Require(ValueKind.I64);

    /// <inheritdoc cref="AsInt32"/>
    public float AsSingle() => BitConverter.Int32BitsToSingle((int)Require(ValueKind.F32));

    /// <inheritdoc cref="AsInt32"/>
    public double AsDouble() => BitConverter.Int64BitsToDouble(Require(ValueKind.F64));

    internal Value ToValue() => Kind switch
    {
        ValueKind.I32 => Value.FromInt32((int)Bits),
        ValueKind.I64 => Value.FromInt64(Bits),
        ValueKind.F32 => Value.FromSingle(BitConverter.Int32BitsToSingle((int)Bits)),
        ValueKind.F64 => Value.FromDouble(BitConverter.Int64BitsToDouble(Bits)),
        _ => throw new GuestCallException(GuestFailure.InvalidArguments, $"A value of the kind {Kind} cannot be passed to a guest of the cluster; numbers can."),
    };

    internal static GuestValue Of(Value value) => value.Kind switch
    {
        ValueKind.I32 => FromInt32(value.AsInt32()),
        ValueKind.I64 => FromInt64(value.AsInt64()),
        ValueKind.F32 => FromSingle(value.AsSingle()),
        ValueKind.F64 => FromDouble(value.AsDouble()),
        _ => throw new GuestCallException(GuestFailure.InvalidArguments, $"The function returns a value of the kind {value.Kind}, which has no meaning outside of its instance."),
    };

    private long Require(ValueKind kind) => Kind == kind ? Bits : throw new InvalidOperationException($"The value is {Kind} and not {kind}.");
}

// One WebAssembly value on its way between host and guest, for calls whose signature is known at run time only. Typed
// handles (Function<…>) avoid it. Invariant: _kind says which of the fields are meaningful; reading another kind than was
// stored throws, since bits reinterpreted by accident are the hardest errors to find.
//
//   _low    i32 (zero-extended), i64, the bits of f32 and f64, the low half of v128, the record's address of a funcref
//   _high   the high half of v128
//   _object the host's object of an externref; the store of a funcref; the guest's object of an anyref
using System.Globalization;
using System.Runtime.Intrinsics;
using Tarn.Execution;

namespace Tarn;

/// <summary>A WebAssembly value together with its kind.</summary>
public readonly struct Value : IEquatable<Value>
{
    private readonly ulong _low;
    private readonly ulong _high;
    private readonly object? _object;
    private readonly ValueKind _kind;

    private Value(ValueKind kind, ulong low, ulong high = 0, object? reference = null)
    {
        _kind = kind;
        _low = low;
        _high = high;
        _object = reference;
    }

    /// <summary>The value's kind.</summary>
    public ValueKind Kind => _kind;

    /// <summary>The null function reference.</summary>
    public static Value NullFunction => new(ValueKind.FuncRef, 0);

    /// <summary>The null external reference.</summary>
    public static Value NullExtern => new(ValueKind.ExternRef, 0);

    /// <summary>Whether this is a reference and null.</summary>
    public bool IsNull => _kind switch
    {
        ValueKind.ExternRef => _object is null,
        ValueKind.FuncRef or ValueKind.AnyRef or ValueKind.ExnRef => _low == 0,
        _ => false,
    };

    internal ulong Low => _low;

    internal ulong High => _high;

    internal object? Reference => _object;

    /// <summary>Makes an i32.</summary>
    public static Value FromInt32(int value) => new(ValueKind.I32, (uint)value);

    /// <summary>Makes an i64.</summary>
    public static Value FromInt64(long value) => new(ValueKind.I64, (ulong)value);

    /// <summary>Makes an f32.</summary>
    public static Value FromSingle(float value) => new(ValueKind.F32, BitConverter.SingleToUInt32Bits(value));

    /// <summary>Makes an f64.</summary>
    public static Value FromDouble(double value) => new(ValueKind.F64, BitConverter.DoubleToUInt64Bits(value));

    /// <summary>Makes a v128.</summary>
    public static Value FromVector(Vector128<byte> value) => new(ValueKind.V128, value.AsUInt64().GetElement(0), value.AsUInt64().GetElement(1));

    /// <summary>Makes a v128 of lanes of some type; lane 0 is in the lowest bits.</summary>
    /// <typeparam name="T">The type of a lane: a number of 8 to 64 bits.</typeparam>
    /// <exception cref="NotSupportedException"><typeparamref name="T"/> is not the type of a lane.</exception>
    public static Value FromVector<T>(Vector128<T> value) => FromVector(value.AsByte());

    /// <summary>Makes an external reference; <see langword="null"/> gives the null reference.</summary>
    public static Value FromObject(object? value) => new(ValueKind.ExternRef, 0, 0, value);

    /// <summary>Makes a function reference; a default <see cref="Function"/> gives the null reference.</summary>
    public static unsafe Value FromFunction(Function function) =>
        function.IsNull ? NullFunction : new(ValueKind.FuncRef, (ulong)function.Record, (uint)function.Generation, function.Store);

    /// <summary>
    /// Makes an <c>anyref</c> of a guest's object or of an object of the host, which a guest can hold but not look into; <see langword="null"/> gives the null reference.
    /// </summary>
    public static Value FromAny(object? value) => new(ValueKind.AnyRef, value is null ? 0u : 1u, 0, value);

    /// <summary>An opaque guest reference that the host can hold and hand back.</summary>
    internal static Value FromBits(ValueKind kind, ulong low, ulong high = 0, object? reference = null) => new(kind, low, high, reference);

    /// <summary>Makes an i32.</summary>
    public static implicit operator Value(int value) => FromInt32(value);

    /// <summary>Makes an i32 of the same bits.</summary>
    public static implicit operator Value(uint value) => FromInt32((int)value);

    /// <summary>Makes an i64.</summary>
    public static implicit operator Value(long value) => FromInt64(value);

    /// <summary>Makes an i64 of the same bits.</summary>
    public static implicit operator Value(ulong value) => FromInt64((long)value);

    /// <summary>Makes an f32.</summary>
    public static implicit operator Value(float value) => FromSingle(value);

    /// <summary>Makes an f64.</summary>
    public static implicit operator Value(double value) => FromDouble(value);

    /// <summary>Makes a function reference.</summary>
    public static implicit operator Value(Function value) => FromFunction(value);

    /// <summary>Whether two values are of one kind and have the same bits, or refer to the same thing.</summary>
    public static bool operator ==(Value left, Value right) => left.Equals(right);

    /// <summary>Whether two values differ.</summary>
    public static bool operator !=(Value left, Value right) => !left.Equals(right);

    /// <summary>The value of an i32.</summary>
    /// <exception cref="InvalidOperationException">The value is of another kind.</exception>
    public int AsInt32() => (int)Bits(ValueKind.I32);

    /// <summary>The value of an i64.</summary>
    /// <exception cref="InvalidOperationException">The value is of another kind.</exception>
    public long AsInt64() => (long)Bits(ValueKind.I64);

    /// <summary>The value of an f32.</summary>
    /// <exception cref="InvalidOperationException">The value is of another kind.</exception>
    public float AsSingle() => BitConverter.UInt32BitsToSingle((uint)Bits(ValueKind.F32));

    /// <summary>The value of an f64.</summary>
    /// <exception cref="InvalidOperationException">The value is of another kind.</exception>
    public double AsDouble() => BitConverter.UInt64BitsToDouble(Bits(ValueKind.F64));

    /// <summary>The value of a v128.</summary>
    /// <exception cref="InvalidOperationException">The value is of another kind.</exception>
    public Vector128<byte> AsVector() => Vector128.Create(Bits(ValueKind.V128), _high).AsByte();

    /// <summary>Gets the lanes of a v128 as numbers of some type.</summary>
    /// <typeparam name="T">The type of a lane: a number of 8 to 64 bits.</typeparam>
    /// <exception cref="InvalidOperationException">The value is of another kind.</exception>
    /// <exception cref="NotSupportedException"><typeparamref name="T"/> is not the type of a lane.</exception>
    public Vector128<T> AsVector<T>() => AsVector().As<byte, T>();

    /// <summary>The object of an external reference, or <see langword="null"/>.</summary>
    /// <exception cref="InvalidOperationException">The value is of another kind.</exception>
    public object? AsObject()
    {
        _ = Bits(ValueKind.ExternRef);
        return _object;
    }

    /// <summary>Gets what an <c>anyref</c> refers to: a <see cref="GuestReference"/>, an object of the host, or <see langword="null"/>.</summary>
    /// <exception cref="InvalidOperationException">The value is of another kind.</exception>
    public object? AsAny()
    {
        _ = Bits(ValueKind.AnyRef);
        return _object;
    }

    /// <summary>The function of a function reference; a default one for null.</summary>
    /// <exception cref="InvalidOperationException">The value is of another kind.</exception>
    public unsafe Function AsFunction()
    {
        ulong record = Bits(ValueKind.FuncRef);
        return record == 0 ? default : new Function((StoreCore)_object!, (int)(uint)_high, (FunctionReference*)record);
    }

    /// <inheritdoc/>
    public bool Equals(Value other) =>
        _kind == other._kind && _low == other._low && (_kind == ValueKind.FuncRef || _high == other._high) && ReferenceEquals(_object, other._object);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Value other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_kind, _low, _object is null ? 0 : System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(_object));

    /// <summary>The value in the text format's notation, such as <c>i32:42</c>.</summary>
    public override string ToString() => _kind switch
    {
        ValueKind.I32 => "i32:" + ((int)_low).ToString(CultureInfo.InvariantCulture),
        ValueKind.I64 => "i64:" + ((long)_low).ToString(CultureInfo.InvariantCulture),
        ValueKind.F32 => "f32:" + AsSingle().ToString("R", CultureInfo.InvariantCulture),
        ValueKind.F64 => "f64:" + AsDouble().ToString("R", CultureInfo.InvariantCulture),
        ValueKind.V128 => $"v128:0x{_high:x16}{_low:x16}",
        ValueKind.FuncRef => _low == 0 ? "funcref:null" : "funcref",
        ValueKind.ExternRef => "externref:" + (_object ?? "null"),
        _ => _low == 0 ? "ref:null" : "ref",
    };

    private ulong Bits(ValueKind kind) =>
        _kind == kind ? _low : throw new InvalidOperationException($"The value is of kind {_kind}, not {kind}.");
}

// A value type as embedders see it. Not called ValueType, which every file with the usual usings would have to tell from System's. It is a struct that converts from ValueKind,
// so that signatures are written with the enumeration: new FunctionType([ValueKind.I32], []).
namespace Tarn;

/// <summary>The type of a WebAssembly value: a number, a vector, or a reference with its target and whether it may be null.</summary>
public readonly struct WasmValueType : IEquatable<WasmValueType>
{
    private readonly HeapKind _heap;
    private readonly bool _isNullable;

    private WasmValueType(ValueKind kind, HeapKind heap = default, bool isNullable = false, DefinedType? definedType = null)
    {
        Kind = kind;
        _heap = heap;
        _isNullable = isNullable;
        DefinedType = definedType;
    }

    /// <summary>Gets the type of 32-bit integers.</summary>
    public static WasmValueType I32 => new(ValueKind.I32);

    /// <summary>Gets the type of 64-bit integers.</summary>
    public static WasmValueType I64 => new(ValueKind.I64);

    /// <summary>Gets the type of single-precision numbers.</summary>
    public static WasmValueType F32 => new(ValueKind.F32);

    /// <summary>Gets the type of double-precision numbers.</summary>
    public static WasmValueType F64 => new(ValueKind.F64);

    /// <summary>Gets the type of vectors of 128 bits.</summary>
    public static WasmValueType V128 => new(ValueKind.V128);

    /// <summary>Gets the type of references to functions, null included.</summary>
    public static WasmValueType FuncRef => Reference(HeapKind.Func);

    /// <summary>Gets the type of references to objects of the host, null included.</summary>
    public static WasmValueType ExternRef => Reference(HeapKind.Extern);

    /// <summary>Gets the type of references to values of the guest's own heap, null included.</summary>
    public static WasmValueType AnyRef => Reference(HeapKind.Any);

    /// <summary>Gets the type of references to exceptions, null included.</summary>
    public static WasmValueType ExnRef => Reference(HeapKind.Exn);

    /// <summary>Gets the kind of the type's values. All function references are of one kind, and so are all references to values of the guest's own heap.</summary>
    public ValueKind Kind { get; }

    /// <summary>Gets whether values of the type are references.</summary>
    public bool IsReference => Kind >= ValueKind.FuncRef;

    /// <summary>Gets whether null is a value of the type.</summary>
    public bool IsNullable => _isNullable;

    /// <summary>Gets what references of the type refer to.</summary>
    /// <exception cref="InvalidOperationException">The type is not a reference type.</exception>
    public HeapKind Heap => IsReference ? _heap : throw new InvalidOperationException($"The type {this} is not a reference type.");

    /// <summary>Gets the type that a module defines and references of this type refer to; <see langword="null"/> where the target is not <see cref="HeapKind.Defined"/>.</summary>
    public DefinedType? DefinedType { get; }

    /// <summary>Returns the type of a kind of values. Reference kinds become the widest type of the kind, with null.</summary>
    /// <param name="kind">The kind.</param>
    public static implicit operator WasmValueType(ValueKind kind) => FromValueKind(kind);

    /// <summary>Gets whether two types are equal.</summary>
    public static bool operator ==(WasmValueType left, WasmValueType right) => left.Equals(right);

    /// <summary>Gets whether two types are different.</summary>
    public static bool operator !=(WasmValueType left, WasmValueType right) => !left.Equals(right);

    /// <summary>Returns the type of a kind of values. Reference kinds become the widest type of the kind, with null.</summary>
    /// <param name="kind">The kind.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="kind"/> is not a kind of values.</exception>
    public static WasmValueType FromValueKind(ValueKind kind) => kind switch
    {
        >= ValueKind.I32 and <= ValueKind.V128 => new(kind),
        ValueKind.FuncRef => FuncRef,
        ValueKind.ExternRef => ExternRef,
        ValueKind.AnyRef => AnyRef,
        ValueKind.ExnRef => ExnRef,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "The value is not a kind of WebAssembly values."),
    };

    /// <summary>Returns a reference type with an abstract target.</summary>
    /// <param name="heap">The target; not <see cref="HeapKind.Defined"/>.</param>
    /// <param name="isNullable">Whether null is a value of the type.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="heap"/> is not an abstract target.</exception>
    public static WasmValueType Reference(HeapKind heap, bool isNullable = true)
    {
        ValueKind kind = heap switch
        {
            HeapKind.Func or HeapKind.NoFunc => ValueKind.FuncRef,
            HeapKind.Extern or HeapKind.NoExtern => ValueKind.ExternRef,
            HeapKind.Exn or HeapKind.NoExn => ValueKind.ExnRef,
            HeapKind.Any or HeapKind.Eq or HeapKind.I31 or HeapKind.Struct or HeapKind.Array or HeapKind.None => ValueKind.AnyRef,
            _ => throw new ArgumentOutOfRangeException(nameof(heap), heap, "The target has to be an abstract one. For a type that a module defines, pass its DefinedType."),
        };
        return new(kind, heap, isNullable);
    }

    /// <summary>Returns the type of references to a type that a module defines.</summary>
    /// <param name="definedType">The target.</param>
    /// <param name="isNullable">Whether null is a value of the type.</param>
    public static WasmValueType Reference(DefinedType definedType, bool isNullable = true)
    {
        ArgumentNullException.ThrowIfNull(definedType);
        return new(definedType.Kind == DefinedTypeKind.Function ? ValueKind.FuncRef : ValueKind.AnyRef, HeapKind.Defined, isNullable, definedType);
    }

    /// <summary>Gets whether every value of this type is a value of another type too.</summary>
    /// <param name="expected">The other type.</param>
    public bool Matches(WasmValueType expected)
    {
        if (Kind != expected.Kind || (_isNullable && !expected._isNullable))
            return false;
        return !IsReference || HeapMatches(expected);
    }

    /// <inheritdoc/>
    public bool Equals(WasmValueType other) =>
        Kind == other.Kind && _heap == other._heap && _isNullable == other._isNullable && Equals(DefinedType, other.DefinedType);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is WasmValueType other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Kind, _heap, _isNullable, DefinedType);

    /// <summary>Returns the type in the notation of the text format, in the short form (<c>funcref</c>) where there is one.</summary>
    public override string ToString()
    {
        if (!IsReference)
            return Kind.ToString().ToLowerInvariant();
        string heap = DefinedType?.ToString() ?? _heap.ToString().ToLowerInvariant();
        if (!_isNullable)
            return $"(ref {heap})";
        return _heap switch
        {
            HeapKind.Defined => $"(ref null {heap})",
            HeapKind.None => "nullref",
            HeapKind.NoFunc or HeapKind.NoExtern or HeapKind.NoExn => $"null{heap[2..]}ref",
            _ => heap + "ref",
        };
    }

    // Both are references of one kind, that is, of one hierarchy.
    private bool HeapMatches(WasmValueType expected)
    {
        if (expected.DefinedType is DefinedType wanted)
            return DefinedType is not null ? DefinedType.IsSubtypeOf(wanted) : _heap is HeapKind.NoFunc or HeapKind.None;
        HeapKind heap = DefinedType?.Kind switch
        {
            DefinedTypeKind.Function => HeapKind.Func,
            DefinedTypeKind.Struct => HeapKind.Struct,
            DefinedTypeKind.Array => HeapKind.Array,
            _ => _heap,
        };
        return heap == expected._heap || expected._heap switch
        {
            HeapKind.Func or HeapKind.Extern or HeapKind.Exn or HeapKind.Any => true,
            HeapKind.Eq => heap != HeapKind.Any,
            HeapKind.I31 or HeapKind.Struct or HeapKind.Array => heap == HeapKind.None,
            _ => false,
        };
    }
}

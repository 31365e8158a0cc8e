// A value type (the specification's valtype, and the packed storage types) in one int, so that comparing types is comparing ints and stacks of types
// are arrays of ints. Not called ValueType only because System has one.
//
//   bit    31   30    29         28         27          26..0
//         +---+-----+----------+----------+-----------+---------------------------------------------+
//         | 0 | ref | nullable | concrete | canonical | ref: as HeapType; else the binary code      |
//         +---+-----+----------+----------+-----------+---------------------------------------------+
//
// Zero is "no type" (the bottom type while validating unreachable code). Indices are the module's until TypeRegistry makes them canonical.
namespace Tarn.Wasm;

/// <summary>A value type or storage type of WebAssembly 3.0.</summary>
internal readonly struct ValType(int bits) : IEquatable<ValType>
{
    internal const int ReferenceBit = 1 << 30;
    internal const int NullableBit = 1 << 29;

    /// <summary>The packed form; see the top of the file.</summary>
    public int Bits => bits;

    /// <summary>No type; in unreachable code, the type that matches every other.</summary>
    public static ValType Bottom => default;

    public static ValType I32 => new(0x7F);

    public static ValType I64 => new(0x7E);

    public static ValType F32 => new(0x7D);

    public static ValType F64 => new(0x7C);

    public static ValType V128 => new(0x7B);

    /// <summary>Storage type: only in fields.</summary>
    public static ValType I8 => new(0x78);

    /// <summary>Storage type: only in fields.</summary>
    public static ValType I16 => new(0x77);

    public static ValType FuncRef => Reference(HeapType.Func, nullable: true);

    public static ValType ExternRef => Reference(HeapType.Extern, nullable: true);

    public static ValType AnyRef => Reference(HeapType.Any, nullable: true);

    public static ValType EqRef => Reference(HeapType.Eq, nullable: true);

    public static ValType I31Ref => Reference(HeapType.I31, nullable: true);

    public static ValType StructRef => Reference(HeapType.Struct, nullable: true);

    public static ValType ArrayRef => Reference(HeapType.Array, nullable: true);

    public static ValType ExnRef => Reference(HeapType.Exn, nullable: true);

    /// <summary>A reference type.</summary>
    public static ValType Reference(HeapType heap, bool nullable) => new(ReferenceBit | (nullable ? NullableBit : 0) | heap.Bits);

    public bool IsBottom => bits == 0;

    public bool IsReference => (bits & ReferenceBit) != 0;

    /// <summary>i32, i64, f32 or f64.</summary>
    public bool IsNumeric => bits is >= 0x7C and <= 0x7F;

    public bool IsVector => bits == 0x7B;

    /// <summary>i8 or i16: storage types, no value types.</summary>
    public bool IsPacked => bits is 0x78 or 0x77;

    /// <summary>A reference that may be null. Only for reference types.</summary>
    public bool IsNullable => (bits & NullableBit) != 0;

    /// <summary>Whether a value of the type exists without initialisation: all but non-null references.</summary>
    public bool IsDefaultable => (bits & (ReferenceBit | NullableBit)) != ReferenceBit;

    /// <summary>A reference to a defined type.</summary>
    public bool IsConcrete => (bits & HeapType.ConcreteBit) != 0;

    /// <summary>What a reference points to. Only for reference types.</summary>
    public HeapType Heap => new(bits & (NullableBit - 1));

    /// <summary>The value type of a field: i32 for packed storage, else itself.</summary>
    public ValType Unpacked => IsPacked ? I32 : this;

    /// <summary>The same reference, without or with null.</summary>
    public ValType WithNullability(bool nullable) => new(nullable ? bits | NullableBit : bits & ~NullableBit);

    /// <summary>Bytes of a value in a field or global; 8 for references. Storage types included.</summary>
    public int Size => bits switch
    {
        0x78 => 1,
        0x77 => 2,
        0x7F or 0x7D => 4,
        0x7B => 16,
        _ => 8,
    };

    public static bool operator ==(ValType left, ValType right) => left.Bits == right.Bits;

    public static bool operator !=(ValType left, ValType right) => left.Bits != right.Bits;

    public bool Equals(ValType other) => bits == other.Bits;

    public override bool Equals(object? obj) => obj is ValType other && Equals(other);

    public override int GetHashCode() => bits;

    /// <summary>As in the text format, with the short forms (funcref) where there are any.</summary>
    public override string ToString()
    {
        if (IsReference)
            return ReferenceName();
        return bits switch
        {
            0x7F => "i32",
            0x7E => "i64",
            0x7D => "f32",
            0x7C => "f64",
            0x7B => "v128",
            0x78 => "i8",
            0x77 => "i16",
            _ => "bot",
        };
    }

    private string ReferenceName()
    {
        if (IsConcrete || !IsNullable || Heap == HeapType.Bottom)
            return IsNullable ? $"(ref null {Heap})" : $"(ref {Heap})";
        return Heap.Code switch
        {
            0x71 => "nullref",
            0x72 => "nullexternref",
            0x73 => "nullfuncref",
            0x74 => "nullexnref",
            _ => Heap + "ref",
        };
    }
}

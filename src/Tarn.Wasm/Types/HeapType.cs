// What a reference points to: an abstract heap type, a type of the module by index, or (after canonicalisation) a type of the engine by id.
//
//   bit    31..29   28         27          26..0
//         +-------+----------+-----------+----------------------------------------------+
//         |   0   | concrete | canonical | concrete: index or id; else the binary code  |
//         +-------+----------+-----------+----------------------------------------------+
//
// Equal bits mean equal types only within one module (or between canonical ones); TypeRegistry makes canonical ones comparable everywhere.
using System.Globalization;

namespace Tarn.Wasm;

/// <summary>A heap type of WebAssembly 3.0.</summary>
internal readonly struct HeapType(int bits) : IEquatable<HeapType>
{
    internal const int ConcreteBit = 1 << 28;
    internal const int CanonicalBit = 1 << 27;
    internal const int IndexMask = CanonicalBit - 1;

    /// <summary>The packed form.</summary>
    public int Bits => bits;

    public static HeapType Func => new(0x70);

    public static HeapType Extern => new(0x6F);

    public static HeapType Any => new(0x6E);

    public static HeapType Eq => new(0x6D);

    public static HeapType I31 => new(0x6C);

    public static HeapType Struct => new(0x6B);

    public static HeapType Array => new(0x6A);

    public static HeapType Exn => new(0x69);

    /// <summary>The bottom of the hierarchy of any.</summary>
    public static HeapType None => new(0x71);

    public static HeapType NoExtern => new(0x72);

    public static HeapType NoFunc => new(0x73);

    public static HeapType NoExn => new(0x74);

    /// <summary>The bottom of all heap types: no syntax, arises while validating unreachable code.</summary>
    public static HeapType Bottom => new(1);

    /// <summary>A type of the module.</summary>
    public static HeapType Index(int typeIndex) => new(ConcreteBit | typeIndex);

    /// <summary>A type of the engine's registry.</summary>
    public static HeapType Canonical(int id) => new(ConcreteBit | CanonicalBit | id);

    /// <summary>Whether a defined type is meant, by index or canonical id.</summary>
    public bool IsConcrete => (bits & ConcreteBit) != 0;

    /// <summary>Whether <see cref="TypeIndex"/> is an id of the registry.</summary>
    public bool IsCanonical => (bits & CanonicalBit) != 0;

    /// <summary>Index in the module or, for a canonical type, id in the registry. Only for concrete types.</summary>
    public int TypeIndex => bits & IndexMask;

    /// <summary>The byte of an abstract heap type in the binary format.</summary>
    public byte Code => (byte)bits;

    public static bool operator ==(HeapType left, HeapType right) => left.Bits == right.Bits;

    public static bool operator !=(HeapType left, HeapType right) => left.Bits != right.Bits;

    public bool Equals(HeapType other) => bits == other.Bits;

    public override bool Equals(object? obj) => obj is HeapType other && Equals(other);

    public override int GetHashCode() => bits;

    /// <summary>As in the text format.</summary>
    public override string ToString() => IsConcrete
        ? (IsCanonical ? "#" : "") + TypeIndex.ToString(CultureInfo.InvariantCulture)
        : bits switch
        {
            0x70 => "func",
            0x6F => "extern",
            0x6E => "any",
            0x6D => "eq",
            0x6C => "i31",
            0x6B => "struct",
            0x6A => "array",
            0x69 => "exn",
            0x71 => "none",
            0x72 => "noextern",
            0x73 => "nofunc",
            0x74 => "noexn",
            _ => "bot",
        };
}

// An argument or an expected result in a script: numbers and vectors as bits, references as kind and payload. Expected results may leave things
// open (NaNs of a class, any reference of a kind); those cases are kinds and lane classes of this one struct, so that it stays flat.
//
//   byte  0       8       16     17      18       19       20..23
//        +-------+-------+------+-------+--------+--------+--------+
//        | low   | high  | kind | shape | lanes  | heap   | flags  |    lanes: two bits per float lane: 0 exact, 1 canonical NaN, 2 arithmetic NaN
//        +-------+-------+------+-------+--------+--------+--------+
namespace Tarn.Wast;

/// <summary>Kinds of script values.</summary>
internal enum ScriptValueKind : byte
{
    I32,
    I64,
    F32,
    F64,
    V128,

    /// <summary>A null reference of the heap type <see cref="ScriptValue.HeapType"/>, any null where that is 0.</summary>
    RefNull,

    /// <summary>An external reference to the host value <see cref="ScriptValue.Low"/>; any external reference where it has no payload.</summary>
    RefExtern,

    /// <summary>A reference to the host value <see cref="ScriptValue.Low"/>, of type any.</summary>
    RefHost,

    /// <summary>A non-null reference to a function (results only; so are those below).</summary>
    RefFunc,
    RefAny,
    RefEq,
    RefI31,
    RefStruct,
    RefArray,
    RefExn,
}

/// <summary>How a v128 is divided; None for everything else.</summary>
internal enum LaneShape : byte
{
    None,
    I8X16,
    I16X8,
    I32X4,
    I64X2,
    F32X4,
    F64X2,
}

/// <summary>What a float in an expected result may be.</summary>
internal enum NanClass : byte
{
    /// <summary>Exactly these bits.</summary>
    Exact,

    /// <summary>A NaN whose payload is only its top bit, of either sign.</summary>
    Canonical,

    /// <summary>Any NaN whose payload has its top bit set.</summary>
    Arithmetic,
}

/// <summary>A value or pattern.</summary>
internal readonly struct ScriptValue
{
    /// <summary>The bits of a number, the lower half of a v128, or the payload of a reference.</summary>
    public ulong Low { get; init; }

    /// <summary>The upper half of a v128.</summary>
    public ulong High { get; init; }

    public ScriptValueKind Kind { get; init; }

    public LaneShape Shape { get; init; }

    /// <summary>Classes of NaN: two bits for each float lane, lane 0 lowest; a scalar has lane 0 only.</summary>
    public byte NanLanes { get; init; }

    /// <summary>Of a null reference: its heap type's byte in the binary format (0x70 func, 0x6F extern …); 0 for none or for a type by index.</summary>
    public byte HeapType { get; init; }

    /// <summary>Whether a reference says which one it is.</summary>
    public bool HasPayload { get; init; }

    /// <summary>Of what class a float lane must be.</summary>
    public NanClass Nan(int lane) => (NanClass)((NanLanes >> (lane * 2)) & 3);
}

/// <summary>An expected result: a pattern, or several of which one must fit (<c>either</c>).</summary>
/// <param name="Value">The pattern; unused where there are alternatives.</param>
/// <param name="Alternatives">Null, or the patterns to choose from.</param>
internal readonly record struct ScriptResult(ScriptValue Value, ScriptValue[]? Alternatives);

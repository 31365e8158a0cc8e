// The parts of a decoded module: small records that point back into its bytes. Ranges are offsets from the start of the module and were checked to be in it.
namespace Tarn.Wasm;

/// <summary>An import. Its type is that of the item <paramref name="Index"/> in the index space of its kind.</summary>
/// <param name="Module">First part of the name.</param>
/// <param name="Name">Second part of the name.</param>
/// <param name="Kind">What is imported.</param>
/// <param name="Index">Index in the module's space of functions, tables, memories, globals or tags.</param>
internal readonly record struct Import(string Module, string Name, ExternalKind Kind, int Index);

/// <summary>Imports that the binary writes as a group: they have the module's name in common, and their type too if it is shared.</summary>
/// <param name="First">The first of them in the module's imports.</param>
/// <param name="Count">How many there are, 1 or more: a group of none is not kept.</param>
/// <param name="SharesType">Whether the type is written once.</param>
internal readonly record struct ImportGroup(int First, int Count, bool SharesType);

/// <summary>An export.</summary>
/// <param name="Name">Unique among the module's exports.</param>
/// <param name="Kind">What is exported.</param>
/// <param name="Index">Index in the space of its kind.</param>
internal readonly record struct Export(string Name, ExternalKind Kind, int Index);

/// <summary>A constant expression: bytes from its first instruction up to and including <c>end</c>. No bytes: there is none.</summary>
internal readonly record struct ConstantExpression(int Offset, int Length)
{
    /// <summary>Whether there is an expression at all (a table's initial element is optional).</summary>
    public bool IsPresent => Length > 0;
}

/// <summary>The body of a function: its bytes from the local declarations up to and including the final <c>end</c>.</summary>
internal readonly record struct FunctionBody(int Offset, int Length)
{
    /// <summary>Offset behind the last byte.</summary>
    public int End => Offset + Length;
}

/// <summary>When a segment is copied.</summary>
internal enum SegmentMode : byte
{
    /// <summary>By instructions alone.</summary>
    Passive,

    /// <summary>At instantiation.</summary>
    Active,

    /// <summary>Never: it only declares functions that <c>ref.func</c> may name.</summary>
    Declarative,
}

/// <summary>An element segment. Its items stay in the module's bytes: <see cref="ItemsOffset"/> is where the first of <see cref="Count"/> begins.</summary>
/// <param name="Mode">When it is copied.</param>
/// <param name="Table">Table index of an active segment.</param>
/// <param name="Start">Where an active segment goes.</param>
/// <param name="Type">Type of the elements.</param>
/// <param name="HasExpressions">Whether items are constant expressions, else they are function indices (LEB128).</param>
/// <param name="Count">Number of items.</param>
/// <param name="ItemsOffset">Offset of the first item.</param>
/// <param name="ItemsEnd">Offset behind the last item.</param>
internal readonly record struct ElementSegment(SegmentMode Mode, int Table, ConstantExpression Start, ValType Type, bool HasExpressions, int Count, int ItemsOffset, int ItemsEnd);

/// <summary>A data segment; its bytes are a range of the module's.</summary>
/// <param name="Mode">Active or passive.</param>
/// <param name="Memory">Memory index of an active segment.</param>
/// <param name="Start">Where an active segment goes.</param>
/// <param name="Offset">Offset of its first byte in the module.</param>
/// <param name="Length">Number of bytes.</param>
internal readonly record struct DataSegment(SegmentMode Mode, int Memory, ConstantExpression Start, int Offset, int Length);

/// <summary>A custom section.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Offset">Offset of its contents, behind the name.</param>
/// <param name="Length">Bytes of its contents.</param>
/// <param name="After">The section that precedes it, other custom sections aside; <see cref="SectionId.Custom"/> at the start.</param>
internal readonly record struct CustomSection(string Name, int Offset, int Length, SectionId After);

/// <summary>Sections by their number in the binary format.</summary>
internal enum SectionId : byte
{
    /// <summary>Custom sections; as a place, the start of the module.</summary>
    Custom = 0,

    /// <summary>Types.</summary>
    Type = 1,

    /// <summary>Imports.</summary>
    Import = 2,

    /// <summary>Type indices of functions.</summary>
    Function = 3,

    /// <summary>Tables.</summary>
    Table = 4,

    /// <summary>Memories.</summary>
    Memory = 5,

    /// <summary>Globals.</summary>
    Global = 6,

    /// <summary>Exports.</summary>
    Export = 7,

    /// <summary>Start function.</summary>
    Start = 8,

    /// <summary>Element segments.</summary>
    Element = 9,

    /// <summary>Function bodies.</summary>
    Code = 10,

    /// <summary>Data segments.</summary>
    Data = 11,

    /// <summary>Number of data segments.</summary>
    DataCount = 12,

    /// <summary>Exception tags.</summary>
    Tag = 13,
}

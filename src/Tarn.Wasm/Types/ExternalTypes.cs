// The types of what a module may import and export, functions aside (they have a type index). Small companions in one file.
using System.Globalization;

namespace Tarn.Wasm;

/// <summary>Size limits of a memory (in pages) or table (in elements), with the type of its addresses.</summary>
/// <param name="Minimum">Size at creation.</param>
/// <param name="Maximum">Bound of growth; meaningful only where <paramref name="HasMaximum"/>.</param>
/// <param name="HasMaximum">Whether a bound is declared.</param>
/// <param name="Is64">Whether addresses are i64.</param>
/// <param name="IsShared">Whether the memory is shared between threads.</param>
internal readonly record struct Limits(ulong Minimum, ulong Maximum, bool HasMaximum, bool Is64, bool IsShared)
{
    /// <summary>i32 or i64.</summary>
    public ValType AddressType => Is64 ? ValType.I64 : ValType.I32;

    /// <summary>As in the text format.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(Is64 ? "i64 " : "")}{Minimum}{(HasMaximum ? $" {Maximum}" : "")}{(IsShared ? " shared" : "")}");
}

/// <summary>The type of a memory.</summary>
/// <param name="Limits">Size in pages.</param>
/// <param name="PageSizeLog2">16, or 0 with custom page sizes.</param>
internal readonly record struct CoreMemoryType(Limits Limits, int PageSizeLog2 = 16)
{
    /// <summary>Bytes in a page.</summary>
    public int PageSize => 1 << PageSizeLog2;
}

/// <summary>The type of a table.</summary>
/// <param name="Element">A reference type.</param>
/// <param name="Limits">Size in elements.</param>
internal readonly record struct CoreTableType(ValType Element, Limits Limits);

/// <summary>The type of a global.</summary>
internal readonly record struct CoreGlobalType(ValType Type, bool IsMutable);

/// <summary>The type of an exception tag: a function type without results.</summary>
internal readonly record struct CoreTagType(int TypeIndex);

/// <summary>What can be imported and exported; the values are those of the binary format.</summary>
internal enum ExternalKind : byte
{
    /// <summary>A function.</summary>
    Function = 0,

    /// <summary>A table.</summary>
    Table = 1,

    /// <summary>A memory.</summary>
    Memory = 2,

    /// <summary>A global.</summary>
    Global = 3,

    /// <summary>An exception tag.</summary>
    Tag = 4,
}

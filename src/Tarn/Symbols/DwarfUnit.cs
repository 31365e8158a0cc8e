// A unit of .debug_info: where its entries are and how they are written.
namespace Tarn.Symbols;

internal sealed class DwarfUnit
{
    /// <summary>Where the unit begins in the section; references within it count from here.</summary>
    public required int Start { get; init; }

    /// <summary>Where the next one begins.</summary>
    public required int End { get; init; }

    /// <summary>Where its first entry is.</summary>
    public required int Entries { get; init; }

    public required int Version { get; init; }

    public required int AddressSize { get; init; }

    public required ulong Abbreviations { get; init; }

    public ulong StringOffsets { get; set; }

    public ulong Addresses { get; set; }

    public ulong RangeLists { get; set; }

    /// <summary>What addresses of its range lists count from.</summary>
    public ulong Base { get; set; }

    /// <summary>Its program in .debug_line.</summary>
    public int? Lines { get; set; }
}

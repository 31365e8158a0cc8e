// The sections of a module that hold DWARF, and texts and tables that attributes refer to.
namespace Tarn.Symbols;

internal sealed class DwarfSections
{
    private readonly ReadOnlyMemory<byte> _strings;
    private readonly ReadOnlyMemory<byte> _lineStrings;
    private readonly ReadOnlyMemory<byte> _stringOffsets;
    private readonly ReadOnlyMemory<byte> _addresses;

    public DwarfSections(WasmModule module)
    {
        Info = Section(module, ".debug_info");
        Abbreviations = Section(module, ".debug_abbrev");
        Line = Section(module, ".debug_line");
        Ranges = Section(module, ".debug_ranges");
        RangeLists = Section(module, ".debug_rnglists");
        _strings = Section(module, ".debug_str");
        _lineStrings = Section(module, ".debug_line_str");
        _stringOffsets = Section(module, ".debug_str_offsets");
        _addresses = Section(module, ".debug_addr");
    }

    public ReadOnlyMemory<byte> Info { get; }

    public ReadOnlyMemory<byte> Abbreviations { get; }

    public ReadOnlyMemory<byte> Line { get; }

    public ReadOnlyMemory<byte> Ranges { get; }

    public ReadOnlyMemory<byte> RangeLists { get; }

    /// <summary>Bytes of all that is read from beginning to end.</summary>
    public long Size => (long)Info.Length + Abbreviations.Length + Line.Length + Ranges.Length + RangeLists.Length;

    /// <summary>The text that a value is or refers to; null if it is none.</summary>
    /// <param name="value">The value.</param>
    /// <param name="own">The section that it stands in.</param>
    /// <param name="budget">Steps.</param>
    /// <param name="offsetsBase">Where the unit's table of texts begins.</param>
    public string? Text(DwarfValue value, ReadOnlyMemory<byte> own, DwarfBudget budget, ulong offsetsBase = 0) => value.Form switch
    {
        DwarfValue.String => At(own, value.Number, budget).Text(),
        DwarfValue.StringPointer => At(_strings, value.Number, budget).Text(),
        DwarfValue.LineStringPointer => At(_lineStrings, value.Number, budget).Text(),
        DwarfValue.StringIndex or >= 0x25 and <= 0x28 => At(_strings, Indexed(_stringOffsets, offsetsBase, value.Number, budget), budget).Text(),
        _ => null,
    };

    /// <summary>An address by its number in the unit's table.</summary>
    public ulong IndexedAddress(ulong tableBase, ulong index, DwarfBudget budget) => Indexed(_addresses, tableBase, index, budget);

    /// <summary>A reader at an offset of a section.</summary>
    public static DwarfReader At(ReadOnlyMemory<byte> section, ulong offset, DwarfBudget budget) =>
        offset <= (ulong)section.Length ? new DwarfReader(section.Span, (int)offset, budget) : throw new DwarfException();

    private static uint Indexed(ReadOnlyMemory<byte> section, ulong tableBase, ulong index, DwarfBudget budget) =>
        index <= int.MaxValue && tableBase <= int.MaxValue ? At(section, tableBase + (index * sizeof(uint)), budget).U32() : throw new DwarfException();

    private static ReadOnlyMemory<byte> Section(WasmModule module, string name) =>
        module.TryGetCustomSection(name, out CustomSection section) ? module.Bytes.Slice(section.Offset, section.Length) : default;
}

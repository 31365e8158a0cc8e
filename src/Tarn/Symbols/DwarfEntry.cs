// An entry of .debug_info with those of its attributes that a backtrace is interested in.
namespace Tarn.Symbols;

internal struct DwarfEntry
{
    public const ulong CompileUnit = 0x11;
    public const ulong InlinedSubroutine = 0x1d;
    public const ulong Subprogram = 0x2e;

    public ulong Tag;
    public bool HasChildren;
    public DwarfValue Name;
    public DwarfValue LinkageName;
    public DwarfValue Low;
    public DwarfValue High;
    public DwarfValue Ranges;
    public DwarfValue Origin;
    public DwarfValue CallFile;
    public DwarfValue CallLine;
    public DwarfValue CallColumn;
    public DwarfValue Lines;
    public DwarfValue StringOffsets;
    public DwarfValue Addresses;
    public DwarfValue RangeLists;

    /// <summary>Reads an entry.</summary>
    /// <returns>Whether it is one, and not the end of a list of children.</returns>
    public static bool Read(ref DwarfReader reader, DwarfUnit unit, Dictionary<ulong, DwarfAbbreviations.Shape> shapes, out DwarfEntry entry)
    {
        entry = default;
        ulong code = reader.Unsigned();
        if (code == 0)
            return false;
        if (!shapes.TryGetValue(code, out DwarfAbbreviations.Shape? shape))
            throw new DwarfException();
        entry.Tag = shape.Tag;
        entry.HasChildren = shape.HasChildren;
        foreach (DwarfAbbreviations.Attribute attribute in shape.Attributes)
        {
            DwarfValue value = DwarfValue.Read(ref reader, attribute.Form, unit.AddressSize, attribute.ImplicitConstant);
            switch (attribute.Name)
            {
                case 0x03:
                    entry.Name = value;
                    break;
                case 0x6e or 0x2007:
                    entry.LinkageName = value;
                    break;
                case 0x10:
                    entry.Lines = value;
                    break;
                case 0x11:
                    entry.Low = value;
                    break;
                case 0x12:
                    entry.High = value;
                    break;
                case 0x31 or 0x47:
                    entry.Origin = value;
                    break;
                case 0x55:
                    entry.Ranges = value;
                    break;
                case 0x57:
                    entry.CallColumn = value;
                    break;
                case 0x58:
                    entry.CallFile = value;
                    break;
                case 0x59:
                    entry.CallLine = value;
                    break;
                case 0x72:
                    entry.StringOffsets = value;
                    break;
                case 0x73:
                    entry.Addresses = value;
                    break;
                case 0x74:
                    entry.RangeLists = value;
                    break;
                default:
                    break;
            }
        }
        return true;
    }
}

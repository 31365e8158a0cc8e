// .debug_abbrev: the shapes of entries, which each unit names by number. Tables are shared between units and kept, at most as many attributes as the section could honestly hold: tables
// that begin within each other are as many as its bytes.
namespace Tarn.Symbols;

internal sealed class DwarfAbbreviations(ReadOnlyMemory<byte> section)
{
    private readonly Dictionary<ulong, Dictionary<ulong, Shape>> _tables = [];
    private long _attributesLeft = 1000 + (section.Length / 2);

    /// <summary>The table at an offset.</summary>
    public Dictionary<ulong, Shape> Table(ulong offset, DwarfBudget budget)
    {
        const ulong ImplicitConstant = 0x21;
        if (_tables.TryGetValue(offset, out Dictionary<ulong, Shape>? table))
            return table;
        table = [];
        DwarfReader reader = DwarfSections.At(section, offset, budget);
        var attributes = new List<Attribute>();
        while (reader.Unsigned() is not 0 and var code)
        {
            ulong tag = reader.Unsigned();
            bool hasChildren = reader.U8() != 0;
            attributes.Clear();
            while (true)
            {
                ulong name = reader.Unsigned();
                ulong form = reader.Unsigned();
                if (name == 0 && form == 0)
                    break;
                if (--_attributesLeft < 0)
                    throw new DwarfException();
                attributes.Add(new Attribute(name, form, form == ImplicitConstant ? reader.Signed() : 0));
            }
            if (--_attributesLeft < 0)
                throw new DwarfException();
            table.TryAdd(code, new Shape(tag, hasChildren, [.. attributes]));
        }
        _tables.Add(offset, table);
        return table;
    }

    /// <summary>An attribute and how it is written.</summary>
    public readonly record struct Attribute(ulong Name, ulong Form, long ImplicitConstant);

    /// <summary>What an entry is and which attributes it has.</summary>
    public sealed record Shape(ulong Tag, bool HasChildren, Attribute[] Attributes);
}

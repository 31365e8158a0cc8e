// Which names a printed module can carry as identifiers. An identifier must not be empty and must be unique in its space; every other name becomes an
// annotation, (@name "…"), which parsing turns into the same entry. Printed counts what was written: where that is less than the name section holds, or
// where the section is not in the one order that the parser writes, the printer keeps the section as it is, as a @custom annotation.
using Tarn.Wasm.Binary;

namespace Tarn.Wasm.Text;

/// <summary>Identifiers of a module being printed.</summary>
internal sealed class PrintedNames
{
    private readonly string?[][] _identifiers = new string?[(int)IndexSpace.Count][];
    private readonly WasmModule _module;
    private readonly NameSection _names;

    public PrintedNames(WasmModule module)
    {
        _module = module;
        _names = module.Names;
        Fill(IndexSpace.Type, module.Types.Length);
        Fill(IndexSpace.Function, module.Functions.Length);
        Fill(IndexSpace.Table, module.Tables.Length);
        Fill(IndexSpace.Memory, module.Memories.Length);
        Fill(IndexSpace.Global, module.Globals.Length);
        Fill(IndexSpace.Tag, module.Tags.Length);
        Fill(IndexSpace.Element, module.Elements.Length);
        Fill(IndexSpace.Data, module.Data.Length);
    }

    /// <summary>Names written so far.</summary>
    public int Printed { get; private set; }

    public NameSection Section => _names;

    /// <summary>The identifier of an item, null where it has none.</summary>
    public string? Identifier(IndexSpace space, int index) => (uint)index < (uint)_identifiers[(int)space].Length ? _identifiers[(int)space][index] : null;

    /// <summary>Writes the identifier or annotation of a definition, if it has a name.</summary>
    public void Define(TextOutput output, IndexSpace space, int index)
    {
        if (Identifier(space, index) is string identifier)
        {
            Printed++;
            output.Space();
            output.Write(identifier);
        }
        else
        {
            Annotate(output, MapOf(space).Find(index));
        }
    }

    /// <summary>Writes a name that is not an identifier.</summary>
    public void Annotate(TextOutput output, string? name)
    {
        if (name == null)
            return;
        Printed++;
        output.Write(" (@name "u8);
        output.Name(name);
        output.Close();
    }

    /// <summary>Notes that a name was written by the caller.</summary>
    public void CountPrinted() => Printed++;

    /// <summary>Whether the names that were written make the very section that the module has.</summary>
    public bool AreComplete()
    {
        int all = (_names.ModuleName != null ? 1 : 0) + _names.Functions.Count + _names.Locals.Count + _names.Labels.Count + _names.Types.Count
            + _names.Tables.Count + _names.Memories.Count + _names.Globals.Count + _names.Elements.Count + _names.Data.Count + _names.Fields.Count + _names.Tags.Count;
        int sections = 0;
        ReadOnlySpan<byte> bytes = default;
        foreach (ref readonly CustomSection section in _module.CustomSections)
        {
            if (section.Name != "name")
                continue;
            sections++;
            bytes = _module.Read(section);
        }

        return sections == 0 || (sections == 1 && all == Printed && all != 0 && bytes.SequenceEqual(Encode()));
    }

    private NameMap MapOf(IndexSpace space) => space switch
    {
        IndexSpace.Type => _names.Types,
        IndexSpace.Function => _names.Functions,
        IndexSpace.Table => _names.Tables,
        IndexSpace.Memory => _names.Memories,
        IndexSpace.Global => _names.Globals,
        IndexSpace.Tag => _names.Tags,
        IndexSpace.Element => _names.Elements,
        _ => _names.Data,
    };

    private void Fill(IndexSpace space, int count)
    {
        NameMap map = MapOf(space);
        string?[] identifiers = map.Count == 0 ? [] : new string?[count];
        HashSet<string> taken = new(StringComparer.Ordinal);
        for (int i = 0; i < map.Count; i++)
        {
            (_, int index, string? name) = map.At(i);
            if ((uint)index < (uint)identifiers.Length && !string.IsNullOrEmpty(name) && taken.Add(name))
                identifiers[index] = TextOutput.Identifier(name);
        }

        _identifiers[(int)space] = identifiers;
    }

    /// <summary>The section that parsing the printed names makes.</summary>
    private ReadOnlySpan<byte> Encode()
    {
        ByteBuffer section = new(), content = new();
        if (_names.ModuleName != null)
        {
            content.Counted(System.Text.Encoding.UTF8.GetBytes(_names.ModuleName));
            Subsection(section, content, 0);
        }

        Flat(section, content, 1, _names.Functions);
        Nested(section, content, 2, _names.Locals);
        Nested(section, content, 3, _names.Labels);
        Flat(section, content, 4, _names.Types);
        Flat(section, content, 5, _names.Tables);
        Flat(section, content, 6, _names.Memories);
        Flat(section, content, 7, _names.Globals);
        Flat(section, content, 8, _names.Elements);
        Flat(section, content, 9, _names.Data);
        Nested(section, content, 10, _names.Fields);
        Flat(section, content, 11, _names.Tags);
        return section.Span;
    }

    private static void Flat(ByteBuffer section, ByteBuffer content, byte id, NameMap map)
    {
        if (map.Count == 0)
            return;
        content.U32((uint)map.Count);
        for (int i = 0; i < map.Count; i++)
            Entry(content, map.At(i));
        Subsection(section, content, id);
    }

    private static void Nested(ByteBuffer section, ByteBuffer content, byte id, NameMap map)
    {
        if (map.Count == 0)
            return;
        ByteBuffer groups = new();
        uint groupCount = 0;
        for (int start = 0; start < map.Count;)
        {
            int outer = map.At(start).Outer;
            int end = start;
            while (end < map.Count && map.At(end).Outer == outer)
                end++;
            groups.U32((uint)outer);
            groups.U32((uint)(end - start));
            for (; start < end; start++)
                Entry(groups, map.At(start));
            groupCount++;
        }

        content.U32(groupCount);
        content.Bytes(groups);
        Subsection(section, content, id);
    }

    private static void Entry(ByteBuffer target, (int Outer, int Index, string? Name) entry)
    {
        target.U32((uint)entry.Index);
        target.Counted(System.Text.Encoding.UTF8.GetBytes(entry.Name ?? ""));
    }

    private static void Subsection(ByteBuffer section, ByteBuffer content, byte id)
    {
        section.Byte(id);
        section.Counted(content.Span);
        content.Clear();
    }
}

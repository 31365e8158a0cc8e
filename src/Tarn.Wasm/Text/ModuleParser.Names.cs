// Names (specification 7.4.1): identifiers, or what @name annotations say instead, kept as the name section. The subsections past local names are those
// of the extended name section (labels, tables, memories, globals, segments), which toolchains write as well. Maps are in the order of their
// indices because the text defines things in that order.
namespace Tarn.Wasm.Text;

internal ref partial struct ModuleParser
{
    private readonly NameMap[] _names = new NameMap[(int)IndexSpace.Count];
    private IndirectNameMap _localNames;
    private IndirectNameMap _labelNames;
    private IndirectNameMap _fieldNames;
    private byte[]? _moduleName;

    private struct NameMap
    {
        public ByteBuffer? Bytes;
        public uint Count;

        public void Add(uint index, ReadOnlySpan<byte> name)
        {
            Bytes ??= new ByteBuffer();
            Bytes.U32(index);
            Bytes.Counted(name);
            Count++;
        }
    }

    /// <summary>Names grouped by what they belong to. The group that is being filled is kept apart, since its count comes first.</summary>
    private struct IndirectNameMap
    {
        public ByteBuffer? Bytes;
        public uint Groups;
        private NameMap _group;
        private uint _outer;

        public void Add(uint outer, uint index, ReadOnlySpan<byte> name)
        {
            if (_group.Count != 0 && _outer != outer)
                Flush();
            _outer = outer;
            _group.Add(index, name);
        }

        public void Flush()
        {
            if (_group.Count == 0)
                return;
            Bytes ??= new ByteBuffer();
            Bytes.U32(_outer);
            Bytes.U32(_group.Count);
            Bytes.Bytes(_group.Bytes!);
            _group.Bytes!.Clear();
            _group.Count = 0;
            Groups++;
        }
    }

    /// <summary>Steps over an identifier and a @name annotation, if there are any, and keeps the name. (The first walk has bound the identifier.)</summary>
    private void BindName(IndexSpace space, int index)
    {
        int symbol = OptionalSymbol();
        byte[]? given = Current.Annotated ? TakeName() : null;
        if (!_options.EmitNames)
            return;
        if (given != null)
            _names[(int)space].Add((uint)index, given);
        else if (symbol >= 0)
            _names[(int)space].Add((uint)index, _symbols.Name(symbol));
    }

    private void NoteName(ref IndirectNameMap map, uint outer, uint index, int symbol)
    {
        byte[]? given = Current.Annotated ? TakeName() : null;
        if (!_options.EmitNames)
            return;
        if (given != null)
            map.Add(outer, index, given);
        else if (symbol >= 0)
            map.Add(outer, index, _symbols.Name(symbol));
    }

    /// <summary>Binds the identifier of a parameter or local of the current function and keeps its name.</summary>
    private void BindLocal(uint index)
    {
        int token = _at;
        int symbol = OptionalSymbol();
        if (symbol >= 0)
        {
            ref Symbol entry = ref _symbols[symbol];
            if (entry.LocalStamp == _functionStamp)
                Fail(token, $"duplicate local {System.Text.Encoding.UTF8.GetString(TextOf(token))}");
            entry.LocalStamp = _functionStamp;
            entry.Local = (int)index;
        }

        NoteName(ref _localNames, _functionIndex, index, symbol);
    }

    /// <summary>The content of the name section; empty where there is no name.</summary>
    private ByteBuffer NameSection()
    {
        ByteBuffer section = new();
        if (!_options.EmitNames)
            return section;
        ByteBuffer content = new();
        if (_moduleName != null)
        {
            content.Counted(_moduleName);
            Subsection(section, 0, content);
        }

        Map(section, content, 1, _names[(int)IndexSpace.Function]);
        Indirect(section, content, 2, ref _localNames);
        Indirect(section, content, 3, ref _labelNames);
        Map(section, content, 4, _names[(int)IndexSpace.Type]);
        Map(section, content, 5, _names[(int)IndexSpace.Table]);
        Map(section, content, 6, _names[(int)IndexSpace.Memory]);
        Map(section, content, 7, _names[(int)IndexSpace.Global]);
        Map(section, content, 8, _names[(int)IndexSpace.Element]);
        Map(section, content, 9, _names[(int)IndexSpace.Data]);
        Indirect(section, content, 10, ref _fieldNames);
        Map(section, content, 11, _names[(int)IndexSpace.Tag]);
        return section;
    }

    private static void Map(ByteBuffer section, ByteBuffer content, byte id, NameMap map)
    {
        if (map.Count == 0)
            return;
        content.U32(map.Count);
        content.Bytes(map.Bytes!);
        Subsection(section, id, content);
    }

    private static void Indirect(ByteBuffer section, ByteBuffer content, byte id, ref IndirectNameMap map)
    {
        map.Flush();
        if (map.Groups == 0)
            return;
        content.U32(map.Groups);
        content.Bytes(map.Bytes!);
        Subsection(section, id, content);
    }

    private static void Subsection(ByteBuffer section, byte id, ByteBuffer content)
    {
        section.Byte(id);
        section.Counted(content.Span);
        content.Clear();
    }
}

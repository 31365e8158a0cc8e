// The names of a component's items, from its custom section component-name. Names are for people: a section that cannot be read counts as absent, and what is wrong with it is not
// reported.
using System.Text;
using Tarn.Wasm.Binary;
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Component;

/// <summary>Names by sort and index.</summary>
internal sealed class ComponentNames
{
    public const string SectionName = "component-name";

    private readonly Dictionary<(ComponentSort Sort, int Index), string> _names = [];

    /// <summary>The component's own name.</summary>
    public string? Name { get; set; }

    public string? Find(ComponentSort sort, int index) => _names.GetValueOrDefault((sort, index));

    /// <summary>Adds a name, as long as no item of the sort has it.</summary>
    public void Add(ComponentSort sort, int index, string name) => _names[(sort, index)] = name;

    /// <summary>The contents of the section that holds these names, sorts and indices in order.</summary>
    public byte[] Encode()
    {
        ByteBuffer content = new(), part = new();
        if (Name is not null)
        {
            part.Counted(Encoding.UTF8.GetBytes(Name));
            content.Byte(0);
            content.Counted(part.Span);
        }

        foreach (IGrouping<ComponentSort, KeyValuePair<(ComponentSort Sort, int Index), string>> sort in _names.GroupBy(item => item.Key.Sort).OrderBy(group => group.Key))
        {
            part.Clear();
            if (sort.Key.IsCore())
                part.Byte(0);
            part.Byte(sort.Key.Code());
            part.U32((uint)sort.Count());
            foreach (((_, int index), string name) in sort.OrderBy(item => item.Key.Index))
            {
                part.U32((uint)index);
                part.Counted(Encoding.UTF8.GetBytes(name));
            }

            content.Byte(1);
            content.Counted(part.Span);
        }

        return content.ToArray();
    }

    public static ComponentNames Parse(WasmComponent component)
    {
        foreach (ComponentDefinition definition in component.Definitions)
        {
            if (definition is not CustomDefinition { Name: SectionName } section)
                continue;
            ComponentNames names = new();
            try
            {
                names.Read(new WasmReader(component.Bytes.Span, section.Start, section.Start + section.Length));
                return names;
            }
            catch (MalformedModuleException)
            {
                return new ComponentNames();
            }
        }

        return new ComponentNames();
    }

    private void Read(WasmReader reader)
    {
        while (!reader.IsAtEnd)
        {
            byte id = reader.ReadByte();
            int size = reader.ReadCount(reader.Remaining, "bytes");
            int end = reader.Enter(size);
            if (id == 0)
                Name = reader.ReadName();
            else if (id == 1)
                ReadSort(ref reader);
            reader.Skip(reader.Remaining);
            reader.Leave(end);
        }
    }

    private void ReadSort(ref WasmReader reader)
    {
        byte code = reader.ReadByte();
        ComponentSort? sort = code == 0 ? ComponentSorts.OfCoreCode(reader.ReadByte()) : ComponentSorts.OfCode(code);
        if (sort is null)
            return;
        HashSet<string> taken = new(StringComparer.Ordinal);
        for (int count = reader.ReadCount(int.MaxValue, "names", 2); count > 0; count--)
        {
            int index = reader.ReadIndex();
            string name = reader.ReadName();
            if (name.Length > 0 && taken.Add(name))
                _names[(sort.Value, index)] = name;
        }
    }
}

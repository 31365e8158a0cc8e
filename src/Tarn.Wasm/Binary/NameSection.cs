// The name section: names for people (traces, the printer), never for meaning. So it is read tolerantly: a broken subsection ends the reading, keeps what
// came before it, and is no error of the module. Parsed once, at first use.
//
// Function names of a large module run to megabytes, so maps keep ranges of the module's bytes and make strings when asked.
using System.Text;

namespace Tarn.Wasm.Binary;

/// <summary>Names from the custom section <c>name</c>, with the subsections of the extended-name-section proposal.</summary>
internal sealed class NameSection
{
    private static readonly NameSection s_empty = new(default);

    private readonly ReadOnlyMemory<byte> _bytes;

    private NameSection(ReadOnlyMemory<byte> bytes)
    {
        _bytes = bytes;
        Functions = Locals = Labels = Types = Tables = Memories = Globals = Elements = Data = Fields = Tags = new NameMap(bytes);
    }

    /// <summary>The module's own name.</summary>
    public string? ModuleName { get; private set; }

    public NameMap Functions { get; private set; }

    /// <summary>By function and local.</summary>
    public NameMap Locals { get; private set; }

    /// <summary>By function and label (in the order of the blocks).</summary>
    public NameMap Labels { get; private set; }

    public NameMap Types { get; private set; }

    public NameMap Tables { get; private set; }

    public NameMap Memories { get; private set; }

    public NameMap Globals { get; private set; }

    public NameMap Elements { get; private set; }

    public NameMap Data { get; private set; }

    /// <summary>By struct type and field.</summary>
    public NameMap Fields { get; private set; }

    public NameMap Tags { get; private set; }

    /// <summary>Reads the names of a module; none where it has no name section.</summary>
    public static NameSection Parse(WasmModule module)
    {
        if (!module.TryGetCustomSection("name", out CustomSection section))
            return s_empty;
        NameSection names = new(module.Bytes);
        try
        {
            names.Read(new WasmReader(module.Bytes.Span, section.Offset, section.Offset + section.Length));
        }
        catch (MalformedModuleException)
        {
            // Names are a courtesy: what was read before the fault stays.
        }

        return names;
    }

    private void Read(WasmReader reader)
    {
        while (!reader.IsAtEnd)
        {
            byte id = reader.ReadByte();
            uint size = reader.ReadVarU32();
            if (size > (uint)reader.Remaining)
                return;
            int end = reader.Enter((int)size);
            switch (id)
            {
                case 0:
                    ModuleName = reader.ReadName();
                    break;
                case 1:
                    Functions = ReadMap(ref reader);
                    break;
                case 2:
                    Locals = ReadIndirectMap(ref reader);
                    break;
                case 3:
                    Labels = ReadIndirectMap(ref reader);
                    break;
                case 4:
                    Types = ReadMap(ref reader);
                    break;
                case 5:
                    Tables = ReadMap(ref reader);
                    break;
                case 6:
                    Memories = ReadMap(ref reader);
                    break;
                case 7:
                    Globals = ReadMap(ref reader);
                    break;
                case 8:
                    Elements = ReadMap(ref reader);
                    break;
                case 9:
                    Data = ReadMap(ref reader);
                    break;
                case 10:
                    Fields = ReadIndirectMap(ref reader);
                    break;
                case 11:
                    Tags = ReadMap(ref reader);
                    break;
            }

            reader.Skip(reader.Remaining);
            reader.Leave(end);
        }
    }

    private NameMap ReadMap(ref WasmReader reader)
    {
        NameMap map = new(_bytes);
        ReadNames(ref reader, map, 0);
        map.Sort();
        return map;
    }

    private NameMap ReadIndirectMap(ref WasmReader reader)
    {
        NameMap map = new(_bytes);
        for (int count = reader.ReadCount(int.MaxValue, "names", 2); count > 0; count--)
            ReadNames(ref reader, map, reader.ReadIndex());
        map.Sort();
        return map;
    }

    private static void ReadNames(ref WasmReader reader, NameMap map, int outer)
    {
        for (int count = reader.ReadCount(int.MaxValue, "names", 2); count > 0; count--)
        {
            int index = reader.ReadIndex();
            uint size = reader.ReadVarU32();
            if (size > (uint)reader.Remaining)
                reader.Fail("length out of bounds");
            map.Add(outer, index, reader.Position, (int)size);
            reader.Skip((int)size);
        }
    }
}

/// <summary>Names by index, or by a pair of indices; kept as ranges of the module's bytes.</summary>
internal sealed class NameMap(ReadOnlyMemory<byte> bytes)
{
    private readonly List<(ulong Key, int Offset, int Length)> _names = [];

    public int Count => _names.Count;

    /// <summary>A name by its place in the order of the keys.</summary>
    public (int Outer, int Index, string? Name) At(int position) =>
        ((int)(_names[position].Key >> 32), (int)_names[position].Key, Text(_names[position].Offset, _names[position].Length));

    /// <summary>The name of an item; null where there is none, or none in proper UTF-8.</summary>
    public string? Find(int index) => Find(0, index);

    /// <summary>The name of an inner item, as a local of a function.</summary>
    public string? Find(int outer, int index) => Find(outer, index, int.MaxValue);

    /// <summary>As the others, but a longer name than so many bytes is cut off.</summary>
    public string? Find(int outer, int index, int atMost)
    {
        ulong key = Key(outer, index);
        int low = 0, high = _names.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            (ulong at, int offset, int length) = _names[middle];
            if (at == key)
                return length <= atMost ? Text(offset, length) : Cut(offset, atMost);
            if (at < key)
                low = middle + 1;
            else
                high = middle - 1;
        }

        return null;
    }

    internal void Add(int outer, int index, int offset, int length) => _names.Add((Key(outer, index), offset, length));

    internal void Sort()
    {
        for (int i = 1; i < _names.Count; i++)
        {
            if (_names[i].Key < _names[i - 1].Key)
            {
                _names.Sort(static (a, b) => a.Key.CompareTo(b.Key));
                return;
            }
        }
    }

    private static ulong Key(int outer, int index) => ((ulong)(uint)outer << 32) | (uint)index;

    private string? Cut(int offset, int length)
    {
        // Not within a character: its further bytes begin with the bits 10.
        while (length > 0 && (bytes.Span[offset + length] & 0xC0) == 0x80)
            length--;
        return Text(offset, length) + "…";
    }

    private string? Text(int offset, int length)
    {
        ReadOnlySpan<byte> name = bytes.Span.Slice(offset, length);
        return System.Text.Unicode.Utf8.IsValid(name) ? Encoding.UTF8.GetString(name) : null;
    }
}

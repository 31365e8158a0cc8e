// The names of a component, of a component, instance or module type, while its text is parsed: identifiers by sort, how many items there are of each, and the definitions so far. An
// identifier of a scope around it is aliased once and is an item of this scope from then on.
using Tarn.Wasm.Text;

namespace Tarn.Wasm.Component;

/// <summary>A scope of identifiers.</summary>
internal sealed class TextScope
{
    private readonly Dictionary<(ComponentSort Sort, string Name), int> _names = [];
    private readonly Dictionary<(ComponentSort Sort, int Depth, int Index), int> _aliases = [];
    private readonly int[] _counts = new int[(int)ComponentSort.Count];

    public TextScope(TextScope? parent, string? name, bool isType, bool isModuleType = false)
    {
        Parent = parent;
        Name = name;
        IsType = isType;
        IsModuleType = isModuleType;
        Writer = new ComponentWriter(isType);
    }

    public TextScope? Parent { get; }

    /// <summary>The scope's own identifier, by which aliases name it.</summary>
    public string? Name { get; }

    public bool IsType { get; }

    public bool IsModuleType { get; }

    public ComponentWriter Writer { get; }

    /// <summary>Of a module type: imports and exports, which are written by themselves.</summary>
    public uint Extra { get; set; }

    /// <summary>Of a component: whether it has a start function.</summary>
    public bool HasStart { get; set; }

    public List<(ComponentSort Sort, int Index, string Name)> Defined { get; } = [];

    public int Count(ComponentSort sort) => _counts[(int)sort];

    /// <summary>Gives the next index of a sort to an item.</summary>
    /// <returns>False where the identifier is taken.</returns>
    public bool TryDefine(ComponentSort sort, string? name, out int index)
    {
        index = _counts[(int)sort]++;
        if (name is null)
            return true;
        Defined.Add((sort, index, name));
        return _names.TryAdd((sort, name), index);
    }

    public bool TryFind(ComponentSort sort, string name, out int index) => _names.TryGetValue((sort, name), out index);

    /// <summary>The index of an item of a scope around this one, aliased if it is not yet.</summary>
    public int Alias(ComponentSort sort, int depth, int index)
    {
        if (_aliases.TryGetValue((sort, depth, index), out int known))
            return known;
        ByteBuffer alias = new(8);
        WriteSort(alias, sort);
        alias.Byte(IsModuleType ? (byte)1 : (byte)2);
        alias.U32((uint)depth);
        alias.U32((uint)index);
        if (IsModuleType)
        {
            alias.Clear();
            alias.Bytes([0x10, 1]);
            alias.U32((uint)depth);
            alias.U32((uint)index);
        }

        Writer.Add(6, alias);
        int result = _counts[(int)sort]++;
        _aliases.Add((sort, depth, index), result);
        return result;
    }

    public static void WriteSort(ByteBuffer target, ComponentSort sort)
    {
        if (sort.IsCore())
            target.Byte(0);
        target.Byte(sort.Code());
    }
}

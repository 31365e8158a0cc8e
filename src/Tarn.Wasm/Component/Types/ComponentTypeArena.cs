// Makes the types of one component and gives equal value types equal ids: comparing value types is comparing ints ever after, as TypeRegistry does it for core types. Resources get
// numbers, which are part of the id of whatever mentions them.
using System.Runtime.InteropServices;

namespace Tarn.Wasm.Component;

/// <summary>The types of a component and of all components in it.</summary>
internal sealed class ComponentTypeArena
{
    private readonly Dictionary<string, int> _labels = new(StringComparer.Ordinal);
    private readonly Dictionary<int[], int> _ids = new(KeyComparer.Instance);
    private readonly Dictionary<ValueTypeKind, ValueTypeNode> _primitives = [];
    private int _resources;

    public ComponentTypeArena(TypeRegistry registry) => Registry = registry;

    /// <summary>The core types.</summary>
    public TypeRegistry Registry { get; }

    /// <summary>How many different value types there are.</summary>
    public int Count => _ids.Count;

    public ResourceId CreateResource() => new(_resources++);

    /// <summary>A primitive type.</summary>
    public ValueTypeNode Primitive(ValueTypeKind kind)
    {
        if (!_primitives.TryGetValue(kind, out ValueTypeNode? node))
            _primitives.Add(kind, node = Create(kind, [], [], 0, null, 0));
        return node;
    }

    /// <summary>A value type of its own identity.</summary>
    /// <exception cref="InvalidModuleException">It is too large.</exception>
    public ValueTypeNode Create(ValueTypeKind kind, string[] names, ValueTypeNode?[] types, uint length, ResourceTypeNode? resource, int offset)
    {
        TypeMeasure measure = TypeMeasure.One;
        int[] key = new int[5 + names.Length + types.Length];
        key[0] = (int)kind;
        key[1] = (int)length;
        key[2] = resource?.Id.Number ?? -1;
        key[3] = names.Length;
        key[4] = types.Length;
        int at = 5;
        foreach (string name in names)
            key[at++] = Label(name);
        foreach (ValueTypeNode? type in types)
        {
            measure.Add(type);
            key[at++] = type?.StructuralId ?? -1;
        }

        measure.Size = Math.Min(measure.Size + names.Length, ComponentLimits.TypeSize + 1);
        measure.Add(resource);
        measure.Check(offset);
        if (!_ids.TryGetValue(key, out int id))
            _ids.Add(key, id = _ids.Count);
        ValueTypeNode node = new(kind, names, types, length, resource, id, measure);
        if (node.Layout64.Size >= ComponentLimits.ElementSize)
            throw new InvalidModuleException($"type exceeds maximum byte size: its values take {node.Layout64.Size} bytes, and {ComponentLimits.ElementSize - 1} are the most", offset);
        return node;
    }

    private int Label(string name)
    {
        ref int label = ref CollectionsMarshal.GetValueRefOrAddDefault(_labels, name, out bool exists);
        if (!exists)
            label = _labels.Count;
        return label;
    }

    private sealed class KeyComparer : IEqualityComparer<int[]>
    {
        public static readonly KeyComparer Instance = new();

        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(int[] obj)
        {
            HashCode hash = default;
            hash.AddBytes(MemoryMarshal.AsBytes(obj.AsSpan()));
            return hash.ToHashCode();
        }
    }
}

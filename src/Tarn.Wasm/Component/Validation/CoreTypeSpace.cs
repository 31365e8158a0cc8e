// A scope's core types: function, struct and array types by their canonical ids, module types as they are. Both share one index space, so that an index may mean either.
namespace Tarn.Wasm.Component;

/// <summary>An index space of core types.</summary>
internal sealed class CoreTypeSpace(TypeRegistry registry)
{
    private const int NotAType = -1;

    private readonly List<CoreModuleType?> _modules = [];
    private readonly List<SubType> _types = [];
    private int[] _canonical = new int[4];

    public int Count => _modules.Count;

    /// <summary>Canonical ids by index; those of module types mean nothing.</summary>
    public ReadOnlySpan<int> Canonical => _canonical.AsSpan(0, Count);

    public void Add(CoreModuleType module) => Push(module, default, NotAType);

    /// <summary>Adds what an alias means.</summary>
    public void AddAlias(CoreTypeSpace from, int index) => Push(from._modules[index], from._types[index], from._canonical[index]);

    public CoreModuleType? ModuleAt(int index) => _modules[index];

    /// <summary>The canonical id of a type, or -1 for a module type.</summary>
    public int IdAt(int index) => _canonical[index];

    /// <summary>The function type with an index, or null.</summary>
    public CoreFunctionType? FunctionAt(int index) => _canonical[index] == NotAType ? null : registry[_canonical[index]].Composite as CoreFunctionType;

    /// <summary>Adds a recursion group.</summary>
    /// <exception cref="InvalidModuleException">A type refers to what is not there, or is not a subtype of what it says it is.</exception>
    public void Add(CoreGroupSyntax group)
    {
        int start = Count, end = start + group.Types.Length;
        if (group.Types.Length == 0)
            return;
        SubType[] types = group.Types;
        for (int i = 0; i < types.Length; i++)
        {
            foreach (ValType reference in References(types[i].Composite))
                CheckReference(reference, start, end, group.Offset);
            if (types[i].HasSupertype)
                CheckSupertype(types, i, start, group.Offset);
        }

        for (int i = 0; i < types.Length; i++)
            Push(null, types[i], NotAType);
        registry.Add(types, start, _canonical);
        for (int i = 0; i < types.Length; i++)
        {
            SubType type = types[i];
            if (type.HasSupertype && !Subtyping.IsSubtype(type.Composite, _types[type.Supertype].Composite, registry, Canonical))
                throw new InvalidModuleException($"sub type {start + i} does not match super type {type.Supertype}", group.Offset);
        }
    }

    private void Push(CoreModuleType? module, SubType type, int id)
    {
        if (_canonical.Length == Count)
            Array.Resize(ref _canonical, Count * 2);
        _canonical[Count] = id;
        _modules.Add(module);
        _types.Add(type);
    }

    private void CheckReference(ValType type, int start, int end, int offset)
    {
        if (!type.IsConcrete)
            return;
        int index = type.Heap.TypeIndex;
        if (index >= end)
            throw new InvalidModuleException($"unknown type {index}: type index out of bounds", offset);
        if (index < start && _modules[index] is not null)
            throw new InvalidModuleException($"type index {index} is a module type, not a sub type", offset);
    }

    private void CheckSupertype(SubType[] types, int at, int start, int offset)
    {
        int super = types[at].Supertype;
        if (super >= start + at)
            throw new InvalidModuleException($"unknown type {super}: type index out of bounds", offset);
        if (super < start && _modules[super] is not null)
            throw new InvalidModuleException($"type index {super} is a module type, not a sub type", offset);
        int depth = super < start ? registry.Depth(_canonical[super]) + 1 : 1;
        for (int above = super; above >= start && types[above - start].HasSupertype; above = types[above - start].Supertype)
            depth++;
        if (depth > ImplementationLimits.SubtypingDepth)
            throw new InvalidModuleException($"sub type {start + at} has too many supertypes above it: the implementation limit is {ImplementationLimits.SubtypingDepth}", offset);
        if ((super < start ? _types[super] : types[super - start]).IsFinal)
            throw new InvalidModuleException($"sub type {start + at} does not match super type {super}: the super type is final", offset);
    }

    private static ValType[] References(CompositeType composite)
    {
        switch (composite)
        {
            case CoreFunctionType function:
                return [.. function.Parameters, .. function.Results];
            case StructType structure:
                return Array.ConvertAll(structure.Fields.ToArray(), f => f.Storage);
            default:
                return [((ArrayType)composite).Element.Storage];
        }
    }
}

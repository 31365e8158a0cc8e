// Types that something needs, each behind what it needs itself.
namespace Tarn.Wasm.Wit;

/// <summary>A set of types in order.</summary>
internal sealed class LiveTypes
{
    private readonly HashSet<WitTypeDef> _seen = new(ReferenceEqualityComparer.Instance);

    /// <summary>The types.</summary>
    public List<WitTypeDef> All { get; } = [];

    public bool Contains(WitTypeDef type) => _seen.Contains(type);

    public void Add(WitTypeDef type)
    {
        if (_seen.Contains(type))
            return;
        foreach (WitType? part in type.Types)
        {
            if (part?.Definition is WitTypeDef inner)
                Add(inner);
        }

        if (_seen.Add(type))
            All.Add(type);
    }

    public void Add(WitFunction function)
    {
        foreach (WitType type in function.AllTypes())
        {
            if (type.Definition is WitTypeDef definition)
                Add(definition);
        }

        if (function.Resource is not null)
            Add(function.Resource);
    }

    public void Add(WitInterface definition)
    {
        foreach (WitTypeDef type in definition.Types.Values)
            Add(type);
        foreach (WitFunction function in definition.Functions.Values)
            Add(function);
    }

    public void Add(WitWorldItem item)
    {
        if (item.Interface is not null)
            Add(item.Interface);
        else if (item.Function is not null)
            Add(item.Function);
        else
            Add(item.Type!);
    }
}

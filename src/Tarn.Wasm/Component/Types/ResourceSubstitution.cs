// Replaces resources and types by others: what an instantiation does to the types of a component's exports. A node is rewritten once, so that the work is bounded by the number of nodes and
// not by the size of what they spell; a node of which nothing changes stays the node that it is, and keeps its names.
namespace Tarn.Wasm.Component;

/// <summary>A replacement of resources and types.</summary>
internal sealed class ResourceSubstitution(ComponentTypeArena arena)
{
    private readonly Dictionary<ResourceId, ResourceId> _resources = [];
    private readonly Dictionary<TypeNode, TypeNode> _done = new(ReferenceEqualityComparer.Instance);
    private bool _hasTypes;

    public bool IsEmpty => _resources.Count == 0 && !_hasTypes;

    /// <summary>Adds a resource. All are added before the first type is rewritten.</summary>
    public void Add(ResourceId from, ResourceId to) => _resources[from] = to;

    /// <summary>Adds the types that an import brings and those that it is given, so that what is made of them has the names of the latter.</summary>
    public void AddTypes(ComponentExternType import, ComponentExternType argument)
    {
        if (import.Sort == ComponentSort.Type && import.Type is ValueTypeNode or ResourceTypeNode)
        {
            if (_done.TryAdd(import.Type, argument.Type!))
                _hasTypes |= import.Type != argument.Type;
        }
        else if (import is { Sort: ComponentSort.Instance, Type: InstanceTypeNode imported } && argument.Type is InstanceTypeNode given)
        {
            foreach ((string name, ComponentExternType item) in imported.Exports)
            {
                if (given.Exports.TryGetValue(name, out ComponentExternType? found))
                    AddTypes(item, found);
            }
        }
    }

    public ComponentExternType Apply(ComponentExternType item)
    {
        if (item.Type is null || IsEmpty)
            return item;
        TypeNode type = Apply(item.Type);
        return type == item.Type ? item : item with { Type = type };
    }

    public TypeNode Apply(TypeNode node)
    {
        if (IsEmpty || (!node.HasResources && !_hasTypes))
            return node;
        if (_done.TryGetValue(node, out TypeNode? known))
            return known;
        TypeNode result = Rewrite(node);
        // What a node is equal to comes before it, and has been rewritten before it. Nothing recurses along origins, of which there can be a long chain.
        if (result != node && node.Origin is TypeNode origin)
            result.Origin = _done.GetValueOrDefault(origin, origin);
        _done.Add(node, result);
        return result;
    }

    public OrderedDictionary<string, ComponentExternType> Apply(OrderedDictionary<string, ComponentExternType> items)
    {
        if (IsEmpty)
            return items;
        OrderedDictionary<string, ComponentExternType> result = new(items.Count, StringComparer.Ordinal);
        bool changed = false;
        foreach ((string name, ComponentExternType item) in items)
        {
            ComponentExternType applied = Apply(item);
            changed |= applied != item;
            result.Add(name, applied);
        }

        return changed ? result : items;
    }

    private TypeNode Rewrite(TypeNode node)
    {
        TypeMeasure measure = new() { Size = node.Size, Depth = node.Depth, HasResources = node.HasResources };
        switch (node)
        {
            case ResourceTypeNode resource:
                return _resources.TryGetValue(resource.Id, out ResourceId? to) ? new ResourceTypeNode(to) : resource;
            case ValueTypeNode value:
                return Rewrite(value);
            case FunctionTypeNode function:
                bool changed = false;
                ValueTypeNode[] parameters = Array.ConvertAll(function.Parameters, p => ApplyValue(p, ref changed)!);
                ValueTypeNode? result = ApplyValue(function.Result, ref changed);
                return changed ? new FunctionTypeNode(function.IsAsync, function.Names, parameters, result, measure) : function;
            case InstanceTypeNode instance:
                OrderedDictionary<string, ComponentExternType> exports = Apply(instance.Exports);
                return exports == instance.Exports ? instance : new InstanceTypeNode(exports, instance.Resources, measure);
            case ComponentTypeNode component:
                OrderedDictionary<string, ComponentExternType> imports = Apply(component.Imports);
                exports = Apply(component.Exports);
                return imports == component.Imports && exports == component.Exports
                    ? component
                    : new ComponentTypeNode(imports, exports, component.ImportedResources, component.DefinedResources, measure);
            default:
                return node;
        }
    }

    private ValueTypeNode Rewrite(ValueTypeNode value)
    {
        bool changed = false;
        ValueTypeNode?[] types = Array.ConvertAll(value.Types, t => ApplyValue(t, ref changed));
        var resource = value.Resource is null ? null : (ResourceTypeNode)Apply(value.Resource);
        return changed || resource != value.Resource ? arena.Create(value.Kind, value.Names, types, value.Length, resource, 0) : value;
    }

    private ValueTypeNode? ApplyValue(ValueTypeNode? value, ref bool changed)
    {
        if (value is null)
            return null;
        var result = (ValueTypeNode)Apply(value);
        changed |= result != value;
        return result;
    }
}

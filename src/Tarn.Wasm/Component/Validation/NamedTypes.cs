// What may be imported or exported refers only to types that have names: a user of the component could not write the others down (Binary.md, "externally visible"). Structural types need
// no name of their own, what they are made of does.
namespace Tarn.Wasm.Component;

internal static class NamedTypes
{
    /// <summary>Whether all that a type is made of has a name.</summary>
    public static bool AllNamed(TypeNode type, HashSet<TypeNode> named) => type switch
    {
        FunctionTypeNode function => Array.TrueForAll(function.Parameters, p => IsNamed(p, named)) && (function.Result is null || IsNamed(function.Result, named)),
        InstanceTypeNode instance => AllNamed(instance, named),
        ValueTypeNode value => PartsNamed(value, named),
        _ => true,
    };

    /// <summary>Whether a value type can be written down.</summary>
    public static bool IsNamed(ValueTypeNode type, HashSet<TypeNode> named) => type.Kind switch
    {
        ValueTypeKind.Record or ValueTypeKind.Variant or ValueTypeKind.Enum or ValueTypeKind.Flags => named.Contains(type),
        _ => PartsNamed(type, named),
    };

    private static bool PartsNamed(ValueTypeNode type, HashSet<TypeNode> named)
    {
        if (type.Resource is not null)
            return named.Contains(type.Resource);
        foreach (ValueTypeNode? part in type.Types)
        {
            if (part is not null && !IsNamed(part, named))
                return false;
        }

        return true;
    }

    private static bool AllNamed(InstanceTypeNode instance, HashSet<TypeNode> named)
    {
        foreach (ComponentExternType export in instance.Exports.Values)
        {
            bool ok = export.Sort switch
            {
                ComponentSort.CoreModule or ComponentSort.Component => true,
                ComponentSort.Value => IsNamed((ValueTypeNode)export.Type!, named),
                _ => AllNamed(export.Type!, named),
            };
            if (!ok)
                return false;
        }

        return true;
    }

    /// <summary>Adds the resources that a type refers to without binding them.</summary>
    public static void CollectFree(TypeNode type, HashSet<ResourceId> free) => Collect(type, free, new HashSet<TypeNode>(ReferenceEqualityComparer.Instance));

    private static void Collect(TypeNode type, HashSet<ResourceId> free, HashSet<TypeNode> seen)
    {
        if (!type.HasResources || !seen.Add(type))
            return;
        switch (type)
        {
            case ResourceTypeNode resource:
                free.Add(resource.Id);
                break;
            case ValueTypeNode value:
                if (value.Resource is not null)
                    free.Add(value.Resource.Id);
                foreach (ValueTypeNode? part in value.Types)
                {
                    if (part is not null)
                        Collect(part, free, seen);
                }

                break;
            case FunctionTypeNode function:
                foreach (ValueTypeNode parameter in function.Parameters)
                    Collect(parameter, free, seen);
                if (function.Result is not null)
                    Collect(function.Result, free, seen);
                break;
            case InstanceTypeNode instance:
                CollectScope([instance.Exports], [instance.Resources], free);
                break;
            case ComponentTypeNode component:
                CollectScope([component.Imports, component.Exports], [component.ImportedResources, component.DefinedResources], free);
                break;
        }
    }

    private static void CollectScope(OrderedDictionary<string, ComponentExternType>[] items, BoundResource[][] bound, HashSet<ResourceId> free)
    {
        HashSet<ResourceId> inner = [];
        HashSet<TypeNode> seen = new(ReferenceEqualityComparer.Instance);
        foreach (OrderedDictionary<string, ComponentExternType> group in items)
        {
            foreach (ComponentExternType item in group.Values)
            {
                if (item.Type is not null)
                    Collect(item.Type, inner, seen);
            }
        }

        foreach (BoundResource[] group in bound)
        {
            foreach (BoundResource resource in group)
                inner.Remove(resource.Id);
        }

        free.UnionWith(inner);
    }
}

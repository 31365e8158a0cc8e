// Whether one type of a component may stand where another is expected (Subtyping.md, as far as it is in use: value types are compared for equality), and what an instantiation does to
// types. Resources that a type binds are matched by where they are found: the resource at a path stands for the bound one in everything else.
namespace Tarn.Wasm.Component;

/// <summary>Comparison of types. Each method returns what differs, or null.</summary>
internal sealed class ComponentSubtyping(ComponentTypeArena arena)
{
    /// <summary>Compares the types of two items.</summary>
    public string? Check(ComponentExternType actual, ComponentExternType expected)
    {
        if (actual.Sort != expected.Sort)
            return $"expected {expected.Description}, found {actual.Description}";
        return expected.Sort switch
        {
            ComponentSort.CoreModule => Check(actual.Module!, expected.Module!),
            _ => Check(actual.Type!, expected.Type!),
        };
    }

    /// <summary>Compares two types.</summary>
    public string? Check(TypeNode actual, TypeNode expected)
    {
        if (ReferenceEquals(actual, expected))
            return null;
        switch (actual, expected)
        {
            case (ResourceTypeNode a, ResourceTypeNode b):
                return a.Id == b.Id ? null : "resource types are not the same";
            case (ValueTypeNode a, ValueTypeNode b):
                return a.StructuralId == b.StructuralId ? null : Describe(a, b);
            case (FunctionTypeNode a, FunctionTypeNode b):
                return Check(a, b);
            case (InstanceTypeNode a, InstanceTypeNode b):
                return Check(a, b);
            case (ComponentTypeNode a, ComponentTypeNode b):
                return Check(a, b);
            default:
                return $"expected {expected.Description}, found {actual.Description}";
        }
    }

    /// <summary>The type of an instance of a component.</summary>
    /// <param name="component">The component.</param>
    /// <param name="arguments">What it is given.</param>
    /// <param name="instance">The instance's type.</param>
    /// <param name="made">The resources that the instantiation makes.</param>
    public string? Instantiate(ComponentTypeNode component, Dictionary<string, ComponentExternType> arguments, out InstanceTypeNode? instance, out List<ResourceId> made)
    {
        instance = null;
        made = [];
        ResourceSubstitution substitution = new(arena);
        foreach (BoundResource resource in component.ImportedResources)
        {
            if (Find(resource.Path, arguments.GetValueOrDefault(resource.Path[0]), out string? problem) is not ResourceTypeNode found)
                return problem ?? MissingImport(component, arguments) ?? $"expected resource at `{string.Join('.', resource.Path)}`";
            substitution.Add(resource.Id, found.Id);
        }

        foreach ((string name, ComponentExternType import) in component.Imports)
        {
            if (!arguments.TryGetValue(name, out ComponentExternType? argument))
                return $"missing import named `{name}`";
            if (Check(argument, substitution.Apply(import)) is string problem)
                return $"type mismatch for import `{name}`: {problem}";
        }

        // A substitution of its own: what was rewritten above does not know of types and of the resources that are made now.
        ResourceSubstitution complete = new(arena);
        foreach (BoundResource resource in component.ImportedResources)
            complete.Add(resource.Id, ((ResourceTypeNode)Find(resource.Path, arguments[resource.Path[0]], out _)!).Id);
        foreach (BoundResource resource in component.DefinedResources)
        {
            ResourceId fresh = arena.CreateResource();
            complete.Add(resource.Id, fresh);
            made.Add(fresh);
        }

        foreach ((string name, ComponentExternType import) in component.Imports)
            complete.AddTypes(import, arguments[name]);
        OrderedDictionary<string, ComponentExternType> exports = complete.Apply(component.Exports);
        instance = new InstanceTypeNode(exports, [], MeasureOf(exports));
        return null;
    }

    internal static TypeMeasure MeasureOf(OrderedDictionary<string, ComponentExternType> exports)
    {
        TypeMeasure measure = TypeMeasure.One;
        foreach (ComponentExternType export in exports.Values)
            measure.Add(export);
        return measure;
    }

    private static string? MissingImport(ComponentTypeNode component, Dictionary<string, ComponentExternType> arguments)
    {
        foreach (string name in component.Imports.Keys)
        {
            if (!arguments.ContainsKey(name))
                return $"missing import named `{name}`";
        }

        return null;
    }

    // The type at a path of which the first item is at hand.
    private static TypeNode? Find(string[] path, ComponentExternType? item, out string? problem)
    {
        problem = null;
        for (int i = 1; item is not null && i < path.Length; i++)
        {
            if (item.Type is not InstanceTypeNode instance)
            {
                problem = $"expected instance at `{path[i - 1]}`, found {item.Description}";
                return null;
            }

            if (!instance.Exports.TryGetValue(path[i], out ComponentExternType? next))
            {
                problem = $"missing expected export `{path[i]}`";
                return null;
            }

            item = next;
        }

        if (item is null)
            return null;
        if (item is { Sort: ComponentSort.Type, Type: ResourceTypeNode })
            return item.Type;
        problem = item.Sort == ComponentSort.Type ? $"expected resource, found {item.Type!.Description}" : $"expected type, found {item.Description}";
        return null;
    }

    private static string Describe(ValueTypeNode a, ValueTypeNode b)
    {
        if (a.Kind != b.Kind)
            return a.Kind.IsPrimitive() && b.Kind.IsPrimitive() ? $"expected primitive `{b.Kind.Keyword()}` found primitive `{a.Kind.Keyword()}`" : $"expected {b.Kind.Keyword()}, found {a.Kind.Keyword()}";
        if (a.Resource is not null && a.Resource.Id != b.Resource!.Id)
            return "resource types are not the same";
        if (a.Types.Length != b.Types.Length || a.Names.Length != b.Names.Length || a.Length != b.Length)
            return $"expected {Math.Max(b.Types.Length, b.Names.Length)} items in a {b.Kind.Keyword()}, found {Math.Max(a.Types.Length, a.Names.Length)}";
        for (int i = 0; i < a.Names.Length; i++)
        {
            if (a.Names[i] != b.Names[i])
                return $"expected {b.Kind.Keyword()} item named `{b.Names[i]}`, found `{a.Names[i]}`";
        }

        for (int i = 0; i < a.Types.Length; i++)
        {
            if (a.Types[i]?.StructuralId == b.Types[i]?.StructuralId)
                continue;
            string what = a.Names.Length > 0 ? $"type mismatch in {b.Kind.Keyword()} item `{b.Names[i]}`: " : $"type mismatch in {b.Kind.Keyword()}: ";
            return what + (a.Types[i] is null ? "a type is missing" : b.Types[i] is null ? "a type is not expected" : Describe(a.Types[i]!, b.Types[i]!));
        }

        return "type mismatch";
    }

    private string? Check(FunctionTypeNode a, FunctionTypeNode b)
    {
        if (a.IsAsync != b.IsAsync)
            return $"expected {(b.IsAsync ? "an async" : "a sync")} function, found {(a.IsAsync ? "an async" : "a sync")} one";
        if (a.Parameters.Length != b.Parameters.Length)
            return $"expected {b.Parameters.Length} parameters, found {a.Parameters.Length}";
        for (int i = 0; i < a.Parameters.Length; i++)
        {
            if (a.Names[i] != b.Names[i])
                return $"expected parameter named `{b.Names[i]}`, found `{a.Names[i]}`";
            if (Check((TypeNode)a.Parameters[i], b.Parameters[i]) is string problem)
                return $"type mismatch in function parameter `{a.Names[i]}`: {problem}";
        }

        if (a.Result is null != b.Result is null)
            return b.Result is null ? "expected no result, found one" : "expected a result, found none";
        return a.Result is not null && Check((TypeNode)a.Result, b.Result!) is string difference ? $"type mismatch with result type: {difference}" : null;
    }

    private string? Check(InstanceTypeNode a, InstanceTypeNode b)
    {
        ResourceSubstitution substitution = new(arena);
        if (Bind(b.Resources, a.Exports, substitution) is string missing)
            return missing;
        return CheckExports(a.Exports, b.Exports, substitution);
    }

    private string? Check(ComponentTypeNode a, ComponentTypeNode b)
    {
        ResourceSubstitution imports = new(arena);
        if (Bind(a.ImportedResources, b.Imports, imports) is string missing)
            return missing;
        foreach ((string name, ComponentExternType import) in a.Imports)
        {
            if (!b.Imports.TryGetValue(name, out ComponentExternType? given))
                return $"missing expected import `{name}`";
            if (Check(given, imports.Apply(import)) is string problem)
                return $"type mismatch in import `{name}`: {problem}";
        }

        OrderedDictionary<string, ComponentExternType> made = imports.Apply(a.Exports);
        ResourceSubstitution exports = new(arena);
        return Bind(b.DefinedResources, made, exports) ?? CheckExports(made, b.Exports, exports);
    }

    private static string? Bind(BoundResource[] resources, OrderedDictionary<string, ComponentExternType> items, ResourceSubstitution substitution)
    {
        foreach (BoundResource resource in resources)
        {
            if (!items.TryGetValue(resource.Path[0], out ComponentExternType? first))
                return $"missing expected export `{resource.Path[0]}`";
            if (Find(resource.Path, first, out string? problem) is not ResourceTypeNode found)
                return problem;
            substitution.Add(resource.Id, found.Id);
        }

        return null;
    }

    private string? CheckExports(OrderedDictionary<string, ComponentExternType> actual, OrderedDictionary<string, ComponentExternType> expected, ResourceSubstitution substitution)
    {
        foreach ((string name, ComponentExternType export) in expected)
        {
            if (!actual.TryGetValue(name, out ComponentExternType? found))
                return $"missing expected export `{name}`";
            if (Check(found, substitution.Apply(export)) is string problem)
                return $"type mismatch in instance export `{name}`: {problem}";
        }

        return null;
    }

    private string? Check(CoreModuleType a, CoreModuleType b)
    {
        foreach ((string Module, string Name) name in a.Imports.Keys)
        {
            if (!b.Imports.TryGetValue(name, out CoreExternType given))
                return $"missing expected import `{name.Module}::{name.Name}`";
            if (!given.Matches(a.Imports[name], arena.Registry))
                return $"type mismatch in import `{name.Module}::{name.Name}`";
        }

        foreach ((string name, CoreExternType export) in b.Exports)
        {
            if (!a.Exports.TryGetValue(name, out CoreExternType found))
                return $"missing expected export `{name}`";
            if (!found.Matches(export, arena.Registry))
                return $"type mismatch in export `{name}`";
        }

        return null;
    }
}

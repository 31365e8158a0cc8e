// What validation learns of a component and what the linker needs: types by the definitions that they belong to. A definition is looked up by its object, since the same component may be
// instantiated in several places and still has one type.
namespace Tarn.Wasm.Component;

/// <summary>Facts about a valid component.</summary>
internal sealed class ComponentFacts(ComponentTypeArena arena)
{
    public ComponentTypeArena Arena { get; } = arena;

    /// <summary>The type of the outermost component.</summary>
    public ComponentTypeNode Type { get; set; } = null!;

    /// <summary>Types of nested components.</summary>
    public Dictionary<WasmComponent, ComponentTypeNode> Components { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>Types of core modules.</summary>
    public Dictionary<WasmModule, CoreModuleType> Modules { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>The types of instances that instantiations make.</summary>
    public Dictionary<InstantiateDefinition, InstanceTypeNode> Instances { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>The types of functions that are lifted or lowered.</summary>
    public Dictionary<CanonicalDefinition, FunctionTypeNode> Functions { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>The core types of built-in functions.</summary>
    public Dictionary<CanonicalDefinition, (ValType[] Parameters, ValType[] Results)> BuiltIns { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>The resources of built-in functions on resources.</summary>
    public Dictionary<CanonicalDefinition, ResourceTypeNode> Handles { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>The resources that definitions bring into being.</summary>
    public Dictionary<ResourceTypeSyntax, ResourceId> Resources { get; } = new(ReferenceEqualityComparer.Instance);
}

// What a component, a component type or an instance type has defined so far: its index spaces, its imports and exports, and the resources that it was given or made. Used by the
// validator alone; at its end it becomes a type.
namespace Tarn.Wasm.Component;

/// <summary>Kinds of scopes.</summary>
internal enum ScopeKind : byte
{
    Component,
    ComponentType,
    InstanceType,
}

/// <summary>An item of the value index space.</summary>
internal sealed class ValueItem(ValueTypeNode type, bool isUsed)
{
    public ValueTypeNode Type { get; } = type;

    public bool IsUsed { get; set; } = isUsed;
}

/// <summary>A scope.</summary>
internal sealed class ComponentScope
{
    public ComponentScope(ScopeKind kind, ComponentScope? parent, ComponentTypeArena arena, WasmFeatures features)
    {
        Kind = kind;
        Parent = parent;
        Arena = arena;
        Features = features;
        CoreTypes = new CoreTypeSpace(arena.Registry);
        ImportNames = new NameContext(arena, features);
        ExportNames = new NameContext(arena, features);
    }

    public ScopeKind Kind { get; }

    public ComponentScope? Parent { get; }

    public ComponentTypeArena Arena { get; }

    public WasmFeatures Features { get; }

    public CoreTypeSpace CoreTypes { get; }

    /// <summary>Canonical type ids.</summary>
    public List<int> CoreFunctions { get; } = [];

    /// <summary>Canonical type ids.</summary>
    public List<int> CoreTags { get; } = [];

    public List<CoreTableType> CoreTables { get; } = [];

    public List<CoreMemoryType> CoreMemories { get; } = [];

    public List<CoreGlobalType> CoreGlobals { get; } = [];

    public List<CoreModuleType> Modules { get; } = [];

    /// <summary>Exports by name.</summary>
    public List<OrderedDictionary<string, CoreExternType>> CoreInstances { get; } = [];

    public List<TypeNode> Types { get; } = [];

    public List<FunctionTypeNode> Functions { get; } = [];

    public List<ValueItem> Values { get; } = [];

    public List<InstanceTypeNode> Instances { get; } = [];

    public List<ComponentTypeNode> Components { get; } = [];

    public NameContext ImportNames { get; }

    public NameContext ExportNames { get; }

    public OrderedDictionary<string, ComponentExternType> Imports => ImportNames.Items;

    public OrderedDictionary<string, ComponentExternType> Exports => ExportNames.Items;

    /// <summary>Resources that the scope is given, and where.</summary>
    public List<BoundResource> ImportedResources { get; } = [];

    /// <summary>Resources that are made here or in what is instantiated here. The value is the core type of the representation, where this component defines the resource itself.</summary>
    public OrderedDictionary<ResourceId, ValType?> DefinedResources { get; } = [];

    /// <summary>Resources that are exported, and where.</summary>
    public Dictionary<ResourceId, string[]> ExplicitResources { get; } = [];

    /// <summary>Types that have a name for importers.</summary>
    public HashSet<TypeNode> ImportedTypes { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>Types that have a name for users.</summary>
    public HashSet<TypeNode> ExportedTypes { get; } = new(ReferenceEqualityComparer.Instance);

    public bool HasStart { get; set; }

    /// <summary>The type of context slots, once one is used.</summary>
    public ValType ContextType { get; set; }

    public bool Has(WasmFeatures feature) => (Features & feature) != 0;

    public void Require(WasmFeatures feature, string what, int offset)
    {
        if (!Has(feature))
            throw new InvalidModuleException($"{what} requires the feature {feature}, which is off", offset);
    }

    public static T At<T>(List<T> items, int index, string what, int offset) => (uint)index < (uint)items.Count
        ? items[index]
        : throw new InvalidModuleException($"unknown {what} {index}: {(what is "core function" ? "function" : what)} index out of bounds", offset);

    public TypeNode TypeAt(int index, int offset) => At(Types, index, "type", offset);

    public FunctionTypeNode FunctionTypeAt(int index, int offset) =>
        TypeAt(index, offset) as FunctionTypeNode ?? throw new InvalidModuleException($"type index {index} is not a function type", offset);

    public ValueTypeNode ValueTypeAt(int index, int offset) =>
        TypeAt(index, offset) as ValueTypeNode ?? throw new InvalidModuleException($"type index {index} is not a defined type", offset);

    public ResourceTypeNode ResourceAt(int index, int offset) =>
        TypeAt(index, offset) as ResourceTypeNode ?? throw new InvalidModuleException($"type index {index} is not a resource type", offset);

    public CoreFunctionType CoreFunctionAt(int index, int offset) => Arena.Registry.Function(At(CoreFunctions, index, "core function", offset));

    public void CheckCoreType(int index, int offset)
    {
        if ((uint)index >= (uint)CoreTypes.Count)
            throw new InvalidModuleException($"unknown type {index}: core type index out of bounds", offset);
    }

    /// <summary>The scope so many levels outwards.</summary>
    public ComponentScope Outer(int count, int offset)
    {
        ComponentScope? scope = this;
        for (int i = 0; i < count && scope is not null; i++)
            scope = scope.Parent;
        return scope ?? throw new InvalidModuleException($"invalid outer alias count of {count}", offset);
    }
}

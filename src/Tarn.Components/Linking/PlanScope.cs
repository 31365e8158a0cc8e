// The index spaces of one instantiation of a component while its plan is made.
using Tarn.Components.Abi;

namespace Tarn.Components.Linking;

/// <summary>A scope of a plan.</summary>
/// <param name="parent">The scope that the component is defined in.</param>
/// <param name="instance">The number of the component instance.</param>
/// <param name="arena">The component's types.</param>
internal sealed class PlanScope(PlanScope? parent, int instance, ComponentTypeArena arena)
{
    private readonly Dictionary<ValueTypeNode, AbiType> _types = new(ReferenceEqualityComparer.Instance);

    public PlanScope? Parent { get; } = parent;

    public int Instance { get; } = instance;

    public List<CoreItem> CoreFunctions { get; } = [];

    public List<CoreItem> CoreTables { get; } = [];

    public List<CoreItem> CoreMemories { get; } = [];

    public List<CoreItem> CoreGlobals { get; } = [];

    public List<CoreItem> CoreTags { get; } = [];

    public List<CoreInstanceItem> CoreInstances { get; } = [];

    public List<ModuleItem> Modules { get; } = [];

    public List<Item> Functions { get; } = [];

    public List<TypeItem> Types { get; } = [];

    public List<InstanceItem> Instances { get; } = [];

    public List<PlannedComponent> Components { get; } = [];

    /// <summary>Slots of the resources that types of this scope mention.</summary>
    public Dictionary<ResourceId, int> Resources { get; } = [];

    public Dictionary<string, Item> Exports { get; } = new(StringComparer.Ordinal);

    public PlanScope Outer(int count)
    {
        PlanScope scope = this;
        for (int i = 0; i < count; i++)
            scope = scope.Parent!;
        return scope;
    }

    /// <summary>A value type with the resources of this scope.</summary>
    public AbiType Resolve(ValueTypeNode node)
    {
        if (_types.TryGetValue(node, out AbiType? known))
            return known;
        if (node.Kind == ValueTypeKind.Map)
        {
            // A map is passed as a list of pairs.
            ValueTypeNode pair = arena.Create(ValueTypeKind.Tuple, [], node.Types, 0, null, 0);
            AbiType list = Resolve(arena.Create(ValueTypeKind.List, [], [pair], 0, null, 0));
            _types.Add(node, list);
            return list;
        }

        AbiType type = new(
            node, Array.ConvertAll(node.Types, part => part is null ? null : Resolve(part)), node.Resource is null ? -1 : Resources[node.Resource.Id]);
        _types.Add(node, type);
        return type;
    }

    public AbiFunction Resolve(FunctionTypeNode node) =>
        new(node.Names, Array.ConvertAll(node.Parameters, Resolve), node.Result is null ? null : Resolve(node.Result), node.IsAsync);

    /// <summary>The item with an index.</summary>
    public Item Find(SortIndex item) => item.Sort switch
    {
        ComponentSort.CoreModule => Modules[item.Index],
        ComponentSort.Function => Functions[item.Index],
        ComponentSort.Type => Types[item.Index],
        ComponentSort.Instance => Instances[item.Index],
        ComponentSort.Component => Components[item.Index],
        _ => throw new NotSupportedException("Components with values are not supported."),
    };

    public void Add(Item item)
    {
        switch (item)
        {
            case ModuleItem module:
                Modules.Add(module);
                break;
            case TypeItem type:
                Types.Add(type);
                break;
            case InstanceItem instance:
                Instances.Add(instance);
                break;
            case PlannedComponent component:
                Components.Add(component);
                break;
            default:
                Functions.Add(item);
                break;
        }
    }

    /// <summary>The core index space of a sort.</summary>
    public List<CoreItem> Core(ComponentSort sort) => sort switch
    {
        ComponentSort.CoreFunction => CoreFunctions,
        ComponentSort.CoreTable => CoreTables,
        ComponentSort.CoreMemory => CoreMemories,
        ComponentSort.CoreGlobal => CoreGlobals,
        _ => CoreTags,
    };
}

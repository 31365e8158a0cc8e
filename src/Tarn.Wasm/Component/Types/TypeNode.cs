// Types of components as the validator, the linker and the canonical ABI see them: all indices resolved. A node is a type's identity: two records with the same fields are the same type
// structurally (they have one StructuralId), but a component has to name each of them before it can export a function that uses it, and names are given to nodes.
//
// Invariants: nodes are immutable once they are made. Size and Depth bound what a walk over a node can cost: a node beyond ComponentLimits.TypeSize or TypeDepth is never made, so that
// recursive walks are safe whatever the component says.
namespace Tarn.Wasm.Component;

/// <summary>A type.</summary>
internal abstract class TypeNode
{
    private protected TypeNode(TypeMeasure measure)
    {
        Size = measure.Size;
        Depth = measure.Depth;
        HasResources = measure.HasResources;
    }

    /// <summary>Nodes of the type when all that it refers to is written out.</summary>
    public int Size { get; }

    /// <summary>How deep types are within it.</summary>
    public int Depth { get; }

    /// <summary>Whether it mentions a resource type, bound in it or not.</summary>
    public bool HasResources { get; }

    /// <summary>The word for it in messages.</summary>
    public abstract string Description { get; }

    /// <summary>The node that this one was made equal to, or null: a type that is exported as equal to another one is another node, and remembers which.</summary>
    public TypeNode? Origin { get; internal set; }

    /// <summary>The same type under another identity.</summary>
    public TypeNode WithNewIdentity()
    {
        TypeNode copy = (TypeNode)MemberwiseClone();
        copy.Origin = this;
        return copy;
    }
}

/// <summary>A resource type's identity: what two uses must share to be the same resource. Generative: each definition makes one, and so does each instantiation.</summary>
internal sealed class ResourceId(int number)
{
    /// <summary>Its number in the arena.</summary>
    public int Number { get; } = number;

    public override string ToString() => $"resource {Number}";
}

/// <summary>A resource type under one of its names.</summary>
internal sealed class ResourceTypeNode(ResourceId id) : TypeNode(new TypeMeasure { Size = 1, Depth = 1, HasResources = true })
{
    public ResourceId Id { get; } = id;

    public override string Description => "resource";
}

/// <summary>A function type.</summary>
internal sealed class FunctionTypeNode(bool isAsync, string[] names, ValueTypeNode[] parameters, ValueTypeNode? result, TypeMeasure measure) : TypeNode(measure)
{
    public bool IsAsync { get; } = isAsync;

    public string[] Names { get; } = names;

    public ValueTypeNode[] Parameters { get; } = parameters;

    public ValueTypeNode? Result { get; } = result;

    public override string Description => "func";
}

/// <summary>A resource that a type brings with it, and where in the type it is found.</summary>
/// <param name="Id">The resource.</param>
/// <param name="Path">Names of imports or exports that lead to it.</param>
internal readonly record struct BoundResource(ResourceId Id, string[] Path);

/// <summary>An instance type.</summary>
/// <param name="exports">Its exports.</param>
/// <param name="resources">Resources that each instance of the type has its own of; none in the type of an instance that exists.</param>
/// <param name="measure">Its size.</param>
internal sealed class InstanceTypeNode(OrderedDictionary<string, ComponentExternType> exports, BoundResource[] resources, TypeMeasure measure) : TypeNode(measure)
{
    public OrderedDictionary<string, ComponentExternType> Exports { get; } = exports;

    public BoundResource[] Resources { get; } = resources;

    public override string Description => "instance";
}

/// <summary>A component type.</summary>
/// <param name="imports">Its imports.</param>
/// <param name="exports">Its exports.</param>
/// <param name="importedResources">Resources that an instantiation is given.</param>
/// <param name="definedResources">Resources that an instantiation makes and exports.</param>
/// <param name="measure">Its size.</param>
internal sealed class ComponentTypeNode(
    OrderedDictionary<string, ComponentExternType> imports, OrderedDictionary<string, ComponentExternType> exports, BoundResource[] importedResources, BoundResource[] definedResources, TypeMeasure measure)
    : TypeNode(measure)
{
    public OrderedDictionary<string, ComponentExternType> Imports { get; } = imports;

    public OrderedDictionary<string, ComponentExternType> Exports { get; } = exports;

    public BoundResource[] ImportedResources { get; } = importedResources;

    public BoundResource[] DefinedResources { get; } = definedResources;

    public override string Description => "component";
}

/// <summary>The type of an import or export.</summary>
/// <param name="Sort">What it is.</param>
/// <param name="Type">The type of a function, value, instance or component; the type that a type item is.</param>
/// <param name="Module">The type of a core module.</param>
/// <param name="IsFresh">Whether a type item brings a resource into being.</param>
internal sealed record ComponentExternType(ComponentSort Sort, TypeNode? Type, CoreModuleType? Module = null, bool IsFresh = false)
{
    public string Description => Sort switch
    {
        ComponentSort.CoreModule => "module",
        ComponentSort.Function => "func",
        _ => Sort.Keyword(),
    };

    /// <summary>The interface that an instance with a plain name implements, where its name says so.</summary>
    public string? Implements { get; init; }

    public bool HasResources => Type is { HasResources: true };

    public int Size => Type?.Size ?? Module?.Size ?? 1;

    public int Depth => Type?.Depth ?? 1;
}

/// <summary>The size of a type under construction.</summary>
internal struct TypeMeasure
{
    public int Size;
    public int Depth;
    public bool HasResources;

    public static TypeMeasure One => new() { Size = 1, Depth = 1 };

    public void Add(TypeNode? node)
    {
        if (node is not null)
            Add(node.Size, node.Depth, node.HasResources);
    }

    public void Add(ComponentExternType item) => Add(item.Size, item.Depth, item.HasResources);

    private void Add(int size, int depth, bool hasResources)
    {
        Size = Math.Min(Size + size, ComponentLimits.TypeSize + 1);
        Depth = Math.Max(Depth, depth + 1);
        HasResources |= hasResources;
    }

    /// <summary>Refuses what is too large to be walked.</summary>
    public readonly void Check(int offset)
    {
        if (Size > ComponentLimits.TypeSize)
            throw new InvalidModuleException($"effective type size exceeds the limit of {ComponentLimits.TypeSize}", offset);
        if (Depth > ComponentLimits.TypeDepth)
            throw new InvalidModuleException($"type nesting is too deep: the implementation limit is {ComponentLimits.TypeDepth}", offset);
    }
}

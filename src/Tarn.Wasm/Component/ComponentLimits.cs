// Sizes beyond which a component is refused although the specification knows no bound. Most are those of the peers; the sizes of types bound the validator's memory and time, since a
// few bytes can describe a type of any size by naming another one twice.
namespace Tarn.Wasm.Component;

/// <summary>Implementation limits on components.</summary>
internal static class ComponentLimits
{
    /// <summary>Components, component types and instance types in each other.</summary>
    public const int Nesting = 100;

    /// <summary>Items of one index space.</summary>
    public const int Items = 1_000_000;

    /// <summary>Components in one component.</summary>
    public const int Components = 1_000;

    /// <summary>Core modules in one component.</summary>
    public const int Modules = 1_000;

    /// <summary>Instances in one component.</summary>
    public const int Instances = 1_000;

    /// <summary>Parameters of a function.</summary>
    public const int Parameters = 1_000;

    /// <summary>Fields of a record, elements of a tuple.</summary>
    public const int Fields = 10_000;

    /// <summary>Cases of a variant or enum.</summary>
    public const int Cases = 10_000;

    /// <summary>Flags of a flags type.</summary>
    public const int Flags = 1_000;

    /// <summary>Flags of a type that is valid.</summary>
    public const int ValidFlags = 32;

    /// <summary>Declarations of a component, instance or module type.</summary>
    public const int Declarations = 100_000;

    /// <summary>Exports of an inline instance, arguments of an instantiation.</summary>
    public const int Exports = 100_000;

    /// <summary>Options of a canonical definition.</summary>
    public const int Options = 10;

    /// <summary>Nodes of a type when all that it refers to is written out.</summary>
    public const int TypeSize = 1_000_000;

    /// <summary>Types within each other.</summary>
    public const int TypeDepth = 200;

    /// <summary>Bytes of a value in memory, at which the specification ends (2 to the power of 28).</summary>
    public const long ElementSize = 1L << 28;
}

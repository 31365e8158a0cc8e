// A value type as lifting and lowering use it: the layout of the validator's type, and resources by the slot that holds them at run time. One type of a component is several of these where
// the component is instantiated with several resources.
namespace Tarn.Components.Abi;

/// <summary>A value type with its resources.</summary>
internal sealed class AbiType
{
    public AbiType(ValueTypeNode node, AbiType?[] types, int resource)
    {
        Node = node;
        Types = types;
        Resource = resource;
    }

    public ValueTypeNode Node { get; }

    public ValueTypeKind Kind => Node.Kind;

    /// <summary>As in the node: fields, elements, payloads.</summary>
    public AbiType?[] Types { get; }

    /// <summary>Slot of the resource of a handle.</summary>
    public int Resource { get; }

    public int Size => (int)Node.Layout.Size;

    public int Alignment => Node.Layout.Alignment;

    /// <summary>The payload of a case of what is a variant.</summary>
    public AbiType? CaseType(int index) => Kind switch
    {
        ValueTypeKind.Option => index == 0 ? null : Types[0],
        ValueTypeKind.Enum => null,
        _ => Types[index],
    };

    /// <summary>The name of a case of what is a variant.</summary>
    public string CaseName(int index) => Kind switch
    {
        ValueTypeKind.Option => index == 0 ? "none" : "some",
        ValueTypeKind.Result => index == 0 ? "ok" : "error",
        _ => Node.Names[index],
    };
}

/// <summary>A function type with its resources.</summary>
/// <param name="Names">Names of parameters.</param>
/// <param name="Parameters">Types of parameters.</param>
/// <param name="Result">Type of the result.</param>
/// <param name="IsAsync">Whether it is asynchronous by type.</param>
internal sealed record AbiFunction(string[] Names, AbiType[] Parameters, AbiType? Result, bool IsAsync)
{
    /// <summary>Whether parameters are passed in memory.</summary>
    public bool ParametersInMemory { get; } = CanonicalSignature.CountFlat(Array.ConvertAll(Parameters, p => p.Node)) > CanonicalLayout.MaxFlatParameters;

    /// <summary>Whether the result is passed in memory.</summary>
    public bool ResultInMemory { get; } = Result is not null && Result.Node.FlatCount > CanonicalLayout.MaxFlatResults;
}

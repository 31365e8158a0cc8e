// The steps of a linking plan. Instantiation is a loop over them: each reads slots that earlier ones filled and fills one of its own.
using Tarn.Components.Abi;

namespace Tarn.Components.Linking;

/// <summary>A step.</summary>
internal abstract record PlanStep;

/// <summary>Makes a resource type of a component instance.</summary>
internal sealed record ResourceStep(int Slot, int Instance, CoreItem? Destructor) : PlanStep;

/// <summary>Takes a resource type from the host.</summary>
internal sealed record ImportResourceStep(int Slot, ImportPath Path) : PlanStep;

/// <summary>Instantiates a core module.</summary>
internal sealed record InstantiateStep(int Slot, int Module, PlanArgument[] Arguments) : PlanStep;

/// <summary>An import of a core module.</summary>
internal readonly record struct PlanArgument(string Module, string Name, CoreItem Item);

/// <summary>Makes a function of a component out of a core function.</summary>
internal sealed record LiftStep(int Slot, int Instance, CoreItem Core, PlanOptions Options, AbiFunction Type) : PlanStep;

/// <summary>Makes a core function out of a function of a component or of the host.</summary>
internal sealed record LowerStep(int Slot, int Instance, Item Callee, PlanOptions Options, AbiFunction Type, CanonicalSignature Signature) : PlanStep;

/// <summary>Makes a built-in core function.</summary>
internal sealed record BuiltInStep(int Slot, int Instance, CanonicalKind Kind, int Resource, int Index, ValType[] Parameters, ValType[] Results) : PlanStep;

/// <summary>Makes the function that adapters trap by.</summary>
/// <param name="Slot">Of the core function.</param>
/// <param name="Sites">What the numbers that it is called with mean; complete when the plan is.</param>
internal sealed record AdapterTrapStep(int Slot, List<AdapterSite> Sites) : PlanStep;

/// <summary>Options of a lift or a lowering, by slot.</summary>
internal sealed record PlanOptions(StringEncoding Encoding, CoreItem? Memory, CoreItem? Realloc, CoreItem? PostReturn, bool IsAsync);

/// <summary>Where an import of the component is found: the import's name and, within an instance, the names of exports.</summary>
internal sealed record ImportPath(string[] Names)
{
    public override string ToString() => string.Join('#', Names);
}

/// <summary>A function that the component imports.</summary>
internal sealed record ImportedFunction(ImportPath Path, AbiFunction Type);

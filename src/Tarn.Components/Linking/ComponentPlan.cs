// A component's linking plan: all that instantiation does, in order, with every name looked up and every component within it unfolded. Immutable and shared by all instances.
namespace Tarn.Components.Linking;

/// <summary>A linking plan.</summary>
internal sealed class ComponentPlan
{
    public required PlanStep[] Steps { get; init; }

    /// <summary>Core modules by number.</summary>
    public required WasmModule[] Modules { get; init; }

    /// <summary>For each component instance, the one around it; -1 for the outermost.</summary>
    public required int[] Instances { get; init; }

    public required int CoreInstances { get; init; }

    public required int CoreFunctions { get; init; }

    public required int Lifts { get; init; }

    public required int Resources { get; init; }

    public required ImportedFunction[] Imports { get; init; }

    public required Dictionary<string, Item> Exports { get; init; }

    /// <summary>The signatures of the core functions behind lifts, once one instance has been made: they are the same in each.</summary>
    public CanonicalSignature?[] LiftSignatures => field ??= new CanonicalSignature?[Lifts];
}

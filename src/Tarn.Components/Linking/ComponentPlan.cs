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

    /// <summary>The core instance with the states that adapters use; -1 where there are none.</summary>
    public required int StateInstance { get; init; }

    public required int CoreInstances { get; init; }

    public required int CoreFunctions { get; init; }

    public required int Lifts { get; init; }

    public required int Resources { get; init; }

    public required ImportedFunction[] Imports { get; init; }

    public required Dictionary<string, Item> Exports { get; init; }

    /// <summary>The signatures of the core functions behind lifts, once one instance has been made: they are the same in each.</summary>
    public CanonicalSignature?[] LiftSignatures => field ??= new CanonicalSignature?[Lifts];

    private int[]?[] Related => field ??= new int[Instances.Length][];

    /// <summary>The component instances that a call into one counts in: itself, those around it and those within it.</summary>
    public int[] RelatedTo(int instance) => Related[instance] ??= FindRelated(Instances, instance);

    /// <summary>Finds the component instances that are around one or within it, and itself.</summary>
    /// <param name="parents">For each, the one around it, which has a lower number; -1 for the outermost.</param>
    /// <param name="instance">The one.</param>
    public static int[] FindRelated(ReadOnlySpan<int> parents, int instance)
    {
        List<int> related = [];
        for (int around = parents[instance]; around >= 0; around = parents[around])
            related.Add(around);
        related.Add(instance);
        HashSet<int> within = [instance];
        for (int i = instance + 1; i < parents.Length; i++)
        {
            if (within.Contains(parents[i]) && within.Add(i))
                related.Add(i);
        }

        return [.. related];
    }
}

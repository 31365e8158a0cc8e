// What an instantiation has made in its store, by the slots of the plan: kept with a slot of a pool, for the next instance that is made of it.
using Tarn.Components.Linking;
using Tarn.Stores;

namespace Tarn.Components.Runtime;

/// <summary>The core items of an instantiation.</summary>
internal sealed class ComponentSlot(ComponentPlan plan)
{
    /// <summary>The core instances.</summary>
    public InstanceData?[] Instances { get; } = new InstanceData?[plan.CoreInstances];

    /// <summary>The functions that the plan makes. Handles of the life in which they were made.</summary>
    public Function[] Functions { get; } = new Function[plan.CoreFunctions];

    /// <summary>What is behind those functions.</summary>
    public CallTarget?[] Targets { get; } = new CallTarget?[plan.CoreFunctions];

    /// <summary>Lets go of the objects of the life that ends.</summary>
    public void Clear()
    {
        foreach (CallTarget? target in Targets)
            target?.Clear();
    }
}

// Where instances live.
namespace Tarn;

/// <summary>Where the engine puts instances, memories, tables and stacks.</summary>
public enum AllocationStrategy
{
    /// <summary>Each is asked of the system when it is needed.</summary>
    OnDemand = 0,

    /// <summary>In slots of pools that are reserved when the engine is built.</summary>
    Pooling = 1,
}

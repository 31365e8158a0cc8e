// A snapshot of an engine's pools. Counting continues all the time, in the slots themselves; adding up is paid by the caller that asks.
namespace Tarn;

/// <summary>What an engine's pools hold and have done since the engine was built. While other threads work, numbers may be off by what these do meanwhile.</summary>
public readonly record struct PoolStatistics
{
    /// <summary>Slots of instances.</summary>
    public PoolUsage Instances { get; init; }

    /// <summary>Slots of linear memories.</summary>
    public PoolUsage Memories { get; init; }

    /// <summary>Slots of tables.</summary>
    public PoolUsage Tables { get; init; }

    /// <summary>Guest stacks; one that a warm slot has is warm, one that a core keeps for its next call counts as in use.</summary>
    public PoolUsage Stacks { get; init; }

    /// <summary>Heaps of managed objects; those of warm slots count as in use.</summary>
    public PoolUsage Heaps { get; init; }

    /// <summary>Instances whose guests are all suspended in asynchronous host functions.</summary>
    public int Suspended { get; init; }

    /// <summary>Instances made from slots.</summary>
    public long Rents { get; init; }

    /// <summary>How often a slot was bound to a module, because none was warm.</summary>
    public long Bindings { get; init; }

    /// <summary>Warm slots taken from one module for another.</summary>
    public long Evictions { get; init; }

    /// <summary>How often a slot was wanted and there was none.</summary>
    public long Exhaustions { get; init; }

    /// <summary>Instantiations that had to wait.</summary>
    public long Waits { get; init; }

    /// <summary>Instantiations that wait now.</summary>
    public int Waiting { get; init; }

    /// <summary>Bytes of linear memories that resets have looked at.</summary>
    public long BytesReset { get; init; }

    /// <summary>Pages that guests opened by touching them; counted when their instance has ended.</summary>
    public long Faults { get; init; }

    /// <summary>Memory slots whose pages were returned to the system.</summary>
    public long Decommits { get; init; }
}

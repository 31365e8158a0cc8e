// What to do when a pool has no free slot.
namespace Tarn;

/// <summary>What a synchronous instantiation does when a pool is exhausted.</summary>
public enum PoolExhaustion
{
    /// <summary>Throws <see cref="PoolExhaustedException"/>.</summary>
    Fail = 0,

    /// <summary>Allocates the instance outside the pool, on demand.</summary>
    AllocateOnDemand = 1,
}

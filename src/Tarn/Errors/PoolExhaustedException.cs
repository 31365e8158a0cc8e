// Raised when every slot of a pool is taken and the options say to fail rather than to wait or to allocate elsewhere.
namespace Tarn;

/// <summary>All slots of a pool are in use.</summary>
public sealed class PoolExhaustedException : WasmException
{
    internal PoolExhaustedException(string pool, long limit, string limitName)
        : base($"the {pool} pool is exhausted: all {limit} slots are in use ({limitName} = {limit}); dispose instances, wait with InstantiateAsync, or raise the limit")
    {
        Pool = pool;
        Limit = limit;
    }

    /// <summary>The pool: instance, memory, table, stack or heap.</summary>
    public string Pool { get; }

    /// <summary>How many slots the pool has.</summary>
    public long Limit { get; }
}

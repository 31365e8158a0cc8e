// Raised when an engine with pools is built and a pool does not fit: into the address space, or into what the system grants. Whoever configures limits wants
// to know what was asked, which limits asked for it, and what would fit.
namespace Tarn;

/// <summary>A pool cannot be reserved: its limits ask for more address space than there is, or than the system grants.</summary>
public sealed class PoolReservationException : WasmException
{
    internal PoolReservationException(string pool, ulong requestedBytes, int largestCount, string message, Exception? inner = null)
        : base(message, inner)
    {
        Pool = pool;
        RequestedBytes = requestedBytes;
        LargestCount = largestCount;
    }

    /// <summary>The pool that does not fit: instance, memory, table or stack; the largest, where all fit but nothing is left to the process.</summary>
    public string Pool { get; }

    /// <summary>Bytes of address space that were asked for; <see cref="ulong.MaxValue"/> if it was more than that.</summary>
    public ulong RequestedBytes { get; }

    /// <summary>
    /// The largest <see cref="InstanceLimits.Count"/> for which all pools fit now, everything else being as it is; 0 if none does. Where a total of
    /// <see cref="PoolingOptions"/> sizes the pool, as the message says, it is that total.
    /// </summary>
    public int LargestCount { get; }
}

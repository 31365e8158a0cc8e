// The claim of one thread on a store: it may enter without a lock for as long as the gate names its tenure. See StoreGate for the protocol.
//
// Invariant: Depth is written by the tenure's own thread and by nobody else, without atomic operations; others only read it, after a fence.
// Hence a tenure never changes hands: another thread gets another object.
namespace Tarn.Scheduling;

internal sealed class Tenure(int thread)
{
    /// <summary>Of no thread: entering takes the gate's lock.</summary>
    public static readonly Tenure Vacant = new(0);

    /// <summary>Promised to a suspended call that is about to continue on some thread. No other thread enters.</summary>
    public static readonly Tenure Claimed = new(-1);

#pragma warning disable CA1051 // The gate hands out references to it.
    /// <summary>How many uses of the store by the thread are in progress, one inside the other.</summary>
    public int Depth;
#pragma warning restore CA1051

    /// <summary>Gets the number of the thread.</summary>
    public int Thread { get; } = thread;
}

// What came of an attempt to enter a store under its lock.
namespace Tarn.Scheduling;

internal enum GateEntry
{
    /// <summary>The thread is inside.</summary>
    Entered,

    /// <summary>The handle is of an instance that has ended.</summary>
    Stale,

    /// <summary>Another thread is inside, or a call is about to continue.</summary>
    Busy,
}

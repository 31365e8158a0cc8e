// One that waits on a location of a shared memory: a node of a ParkingTable's queue. What waiting means (a thread that sleeps, a guest that is suspended) is
// the subclass's business.
//
// Invariant: everything here but the override belongs to the table and changes under the lock of the address's part of it. Wake is called once, by whoever took the
// waiter out of its queue on account of a notification, outside of all locks.
namespace Tarn.Memories;

internal abstract class Waiter
{
    /// <summary>Where it waits, while it does.</summary>
    public ulong Address { get; set; }

    /// <summary>Whether it is in the queue of its address.</summary>
    public bool IsQueued { get; set; }

    /// <summary>The one that came after it; once it is out, the next one that is to be woken.</summary>
    public Waiter? Next { get; set; }

    /// <summary>The one that came before it.</summary>
    public Waiter? Previous { get; set; }

    /// <summary>Tells it that it was notified. The waiter may be in use again before this returns.</summary>
    public abstract void Wake();
}

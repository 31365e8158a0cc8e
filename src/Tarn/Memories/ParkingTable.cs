// Who waits on which location of a shared memory (threads proposal, "Wait and notify operators"): a queue for each address, first come, first served.
//
// No wake-up is lost. A waiter compares the location with the expected value under the lock under which it joins the queue, and a notification takes that lock. If the waiter
// reads the old value, the notifying thread, which changed the location before it notified, had not come to the lock yet, and finds the waiter in the queue.
// The notification that sees nobody takes no lock. A waiter counts itself in with a full fence before it reads the location, and the notifying thread fences between its change and
// reading the count; so either the change is seen by the waiter, which then does not wait, or the count by the notification.
//
// Nobody is forgotten. A waiter leaves its queue exactly once: by a notification, which then wakes it, or by TryLeave, which says so. Queues without waiters are removed.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tarn.Memories;

internal sealed unsafe class ParkingTable
{
    // A power of two. Locations of different parts do not disturb one another.
    private const int PartCount = 16;

    private readonly Part[] _parts = new Part[PartCount];

    public ParkingTable()
    {
        for (int i = 0; i < PartCount; i++)
            _parts[i] = new Part();
    }

    /// <summary>How many wait.</summary>
    public int Count
    {
        get
        {
            int sum = 0;
            foreach (Part part in _parts)
                sum += Volatile.Read(ref part.Count);
            return sum;
        }
    }

    /// <summary>Puts a waiter at the end of the queue of an address, if the location holds what is expected.</summary>
    /// <param name="waiter">The waiter, which is in no queue.</param>
    /// <param name="address">The location's address in the memory.</param>
    /// <param name="location">The location, aligned to its size and accessible.</param>
    /// <param name="expected">What it has to hold.</param>
    /// <param name="is64">Whether it has 8 bytes; otherwise 4.</param>
    /// <returns>Whether the waiter is in the queue.</returns>
    public bool TryPark(Waiter waiter, ulong address, byte* location, ulong expected, bool is64)
    {
        Part part = PartOf(address);
        lock (part.Lock)
        {
            Interlocked.Increment(ref part.Count);
            if (Read(location, is64) != expected)
            {
                Interlocked.Decrement(ref part.Count);
                return false;
            }
            waiter.Address = address;
            waiter.IsQueued = true;
            waiter.Next = null;
            ref Queue queue = ref CollectionsMarshal.GetValueRefOrAddDefault(part.Queues, address, out _);
            waiter.Previous = queue.Last;
            if (queue.Last is Waiter last)
                last.Next = waiter;
            else
                queue.First = waiter;
            queue.Last = waiter;
            return true;
        }
    }

    /// <summary>Takes a waiter out of its queue that waits no longer.</summary>
    /// <returns>Whether it was in it; otherwise a notification has taken it out, and wakes it or has done so.</returns>
    public bool TryLeave(Waiter waiter)
    {
        Part part = PartOf(waiter.Address);
        lock (part.Lock)
        {
            if (!waiter.IsQueued)
                return false;
            Remove(part, waiter);
            return true;
        }
    }

    /// <summary>Wakes those that have waited longest on an address.</summary>
    /// <param name="address">The address.</param>
    /// <param name="most">How many at most.</param>
    /// <returns>How many were woken.</returns>
    public uint Notify(ulong address, uint most)
    {
        Part part = PartOf(address);
        Interlocked.MemoryBarrier();
        if (most == 0 || Volatile.Read(ref part.Count) == 0)
            return 0;
        Waiter? first;
        uint count = 0;
        lock (part.Lock)
        {
            ref Queue queue = ref CollectionsMarshal.GetValueRefOrNullRef(part.Queues, address);
            if (Unsafe.IsNullRef(ref queue))
                return 0;
            first = queue.First;
            Waiter? rest = first;
            Waiter? last = null;
            while (rest is not null && count < most)
            {
                rest.IsQueued = false;
                rest.Previous = null;
                last = rest;
                rest = rest.Next;
                count++;
            }
            last!.Next = null;
            queue.First = rest;
            if (rest is null)
                part.Queues.Remove(address);
            else
                rest.Previous = null;
            Interlocked.Add(ref part.Count, -(int)count);
        }
        while (first is not null)
        {
            // Afterwards it may be in another queue.
            Waiter? next = first.Next;
            first.Next = null;
            first.Wake();
            first = next;
        }
        return count;
    }

    /// <summary>Reads a location as one access.</summary>
    public static ulong Read(byte* location, bool is64) => is64 ? Volatile.Read(ref *(ulong*)location) : Volatile.Read(ref *(uint*)location);

    private static void Remove(Part part, Waiter waiter)
    {
        ref Queue queue = ref CollectionsMarshal.GetValueRefOrNullRef(part.Queues, waiter.Address);
        if (waiter.Previous is Waiter previous)
            previous.Next = waiter.Next;
        else
            queue.First = waiter.Next;
        if (waiter.Next is Waiter next)
            next.Previous = waiter.Previous;
        else
            queue.Last = waiter.Previous;
        waiter.IsQueued = false;
        waiter.Next = null;
        waiter.Previous = null;
        if (queue.First is null)
            part.Queues.Remove(waiter.Address);
        Interlocked.Decrement(ref part.Count);
    }

    // Locks of a program tend to be as far apart as its objects are.
    private Part PartOf(ulong address) => _parts[(int)(((address >> 2) * 0x9E3779B97F4A7C15) >> 60)];

    private struct Queue
    {
        public Waiter? First;
        public Waiter? Last;
    }

    private sealed class Part
    {
        public int Count;

        public Lock Lock { get; } = new();

        public Dictionary<ulong, Queue> Queues { get; } = [];
    }
}

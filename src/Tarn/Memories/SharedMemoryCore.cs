// A shared memory as an object of its own: it belongs to no store, so that instances of several stores use it from several threads at once. Whoever uses it
// counts: a handle of the embedder, and each instance that has it, whether it imports or defines it. The last one frees it.
//
// Invariants:
//   - whoever reads or writes it, or is compiled code of an instance that has it, is covered by a reference; one that has gone to zero never comes back (TryAddReference);
//   - the reservation and the record stay where they are until then, so that compiled code and other threads may keep their addresses;
//   - the size changes by one write (MemoryInstance.Grow), under a lock, after the bytes are accessible, and only grows. Who sees an older size refuses more than
//     necessary, and nobody sees one that is too large.
using System.Runtime.InteropServices;
using Tarn.Platform;

namespace Tarn.Memories;

internal sealed unsafe class SharedMemoryCore
{
    // A cache line of its own: its length is read by all threads.
    private const nuint RecordBytes = 64;

    private int _references = 1;

    /// <summary>Takes a memory whose record is one of <see cref="AllocateRecord"/>; the maker has the first reference.</summary>
    public SharedMemoryCore(MemoryInstance memory)
    {
        Memory = memory;
        memory.Shared = this;
    }

    /// <summary>The memory.</summary>
    public MemoryInstance Memory { get; }

    /// <summary>Who waits on its locations.</summary>
    public ParkingTable Waiters { get; } = new();

    /// <summary>Whether it has been freed; for tests.</summary>
    public bool IsFreed => Volatile.Read(ref _references) == 0;

    /// <summary>Room for what compiled code sees of a memory, which lives as long as the memory.</summary>
    public static MemoryRecord* AllocateRecord()
    {
        void* record = NativeMemory.AlignedAlloc(RecordBytes, RecordBytes);
        NativeMemory.Clear(record, RecordBytes);
        return (MemoryRecord*)record;
    }

    /// <summary>Frees what <see cref="AllocateRecord"/> gave.</summary>
    public static void FreeRecord(MemoryRecord* record) => NativeMemory.AlignedFree(record);

    /// <summary>Keeps the memory until <see cref="Release"/>, unless it has been freed.</summary>
    public bool TryAddReference()
    {
        int count = Volatile.Read(ref _references);
        while (count != 0)
        {
            int seen = Interlocked.CompareExchange(ref _references, count + 1, count);
            if (seen == count)
                return true;
            count = seen;
        }
        return false;
    }

    /// <summary>Keeps the memory until <see cref="Release"/>.</summary>
    /// <exception cref="ObjectDisposedException">It has been freed.</exception>
    public void AddReference()
    {
        if (!TryAddReference())
            throw new ObjectDisposedException(nameof(SharedMemory), "The shared memory has been disposed, and no instance has it any longer.");
    }

    /// <summary>Lets go of the memory. Never throws: address space that the system does not take back is lost.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _references) != 0)
            return;
        MemoryRecord* record = Memory.Record;
        try
        {
            VirtualMemory.Current.Release(Memory.Base, (nuint)Memory.ReservedBytes);
        }
        catch (PlatformException)
        {
            // Lost.
        }
        FreeRecord(record);
    }

    /// <summary>Waits on the current thread.</summary>
    /// <param name="waiter">The current thread's.</param>
    /// <param name="address">An address within the memory, aligned to the size of what is there.</param>
    /// <param name="expected">What has to be there.</param>
    /// <param name="is64">Whether it has 8 bytes; otherwise 4.</param>
    /// <param name="nanoseconds">How long to wait; negative for no bound.</param>
    /// <param name="onPoke">Called when the thread begins to wait, and whenever it was poked; may throw.</param>
    public AtomicWaitResult Wait<T>(ThreadWaiter waiter, ulong address, ulong expected, bool is64, long nanoseconds, T onPoke)
        where T : struct, IWaitObserver
    {
        waiter.Begin(nanoseconds);
        if (!Waiters.TryPark(waiter, address, Memory.Base + address, expected, is64))
            return AtomicWaitResult.NotEqual;
        try
        {
            onPoke.BeginWait(waiter);
            while (true)
            {
                switch (waiter.Sleep())
                {
                    case ThreadWaiter.Reason.Woken:
                        return AtomicWaitResult.Woken;
                    case ThreadWaiter.Reason.Poked:
                        onPoke.OnPoked();
                        break;
                    default:
                        if (Waiters.TryLeave(waiter))
                            return AtomicWaitResult.TimedOut;
                        waiter.AwaitWake();
                        return AtomicWaitResult.Woken;
                }
            }
        }
        catch
        {
            if (!Waiters.TryLeave(waiter))
                waiter.AwaitWake();
            throw;
        }
        finally
        {
            onPoke.EndWait();
        }
    }
}

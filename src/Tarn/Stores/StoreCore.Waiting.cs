// A guest that waits on a location of a shared memory and cannot be suspended: its thread sleeps, inside the store. A guest of an asynchronous call is suspended instead, like one
// whose host function is pending (PendingWait).
//
// Such a guest is stopped like one that runs. Whoever sets the words that compiled code reads pokes the thread under the same lock; the thread announces itself under
// that lock and looks for reasons afterwards, so none is missed. What it is poked for without a reason, it goes on sleeping after.
using Tarn.Memories;

namespace Tarn.Stores;

internal sealed unsafe partial class StoreCore
{
    // The thread that runs the guest, while it sleeps. Under the lock.
    private ThreadWaiter? _sleeper;

    /// <summary>Waits on behalf of the running guest, until it is notified, its time runs out, or it has to stop.</summary>
    /// <exception cref="TrapException">It has to stop.</exception>
    internal AtomicWaitResult WaitOnThread(SharedMemoryCore memory, ulong address, ulong expected, bool is64, long nanoseconds) =>
        memory.Wait(ThreadWaiter.Current, address, expected, is64, nanoseconds, new GuestWait(this));

    // Under the lock.
    private void WakeSleeper() => _sleeper?.Poke();

    private readonly struct GuestWait(StoreCore store) : IWaitObserver
    {
        public void BeginWait(ThreadWaiter waiter)
        {
            lock (store._lock)
                store._sleeper = waiter;
            store.ThrowIfInterrupted();
        }

        public void OnPoked() => store.ThrowIfInterrupted();

        public void EndWait()
        {
            lock (store._lock)
                store._sleeper = null;
        }
    }
}

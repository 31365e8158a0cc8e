// A guest that waits on a location of a shared memory and cannot be suspended: its thread sleeps, inside the store. A guest of an asynchronous call is suspended instead, like one
// whose host function is pending (PendingWait).
//
// Such a guest is stopped like one that runs. The code that sets the words that compiled code reads pokes the thread under the store's lock; the thread announces itself under
// that lock and looks for reasons afterwards, so none is missed. If it is poked without a reason, it continues to sleep.
using Tarn.Memories;

namespace Tarn.Stores;

internal readonly struct GuestWait(StoreCore store) : IWaitObserver
{
    public void BeginWait(ThreadWaiter waiter)
    {
        store.SetSleeper(waiter);
        store.ThrowIfInterrupted();
    }

    public void OnPoked() => store.ThrowIfInterrupted();

    public void EndWait() => store.SetSleeper(null);
}

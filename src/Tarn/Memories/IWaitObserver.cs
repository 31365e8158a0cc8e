// What a thread that waits on a shared memory is bounded by: tokens, deadlines, the end of its store.
namespace Tarn.Memories;

internal interface IWaitObserver
{
    /// <summary>The thread is in the queue and about to sleep. Requests to stop that come from now on poke the waiter; those that came before are looked for here.</summary>
    void BeginWait(ThreadWaiter waiter);

    /// <summary>The waiter was poked: throws if the thread has to stop.</summary>
    void OnPoked();

    /// <summary>The thread does not sleep any longer. Called after everything else, whatever happened.</summary>
    void EndWait();
}

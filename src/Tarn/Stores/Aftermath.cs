// What a change in a store's calls leaves to be done when the lock has been left, since it runs other people's code: filled under the lock, carried out after it.
using Tarn.Scheduling;

namespace Tarn.Stores;

internal struct Aftermath
{
    /// <summary>Calls that continue, each of which has claimed the store or says why it has ended.</summary>
    public List<AsyncCall>? Woken;

    /// <summary>Host functions that have completed for calls that were dropped.</summary>
    public List<PendingHostCall>? Discarded;

    /// <summary>The tenure of a store's end, which is left to be taken apart.</summary>
    public Tenure? Ended;

    /// <summary>Wakes the calls and discards the results that no call waits for.</summary>
    public readonly void Notify()
    {
        if (Discarded is not null)
        {
            foreach (PendingHostCall pending in Discarded)
                pending.Discard();
        }
        if (Woken is not null)
        {
            foreach (AsyncCall call in Woken)
                call.WakeElsewhere();
        }
    }
}

// Counts the requests that wait for a slot, so that their number is bounded.
namespace Tarn.AspNetCore.Requests;

internal sealed class SlotQueue
{
    private int _waiting;
    private long _refused;

    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Requests that were answered with 503.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Begins to wait.</summary>
    /// <returns>Whether the queue has room.</returns>
    public bool TryEnter(int most)
    {
        int waiting = Volatile.Read(ref _waiting);
        while (waiting < most)
        {
            int found = Interlocked.CompareExchange(ref _waiting, waiting + 1, waiting);
            if (found == waiting)
                return true;
            waiting = found;
        }
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _waiting);

    public void CountRefusal() => Interlocked.Increment(ref _refused);
}

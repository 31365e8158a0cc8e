// A count with a limit that any thread changes: what a guest holds of something that the host pays for.
namespace Tarn.Wasi;

internal sealed class SharedCounter
{
    private int _count;

    /// <summary>Counts one more, if that is not more than there may be.</summary>
    public bool TryAdd(int most)
    {
        if (Interlocked.Increment(ref _count) <= most)
            return true;
        Interlocked.Decrement(ref _count);
        return false;
    }

    public void Remove() => Interlocked.Decrement(ref _count);
}

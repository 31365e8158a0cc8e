// How far a compilation is, for whoever shows it: bytes of function bodies done, of how many. Read by one thread while others count.
namespace Tarn.Modules;

internal sealed class CompilationCounter
{
    private long _done;
    private long _total;

    /// <summary>The share that is done, from 0 to 1; null before it has begun.</summary>
    public double? Share => Volatile.Read(ref _total) is > 0 and long total ? Math.Min(1, (double)Volatile.Read(ref _done) / total) : null;

    public void Begin(long total)
    {
        Volatile.Write(ref _done, 0);
        Volatile.Write(ref _total, total);
    }

    public void Add(long bytes) => Interlocked.Add(ref _done, bytes);
}

// Counts how far a compilation is and reports it, at most once for each hundredth: a module may have a hundred thousand functions, and several threads compile them.
namespace Tarn.Modules;

internal sealed class CompilationCounter(IProgress<CompilationProgress> progress)
{
    private const int Steps = 100;

    private readonly Lock _lock = new();
    private long _done;
    private long _total;
    private long _step = -1;

    /// <summary>Begins: nothing is done.</summary>
    /// <param name="total">The bytes of all function bodies.</param>
    public void Begin(long total)
    {
        _total = total;
        Add(0);
    }

    /// <summary>Counts bytes of function bodies. On any thread; reports are one after the other, and rise.</summary>
    public void Add(long bytes)
    {
        long done = Interlocked.Add(ref _done, bytes);
        if (StepOf(done) <= Volatile.Read(ref _step))
            return;
        lock (_lock)
        {
            // Others may have counted meanwhile.
            done = Volatile.Read(ref _done);
            if (StepOf(done) <= _step)
                return;
            Volatile.Write(ref _step, StepOf(done));
            progress.Report(new CompilationProgress(done, _total));
        }
    }

    private long StepOf(long done) => _total == 0 ? Steps : (long)((Int128)done * Steps / _total);
}

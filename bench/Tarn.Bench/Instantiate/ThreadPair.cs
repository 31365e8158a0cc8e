// This thread and another that does the same work at the same time. The other lives as long as the pair does, as a server's threads do:
// what a thread finds the first time it asks for anything is not what is measured.
using System.Diagnostics;

namespace Tarn.Bench.Instantiate;

internal sealed class ThreadPair : IDisposable
{
    private readonly Barrier _barrier = new(2);
    private readonly Thread _other;
    private Action? _work;
    private double _spent;
    private Exception? _failure;

    public ThreadPair()
    {
        _other = new Thread(Serve) { IsBackground = true };
        _other.Start();
    }

    /// <summary>Does work on both threads, which wait for each other before they begin.</summary>
    /// <returns>The wall time until both have ended, or both threads' processor time, in nanoseconds.</returns>
    public double Run(Action work, bool cpu)
    {
        _work = work;
        _barrier.SignalAndWait();
        long begin = Stopwatch.GetTimestamp();
        double own = InstantiateBenchmark.OneThread(work, cpu: true);
        _barrier.SignalAndWait();
        double elapsed = Stopwatch.GetElapsedTime(begin).TotalNanoseconds;
        if (_failure is not null)
            throw new InvalidOperationException("the other thread failed", _failure);
        return cpu ? own + _spent : elapsed;
    }

    public void Dispose()
    {
        _work = null;
        _barrier.SignalAndWait();
        _other.Join();
        _barrier.Dispose();
    }

    private void Serve()
    {
        while (true)
        {
            _barrier.SignalAndWait();
            if (_work is null)
                return;
            try
            {
                _spent = InstantiateBenchmark.OneThread(_work, cpu: true);
            }
            catch (Exception e)
            {
                _failure = e;
            }
            _barrier.SignalAndWait();
        }
    }
}

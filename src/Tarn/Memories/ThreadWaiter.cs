// A thread that sleeps until it is notified. Each thread has one, since it waits on one location at a time.
//
// Invariant: between Begin and the thread's return from Sleep with Woken, or its TryLeave that succeeded, at most one Wake comes. A thread whose TryLeave fails has to take that Wake
// (AwaitWake), so that it does not come in the next wait. A poke that comes late only makes a later Sleep return early.
using System.Diagnostics;

namespace Tarn.Memories;

internal sealed class ThreadWaiter : Waiter
{
    // Longer than any process runs.
    private const long Forever = long.MaxValue;
    private const int LongestSleep = 1 << 30;

    [ThreadStatic]
    private static ThreadWaiter? t_current;

    private readonly object _lock = new();
    private bool _woken;
    private bool _poked;
    private long _deadline;

    private ThreadWaiter()
    {
    }

    /// <summary>Why a thread is awake.</summary>
    public enum Reason
    {
        /// <summary>A notification took it out of its queue.</summary>
        Woken,

        /// <summary>It was asked to look whether it has to stop.</summary>
        Poked,

        /// <summary>Its time ran out.</summary>
        TimedOut,
    }

    /// <summary>The current thread's.</summary>
    public static ThreadWaiter Current => t_current ??= new ThreadWaiter();

    /// <summary>Begins a wait.</summary>
    /// <param name="nanoseconds">How long it may take; negative for no bound.</param>
    public void Begin(long nanoseconds)
    {
        _woken = false;
        _poked = false;
        _deadline = Forever;
        if (nanoseconds < 0)
            return;
        Int128 ticks = ((Int128)nanoseconds * Stopwatch.Frequency / 1_000_000_000) + 1 + Stopwatch.GetTimestamp();
        if (ticks < Forever)
            _deadline = (long)ticks;
    }

    /// <summary>Sleeps until something happens.</summary>
    public Reason Sleep()
    {
        lock (_lock)
        {
            while (!_woken)
            {
                if (_poked)
                {
                    _poked = false;
                    return Reason.Poked;
                }
                if (_deadline == Forever)
                {
                    Monitor.Wait(_lock);
                    continue;
                }
                long left = _deadline - Stopwatch.GetTimestamp();
                if (left <= 0)
                    return Reason.TimedOut;
                // Rounded up: a guest's wait never ends too early.
                Monitor.Wait(_lock, (int)Math.Min((left / (Stopwatch.Frequency / 1000)) + 1, LongestSleep));
            }
            return Reason.Woken;
        }
    }

    /// <summary>Takes the wake that a notification has promised.</summary>
    public void AwaitWake()
    {
        lock (_lock)
        {
            while (!_woken)
                Monitor.Wait(_lock);
        }
    }

    /// <summary>Makes the thread look whether it has to stop. Any thread may call it.</summary>
    public void Poke()
    {
        lock (_lock)
        {
            _poked = true;
            Monitor.Pulse(_lock);
        }
    }

    /// <inheritdoc/>
    public override void Wake()
    {
        lock (_lock)
        {
            _woken = true;
            Monitor.Pulse(_lock);
        }
    }
}

// A thread that sleeps until it is notified. Each thread has one, since it waits on one location at a time.
//
// Its word has a bit for each reason to be awake. It sleeps only while the word is zero, which the system compares in one step with putting it to sleep; who sets a bit wakes it afterwards, so
// that no reason is missed. The word stays where it is and lives as long as this object, which the one that wakes holds.
//
// Invariant: between Begin and the thread's return from Sleep with Woken, or its TryLeave that succeeded, at most one Wake comes. A thread whose TryLeave fails has to take that Wake
// (AwaitWake), so that it does not come in the next wait. A poke that comes late only makes a later Sleep return early.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tarn.Platform;

namespace Tarn.Memories;

internal sealed unsafe class ThreadWaiter : Waiter
{
    // Longer than any process runs.
    private const long Forever = long.MaxValue;
    private const long NanosecondsPerSecond = 1_000_000_000;
    private const uint WokenBit = 1;
    private const uint PokedBit = 2;

    // On a cache line of its own.
    private const int WordsOfLine = 32;

    [ThreadStatic]
    private static ThreadWaiter? t_current;

    private readonly ThreadSleep _sleep = ThreadSleep.Current;
    private readonly uint[] _line = GC.AllocateArray<uint>(2 * WordsOfLine, pinned: true);
    private readonly uint* _word;
    private long _deadline;

    private ThreadWaiter() => _word = (uint*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_line)) + WordsOfLine;

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
        Volatile.Write(ref *_word, 0);
        _deadline = Forever;
        if (nanoseconds < 0)
            return;
        Int128 ticks = ((Int128)nanoseconds * Stopwatch.Frequency / NanosecondsPerSecond) + 1 + Stopwatch.GetTimestamp();
        if (ticks < Forever)
            _deadline = (long)ticks;
    }

    /// <summary>Sleeps until something happens.</summary>
    public Reason Sleep()
    {
        while (true)
        {
            uint word = Volatile.Read(ref *_word);
            if ((word & WokenBit) != 0)
                return Reason.Woken;
            if (word != 0)
            {
                Interlocked.And(ref *_word, ~PokedBit);
                return Reason.Poked;
            }
            if (_deadline == Forever)
            {
                _sleep.Sleep(_word, 0, -1);
                continue;
            }
            long left = _deadline - Stopwatch.GetTimestamp();
            if (left <= 0)
                return Reason.TimedOut;
            // Rounded up: a guest's wait never ends too early. A remainder that is too large to express is slept in parts.
            _sleep.Sleep(_word, 0, (long)Int128.Min(((Int128)left * NanosecondsPerSecond / Stopwatch.Frequency) + 1, long.MaxValue));
        }
    }

    /// <summary>Takes the wake that a notification has promised.</summary>
    public void AwaitWake()
    {
        while (true)
        {
            uint word = Volatile.Read(ref *_word);
            if ((word & WokenBit) != 0)
                return;
            _sleep.Sleep(_word, word, -1);
        }
    }

    /// <summary>Makes the thread look whether it has to stop. Any thread may call it.</summary>
    public void Poke() => Set(PokedBit);

    /// <inheritdoc/>
    public override void Wake() => Set(WokenBit);

    private void Set(uint bit)
    {
        Interlocked.Or(ref *_word, bit);
        _sleep.Wake(_word);
        GC.KeepAlive(this);
    }
}

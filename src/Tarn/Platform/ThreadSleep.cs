// Why: the seam between the runtime and how an operating system lets a thread sleep on a word of memory. A condition variable of .NET takes several times as long, since the thread that is woken has to
// take a lock that the waking one still has, and counts in milliseconds.
namespace Tarn.Platform;

internal abstract unsafe class ThreadSleep
{
    private static ThreadSleep? s_current;

    /// <summary>This operating system's, or one that needs no system.</summary>
    public static ThreadSleep Current => s_current ??= HostPlatform.CreateThreadSleep();

    /// <summary>Sleeps if the word has a value, until it is woken, the time is over, or for no reason at all: the caller looks again.</summary>
    /// <param name="word">The word; other threads change it before they wake.</param>
    /// <param name="expected">The value that it has to have, compared in one step with falling asleep.</param>
    /// <param name="nanoseconds">How long at most; negative for no bound.</param>
    public abstract void Sleep(uint* word, uint expected, long nanoseconds);

    /// <summary>Wakes the thread that sleeps on a word, if one does.</summary>
    public abstract void Wake(uint* word);
}

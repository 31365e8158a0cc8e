// Why: sleeping on a word by the system call futex (futex(2)), private to the process. Whatever it answers (woken, another value, interrupted, time over), the caller looks at the word again.
namespace Tarn.Platform.Linux;

internal sealed unsafe class LinuxThreadSleep : ThreadSleep
{
    private const int WaitPrivate = 0 | 128;
    private const int WakePrivate = 1 | 128;
    private const long NanosecondsPerSecond = 1_000_000_000;

    public override void Sleep(uint* word, uint expected, long nanoseconds)
    {
        if (nanoseconds < 0)
        {
            LinuxNative.Futex(LinuxNative.FutexNumber, word, WaitPrivate, (nint)expected, null);
            return;
        }
        // Seconds and nanoseconds, relative, on the monotonic clock.
        long* time = stackalloc long[2];
        time[0] = nanoseconds / NanosecondsPerSecond;
        time[1] = nanoseconds % NanosecondsPerSecond;
        LinuxNative.Futex(LinuxNative.FutexNumber, word, WaitPrivate, (nint)expected, time);
    }

    public override void Wake(uint* word) => LinuxNative.Futex(LinuxNative.FutexNumber, word, WakePrivate, 1, null);
}

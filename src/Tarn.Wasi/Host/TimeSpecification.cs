// struct timespec of 64-bit Linux: seconds at 0, nanoseconds at 8.
using System.Runtime.InteropServices;

namespace Tarn.Wasi.Host;

[StructLayout(LayoutKind.Sequential)]
internal struct TimeSpecification
{
    private const long Omit = (1 << 30) - 2; // UTIME_OMIT
    private const ulong NanosecondsPerSecond = 1_000_000_000;

    public long Seconds;
    public long Nanoseconds;

    public static TimeSpecification From(WasiTime time) => time.IsUnchanged
        ? new TimeSpecification { Nanoseconds = Omit }
        : new TimeSpecification { Seconds = (long)(time.Nanoseconds / NanosecondsPerSecond), Nanoseconds = (long)(time.Nanoseconds % NanosecondsPerSecond) };
}

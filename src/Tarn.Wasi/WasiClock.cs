// Time as guests count it: unsigned nanoseconds.
namespace Tarn.Wasi;

internal static class WasiClock
{
    public const ulong NanosecondsPerSecond = 1_000_000_000;
    private const ulong NanosecondsPerTick = 100;

    /// <summary>Nanoseconds since 1970; 0 for earlier times.</summary>
    public static ulong Nanoseconds(DateTimeOffset time)
    {
        long ticks = time.UtcTicks - DateTime.UnixEpoch.Ticks;
        return ticks <= 0 ? 0 : (ulong)ticks * NanosecondsPerTick;
    }

    /// <summary>Nanoseconds between two time stamps of a provider.</summary>
    public static ulong Elapsed(TimeProvider time, long from, long to) =>
        (ulong)(UInt128)(Int128.Max(0, (Int128)to - from) * NanosecondsPerSecond / time.TimestampFrequency);
}

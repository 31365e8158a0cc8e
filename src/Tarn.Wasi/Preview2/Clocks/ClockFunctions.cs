// wasi:clocks: time by the context's provider, as preview 1 has it.
using Tarn.Components;
using Tarn.Wasi.Preview2.Io;

namespace Tarn.Wasi.Preview2.Clocks;

internal static class ClockFunctions
{
    private const uint TickNanoseconds = 100;

    public static void DefineIn(Preview2Binder binder)
    {
        binder.Define("wasi:clocks/monotonic-clock", "now", (in Preview2Call call) => ComponentValue.FromUInt64(Now(call.Context)));
        binder.Define("wasi:clocks/monotonic-clock", "resolution", (in Preview2Call call) =>
            ComponentValue.FromUInt64(Math.Max(1, WasiClock.NanosecondsPerSecond / (ulong)call.Context.Time.TimestampFrequency)));
        binder.Define("wasi:clocks/monotonic-clock", "subscribe-instant", (in Preview2Call call) => Subscribe(call, call[0].AsUInt64()));
        binder.Define("wasi:clocks/monotonic-clock", "subscribe-duration", (in Preview2Call call) =>
        {
            ulong now = Now(call.Context), duration = call[0].AsUInt64();
            return Subscribe(call, duration > ulong.MaxValue - now ? ulong.MaxValue : now + duration);
        });
        binder.Define("wasi:clocks/wall-clock", "now", (in Preview2Call call) => DateTime(WasiClock.Nanoseconds(call.Context.Time.GetUtcNow())));
        binder.Define("wasi:clocks/wall-clock", "resolution", (in Preview2Call call) => DateTime(TickNanoseconds));
    }

    /// <summary>The record of a time stamp.</summary>
    /// <param name="nanoseconds">Nanoseconds since 1970.</param>
    public static ComponentValue DateTime(ulong nanoseconds) => ComponentValue.FromRecord(
        ("seconds", ComponentValue.FromUInt64(nanoseconds / WasiClock.NanosecondsPerSecond)),
        ("nanoseconds", ComponentValue.FromUInt32((uint)(nanoseconds % WasiClock.NanosecondsPerSecond))));

    private static ulong Now(WasiContext context) => WasiClock.Elapsed(context.Time, context.StartTimestamp, context.Time.GetTimestamp());

    private static ComponentValue Subscribe(in Preview2Call call, ulong when)
    {
        WasiContext context = call.Context;
        return WasiResources.Give(call.Resources.Pollable, new Pollable(() => Now(context) >= when, token => WaitAsync(context, when, token)));
    }

    private static Task WaitAsync(WasiContext context, ulong when, CancellationToken cancellationToken)
    {
        // Timers count milliseconds and have a longest time; whoever waits asks again when they end.
        ulong now = Now(context);
        ulong milliseconds = when <= now ? 0 : Math.Min((when - now + 999_999) / 1_000_000, int.MaxValue / 2);
        return Task.Delay(TimeSpan.FromMilliseconds(milliseconds), context.Time, cancellationToken);
    }
}

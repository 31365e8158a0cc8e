// Arguments, environment, clocks, random bytes, the end of the program.
namespace Tarn.Wasi.Preview1;

internal static class ProcessFunctions
{
    private const int RealTime = 0;
    private const int Monotonic = 1;
    private const int ProcessTime = 2;
    private const int ThreadTime = 3;
    private const int RandomChunk = 64 << 10;

    public static void DefineIn(Binder binder)
    {
        binder.Define<int, int>("args_get", (in WasiCall call, int pointers, int buffer) => Strings(call, call.Context.Arguments, pointers, buffer));
        binder.Define<int, int>("args_sizes_get", (in WasiCall call, int count, int size) => Sizes(call, call.Context.Arguments, count, size));
        binder.Define<int, int>("environ_get", (in WasiCall call, int pointers, int buffer) => Strings(call, call.Context.Environment, pointers, buffer));
        binder.Define<int, int>("environ_sizes_get", (in WasiCall call, int count, int size) => Sizes(call, call.Context.Environment, count, size));
        binder.Define<int, int>("clock_res_get", ClockResolution);
        binder.Define<int, long, int>("clock_time_get", ClockTime);
        binder.Define<int, int>("random_get", Random);
        binder.Define<int>("proc_raise", Raise);
        binder.Define("sched_yield", (in WasiCall call) =>
        {
            Thread.Sleep(0);
            return WasiErrno.Success;
        });
    }

    /// <summary>The end of the program. Statuses are 32 bits wide here; what the host's system makes of them is its affair.</summary>
    public static void Exit(int status) => throw new WasiExitException(status);

    /// <summary>Now, by one of the guest's clocks.</summary>
    public static WasiErrno Now(WasiContext context, int clock, out ulong nanoseconds)
    {
        nanoseconds = 0;
        switch (clock)
        {
            case RealTime:
                nanoseconds = WasiClock.Nanoseconds(context.Time.GetUtcNow());
                return WasiErrno.Success;
            case Monotonic:
            // What other guests and the host do on the processor is no business of a guest's: its processor time is the time since it began.
            case ProcessTime:
            case ThreadTime:
                nanoseconds = WasiClock.Elapsed(context.Time, context.StartTimestamp, context.Time.GetTimestamp());
                return WasiErrno.Success;
            default:
                return WasiErrno.Invalid;
        }
    }

    private static WasiErrno Sizes(in WasiCall call, byte[][] texts, int count, int size)
    {
        uint bytes = 0;
        foreach (byte[] text in texts)
            bytes += (uint)text.Length;
        return call.TryWrite(count, (uint)texts.Length) ? call.Write(size, bytes) : WasiErrno.Fault;
    }

    private static WasiErrno Strings(in WasiCall call, byte[][] texts, int pointers, int buffer)
    {
        ulong pointer = (uint)pointers;
        ulong at = (uint)buffer;
        foreach (byte[] text in texts)
        {
            if (pointer > uint.MaxValue || !call.Contains(at, (ulong)text.Length) || !call.TryWrite((int)(uint)pointer, (uint)at))
                return WasiErrno.Fault;
            call.TryCopyIn(at, text);
            pointer += sizeof(uint);
            at += (ulong)text.Length;
        }
        return WasiErrno.Success;
    }

    private static WasiErrno ClockResolution(in WasiCall call, int clock, int result)
    {
        const ulong TickNanoseconds = 100;
        return clock switch
        {
            RealTime => call.Write(result, TickNanoseconds),
            Monotonic or ProcessTime or ThreadTime => call.Write(result, Math.Max(1, WasiClock.NanosecondsPerSecond / (ulong)call.Context.Time.TimestampFrequency)),
            _ => WasiErrno.Invalid,
        };
    }

    private static WasiErrno ClockTime(in WasiCall call, int clock, long precision, int result)
    {
        WasiErrno errno = Now(call.Context, clock, out ulong nanoseconds);
        return errno == WasiErrno.Success ? call.Write(result, nanoseconds) : errno;
    }

    private static WasiErrno Random(in WasiCall call, int buffer, int length)
    {
        if (!call.Contains((uint)buffer, (uint)length))
            return WasiErrno.Fault;
        ulong at = (uint)buffer;
        for (int rest = length; rest > 0;)
        {
            // A guest can ask for gigabytes in one call: in between it can be stopped.
            using GuestPiece chunk = GuestPiece.ToFill(call, at, Math.Min(rest, RandomChunk));
            call.BeginPiece(chunk.Span.Length);
            call.Context.Random(chunk.Span);
            chunk.Commit(chunk.Span.Length);
            at += (uint)chunk.Span.Length;
            rest -= chunk.Span.Length;
        }
        return WasiErrno.Success;
    }

    // Signals of WASI are numbered as on Linux. Those that a process ignores unless it says otherwise do nothing, the others end it as a shell reports it.
    private static WasiErrno Raise(in WasiCall call, int signal)
    {
        const int Child = 16;
        const int Continue = 17;
        const int Urgent = 22;
        const int WindowChange = 27;
        const int Last = 30;
        const int ShellOffset = 128;
        return signal switch
        {
            0 or Child or Continue or Urgent or WindowChange => WasiErrno.Success,
            < 0 or > Last => WasiErrno.Invalid,
            _ => throw new WasiExitException(ShellOffset + signal),
        };
    }
}

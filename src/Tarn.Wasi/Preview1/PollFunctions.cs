// poll_oneoff: waiting for clocks and descriptors. Subscriptions are copied out of the guest's memory first, since events may be written over them.
//
//   subscription (48 bytes): user data 0, kind 8; clock: id 16, time 24, precision 32, flags 40; descriptor: number 16
//   subscription of wasi_unstable (56 bytes): the clock begins with an identifier of the guest's at 16, and all else of it is 8 bytes later
//   event (32 bytes): user data 0, error 8, kind 10, bytes 16, flags 24
using System.Buffers.Binary;
using Tarn.Wasi.Descriptors;

namespace Tarn.Wasi.Preview1;

internal static class PollFunctions
{
    private const int SubscriptionSize = 48;
    private const int UnstableSubscriptionSize = 56;
    private const int EventSize = 32;
    private const uint MostSubscriptions = 4096;
    private const byte HangUpFlag = 1;

    private enum Kind : byte
    {
        Clock = 0,
        Read = 1,
        Write = 2,
    }

    public static void DefineIn(Binder binder) => binder.DefineBlocking<int, int, int, int>("poll_oneoff", Poll);

    private static async ValueTask<WasiErrno> Poll(WasiCall call, int subscriptionsAt, int eventsAt, int count, int result)
    {
        WasiErrno errno = ReadAll(call, subscriptionsAt, eventsAt, (uint)count, result, out Subscription[] subscriptions);
        if (errno != WasiErrno.Success)
            return errno;
        using CancellationTokenRegistration watch = GuestTurn.Watch(call);
        await call.Context.FlushOutputAsync(call.CancellationToken);
        var events = new List<Event>();
        TimeProvider time = call.Context.Time;
        while (true)
        {
            using (GuestTurn.Take(call))
            {
                Collect(call.Context, subscriptions, events);
                if (events.Count > 0)
                    return WriteAll(call, events, eventsAt, result);
            }
            await Wait(call, subscriptions, time);
        }
    }

    private static WasiErrno ReadAll(in WasiCall call, int subscriptionsAt, int eventsAt, uint count, int result, out Subscription[] subscriptions)
    {
        subscriptions = [];
        if (count is 0 or > MostSubscriptions)
            return WasiErrno.Invalid;
        int size = call.IsUnstable ? UnstableSubscriptionSize : SubscriptionSize;
        if (!call.TryRead((uint)subscriptionsAt, (ulong)count * (uint)size, out ReadOnlySpan<byte> bytes)
            || !call.Contains((uint)eventsAt, (ulong)count * EventSize)
            || !call.CanWrite(result, sizeof(uint)))
        {
            return WasiErrno.Fault;
        }
        call.BeginPiece((long)count * size);
        subscriptions = new Subscription[count];
        for (int i = 0; i < subscriptions.Length; i++)
        {
            WasiErrno errno = Subscription.Read(call.Context, bytes.Slice(i * size, size), call.IsUnstable, out subscriptions[i]);
            if (errno != WasiErrno.Success)
                return errno;
        }
        return WasiErrno.Success;
    }

    private static void Collect(WasiContext context, Subscription[] subscriptions, List<Event> events)
    {
        long now = context.Time.GetTimestamp();
        foreach (Subscription subscription in subscriptions)
        {
            if (subscription.Error != WasiErrno.Success)
            {
                events.Add(new Event(subscription.UserData, subscription.Error, subscription.Kind, 0));
            }
            else if (subscription.Kind == Kind.Clock)
            {
                if (subscription.Remaining(context.Time, now) == 0)
                    events.Add(new Event(subscription.UserData, WasiErrno.Success, Kind.Clock, 0));
            }
            else
            {
                try
                {
                    if (subscription.Descriptor!.IsReady(subscription.Kind == Kind.Write, out ulong bytes))
                        events.Add(new Event(subscription.UserData, WasiErrno.Success, subscription.Kind, bytes, subscription.Descriptor.IsHungUp));
                }
                catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException or ObjectDisposedException)
                {
                    events.Add(new Event(subscription.UserData, ExceptionErrno.From(e), subscription.Kind, 0));
                }
            }
        }
    }

    // Until the first of the subscriptions has, or may have, something to tell.
    private static async Task Wait(WasiCall call, Subscription[] subscriptions, TimeProvider time)
    {
        // Longer waits are taken in pieces: timers have a limit, and a guest's deadline may lie centuries ahead.
        const ulong LongestNanoseconds = 24UL * 60 * 60 * WasiClock.NanosecondsPerSecond;
        ulong shortest = LongestNanoseconds;
        long now = time.GetTimestamp();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(call.CancellationToken);
        var waits = new List<Task>();
        foreach (Subscription subscription in subscriptions)
        {
            if (subscription.Kind == Kind.Clock)
                shortest = Math.Min(shortest, subscription.Remaining(time, now));
            else
                waits.Add(subscription.Descriptor!.WaitAsync(subscription.Kind == Kind.Write, stop.Token));
        }
        // Up to the next millisecond, which is what timers count in: too early would be a turn in vain.
        const ulong NanosecondsPerMillisecond = 1_000_000;
        ulong milliseconds = (shortest + NanosecondsPerMillisecond - 1) / NanosecondsPerMillisecond;
        waits.Add(Task.Delay(TimeSpan.FromMilliseconds(milliseconds), time, stop.Token));
        try
        {
            _ = await Task.WhenAny(waits);
            call.CancellationToken.ThrowIfCancellationRequested();
        }
        finally
        {
            await stop.CancelAsync();
            // What a wait that lost the race ends with is of no interest; unobserved it would come back as an event of the runtime's.
            foreach (Task wait in waits)
                _ = wait.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private static WasiErrno WriteAll(in WasiCall call, List<Event> events, int eventsAt, int result)
    {
        Span<byte> to = stackalloc byte[EventSize];
        for (int i = 0; i < events.Count; i++)
        {
            to.Clear();
            BinaryPrimitives.WriteUInt64LittleEndian(to, events[i].UserData);
            BinaryPrimitives.WriteUInt16LittleEndian(to[8..], (ushort)events[i].Error);
            to[10] = (byte)events[i].Kind;
            BinaryPrimitives.WriteUInt64LittleEndian(to[16..], events[i].Bytes);
            to[24] = (byte)(events[i].HungUp ? HangUpFlag : 0);
            if (!call.TryCopyIn((uint)eventsAt + ((ulong)i * EventSize), to))
                return WasiErrno.Fault;
        }
        return call.Write(result, (uint)events.Count);
    }

    private readonly record struct Event(ulong UserData, WasiErrno Error, Kind Kind, ulong Bytes, bool HungUp = false);

    private readonly record struct Subscription(ulong UserData, Kind Kind, WasiErrno Error, Descriptor? Descriptor, long From, ulong Duration)
    {
        public static WasiErrno Read(WasiContext context, ReadOnlySpan<byte> bytes, bool isUnstable, out Subscription subscription)
        {
            const int AbsoluteFlag = 1;
            ulong userData = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            subscription = default;
            if (bytes[8] > (byte)Kind.Write)
                return WasiErrno.Invalid;
            var kind = (Kind)bytes[8];
            if (kind == Kind.Clock)
            {
                ReadOnlySpan<byte> contents = bytes[(isUnstable ? 24 : 16)..];
                int clock = BinaryPrimitives.ReadInt32LittleEndian(contents);
                ulong duration = BinaryPrimitives.ReadUInt64LittleEndian(contents[8..]);
                int flags = BinaryPrimitives.ReadUInt16LittleEndian(contents[24..]);
                WasiErrno error = (flags & ~AbsoluteFlag) != 0 ? WasiErrno.Invalid : ProcessFunctions.Now(context, clock, out ulong now) is var errno && errno != WasiErrno.Success
                    ? errno
                    : Relative(flags, now, ref duration);
                subscription = new Subscription(userData, kind, error, null, context.Time.GetTimestamp(), duration);
                return WasiErrno.Success;
            }
            // What cannot be read or written will never be ready for it, and waiting for that would have no end.
            WasiRights needed = WasiRights.Poll | (kind == Kind.Write ? WasiRights.Write : WasiRights.Read);
            WasiErrno found = context.Descriptors.Get(BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]), needed, out Descriptor descriptor);
            subscription = new Subscription(userData, kind, found, descriptor, 0, 0);
            return WasiErrno.Success;

            static WasiErrno Relative(int flags, ulong now, ref ulong duration)
            {
                if ((flags & AbsoluteFlag) != 0)
                    duration = duration > now ? duration - now : 0;
                return WasiErrno.Success;
            }
        }

        /// <summary>Nanoseconds until the clock rings.</summary>
        public ulong Remaining(TimeProvider time, long now)
        {
            ulong elapsed = WasiClock.Elapsed(time, From, now);
            return Duration > elapsed ? Duration - elapsed : 0;
        }
    }
}

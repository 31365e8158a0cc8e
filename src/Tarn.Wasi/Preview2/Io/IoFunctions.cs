// wasi:io: errors, pollables and streams. What waits suspends the guest and holds no thread; it ends when the call's token is cancelled.
using Tarn.Components;

namespace Tarn.Wasi.Preview2.Io;

internal static class IoFunctions
{
    private const string Streams = "wasi:io/streams";

    public static void DefineIn(Preview2Binder binder)
    {
        binder.Define("wasi:io/error", "error", binder.Resources.Error);
        binder.Define("wasi:io/error", "[method]error.to-debug-string", (in Preview2Call call) => ComponentValue.FromString(call.Target<StreamError>(0).Text));

        binder.Define("wasi:io/poll", "pollable", binder.Resources.Pollable);
        binder.Define("wasi:io/poll", "[method]pollable.ready", (in Preview2Call call) => ComponentValue.FromBoolean(call.Target<Pollable>(0).IsReady));
        binder.DefineAsync("wasi:io/poll", "[method]pollable.block", Block);
        binder.DefineAsync("wasi:io/poll", "poll", Poll);

        binder.Define(Streams, "input-stream", binder.Resources.InputStream);
        binder.Define(Streams, "[method]input-stream.read", (in Preview2Call call) =>
            Read(call, call.Target<InputStream>(0), ReadLength(call[1])));
        binder.DefineAsync(Streams, "[method]input-stream.blocking-read", BlockingRead);
        binder.Define(Streams, "[method]input-stream.skip", (in Preview2Call call) => Skip(call, call.Target<InputStream>(0), ReadLength(call[1])));
        binder.DefineAsync(Streams, "[method]input-stream.blocking-skip", BlockingSkip);
        binder.Define(Streams, "[method]input-stream.subscribe", (in Preview2Call call) => WasiResources.Give(call.Resources.Pollable, call.Target<InputStream>(0).Subscribe()));

        binder.Define(Streams, "output-stream", binder.Resources.OutputStream);
        binder.Define(Streams, "[method]output-stream.check-write", CheckWrite);
        binder.Define(Streams, "[method]output-stream.write", (in Preview2Call call) => Result(call.Resources, call.Target<OutputStream>(0).Write(call[1].AsBytes())));
        binder.DefineAsync(Streams, "[method]output-stream.blocking-write-and-flush", call => WriteAllAsync(call, call.Target<OutputStream>(0), Contents(call[1].AsBytes())));
        binder.Define(Streams, "[method]output-stream.flush", (in Preview2Call call) => Result(call.Resources, call.Target<OutputStream>(0).Flush()));
        binder.DefineAsync(Streams, "[method]output-stream.blocking-flush", call => FlushAsync(call, call.Target<OutputStream>(0)));
        binder.Define(Streams, "[method]output-stream.subscribe", (in Preview2Call call) => WasiResources.Give(call.Resources.Pollable, call.Target<OutputStream>(0).Subscribe()));
        binder.Define(Streams, "[method]output-stream.write-zeroes", (in Preview2Call call) => Result(call.Resources, call.Target<OutputStream>(0).Write(Zeroes(call[1].AsUInt64()))));
        binder.DefineAsync(Streams, "[method]output-stream.blocking-write-zeroes-and-flush", call => WriteAllAsync(call, call.Target<OutputStream>(0), Zeroes(call[1].AsUInt64(), BlockingBytes)));
        binder.Define(Streams, "[method]output-stream.splice", (in Preview2Call call) => Splice(call, call.Target<OutputStream>(0), call.Target<InputStream>(1), call[2].AsUInt64()));
        binder.DefineAsync(Streams, "[method]output-stream.blocking-splice", BlockingSplice);
    }

    /// <summary>The result of an operation on a stream that has none but that.</summary>
    public static ComponentValue Result(WasiResources resources, StreamOutcome outcome, ComponentValue? value = null)
    {
        if (outcome.IsDone)
            return ComponentValue.Ok(value);
        return ComponentValue.Error(outcome.Error is StreamError error
            ? ComponentValue.FromVariant("last-operation-failed", WasiResources.Give(resources.Error, error))
            : ComponentValue.FromVariant("closed"));
    }

    // Functions that write and wait take so much at once (streams.wit).
    private const int BlockingBytes = 4096;

    private static int ReadLength(ComponentValue length) => (int)Math.Min(length.AsUInt64(), InputStream.MostBytes);

    private static byte[] Contents(byte[] bytes) => bytes.Length <= BlockingBytes
        ? bytes
        : throw new ComponentTrapException(ComponentTrapCode.NotSupported, $"the guest wrote {bytes.Length} bytes at once to an output stream, and {BlockingBytes} are the most that a write which waits takes");

    private static byte[] Zeroes(ulong length, int most = OutputStream.MostBytes) => length <= (ulong)most
        ? new byte[length]
        : throw new ComponentTrapException(ComponentTrapCode.NotSupported, $"the guest wrote {length} zeroes at once to an output stream, and {most} are the most");

    private static async ValueTask<ComponentValue?> Block(Preview2Call call)
    {
        await Pollable.WaitAsync([call.Target<Pollable>(0)], call.CancellationToken).ConfigureAwait(false);
        return null;
    }

    private static async ValueTask<ComponentValue?> Poll(Preview2Call call)
    {
        ComponentValue list = call[0];
        if (list.Count == 0)
            throw new ComponentTrapException(ComponentTrapCode.NotSupported, "the guest polled an empty list, which would never end");
        call.Work.Charge(list.Count);
        var pollables = new Pollable[list.Count];
        for (int i = 0; i < pollables.Length; i++)
            pollables[i] = (Pollable)list[i].AsResource().Target!;
        List<uint> ready = await Pollable.WaitAsync(pollables, call.CancellationToken).ConfigureAwait(false);
        return ComponentValue.FromList([.. ready.Select(ComponentValue.FromUInt32)]);
    }

    private static ComponentValue Read(in Preview2Call call, InputStream stream, int length)
    {
        call.Work.BeginPiece(0);
        StreamOutcome outcome = stream.Read(length, out byte[] bytes);
        call.Work.Charge(bytes.Length);
        return Result(call.Resources, outcome, ComponentValue.FromBytes(bytes));
    }

    private static async ValueTask<ComponentValue?> BlockingRead(Preview2Call call)
    {
        InputStream stream = call.Target<InputStream>(0);
        int length = ReadLength(call[1]);
        // Whoever waits for input wants to see what it is about.
        if (stream is DescriptorInputStream && !stream.IsReady)
            await call.Context.FlushOutputAsync(call.CancellationToken).ConfigureAwait(false);
        while (true)
        {
            StreamOutcome outcome = stream.Read(length, out byte[] bytes);
            if (!outcome.IsDone || bytes.Length > 0 || length == 0)
                return Result(call.Resources, outcome, ComponentValue.FromBytes(bytes));
            await stream.WaitAsync(call.CancellationToken).ConfigureAwait(false);
        }
    }

    private static ComponentValue Skip(in Preview2Call call, InputStream stream, int length)
    {
        call.Work.BeginPiece(0);
        StreamOutcome outcome = stream.Read(length, out byte[] bytes);
        call.Work.Charge(bytes.Length);
        return Result(call.Resources, outcome, ComponentValue.FromUInt64((ulong)bytes.Length));
    }

    private static async ValueTask<ComponentValue?> BlockingSkip(Preview2Call call)
    {
        InputStream stream = call.Target<InputStream>(0);
        int length = ReadLength(call[1]);
        while (true)
        {
            StreamOutcome outcome = stream.Read(length, out byte[] bytes);
            if (!outcome.IsDone || bytes.Length > 0 || length == 0)
                return Result(call.Resources, outcome, ComponentValue.FromUInt64((ulong)bytes.Length));
            await stream.WaitAsync(call.CancellationToken).ConfigureAwait(false);
        }
    }

    private static ComponentValue CheckWrite(in Preview2Call call)
    {
        StreamOutcome outcome = call.Target<OutputStream>(0).Check(out int permitted);
        return Result(call.Resources, outcome, ComponentValue.FromUInt64((ulong)permitted));
    }

    private static async ValueTask<ComponentValue?> WriteAllAsync(Preview2Call call, OutputStream stream, byte[] bytes)
    {
        call.Work.BeginPiece(bytes.Length);
        ReadOnlyMemory<byte> rest = bytes;
        while (rest.Length > 0)
        {
            StreamOutcome outcome = stream.Check(out int permitted);
            if (outcome.IsDone && permitted > 0)
            {
                int length = Math.Min(permitted, rest.Length);
                outcome = stream.Write(rest[..length]);
                rest = rest[length..];
            }

            if (!outcome.IsDone)
                return Result(call.Resources, outcome);
            if (permitted == 0)
                await stream.WaitAsync(call.CancellationToken).ConfigureAwait(false);
        }

        return await FlushAsync(call, stream).ConfigureAwait(false);
    }

    private static async ValueTask<ComponentValue?> FlushAsync(Preview2Call call, OutputStream stream)
    {
        StreamOutcome outcome = stream.Flush();
        if (outcome.IsDone && !stream.IsReady)
        {
            await stream.WaitAsync(call.CancellationToken).ConfigureAwait(false);
            outcome = stream.Check(out _);
        }

        return Result(call.Resources, outcome);
    }

    private static ComponentValue Splice(in Preview2Call call, OutputStream target, InputStream source, ulong length)
    {
        call.Work.BeginPiece(0);
        StreamOutcome outcome = target.Check(out int permitted);
        byte[] bytes = [];
        if (outcome.IsDone)
            outcome = source.Read((int)Math.Min(length, (ulong)permitted), out bytes);
        if (outcome.IsDone)
            outcome = target.Write(bytes);
        call.Work.Charge(bytes.Length);
        return Result(call.Resources, outcome, ComponentValue.FromUInt64((ulong)bytes.Length));
    }

    private static async ValueTask<ComponentValue?> BlockingSplice(Preview2Call call)
    {
        OutputStream target = call.Target<OutputStream>(0);
        InputStream source = call.Target<InputStream>(1);
        if (!target.IsReady)
            await target.WaitAsync(call.CancellationToken).ConfigureAwait(false);
        if (!source.IsReady)
            await source.WaitAsync(call.CancellationToken).ConfigureAwait(false);
        return Splice(call, target, source, call[2].AsUInt64());
    }
}

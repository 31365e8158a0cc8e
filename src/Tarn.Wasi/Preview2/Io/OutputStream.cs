// Where a guest writes to. What may be written without waiting is said in advance (check-write), and a guest that writes more breaks the contract of the interface and traps.
using Tarn.Components;
using Tarn.Wasi.Descriptors;

namespace Tarn.Wasi.Preview2.Io;

/// <summary>The object behind an output stream.</summary>
internal abstract class OutputStream : IDisposable
{
    /// <summary>Bytes that may be written at once.</summary>
    public const int MostBytes = 64 << 10;

    private int _permitted;
    private StreamError? _failed;
    private bool _isClosed;

    /// <summary>Whether more could be written, or it would be told that nothing can.</summary>
    public bool IsReady => _isClosed || _failed is not null || IsIdle;

    /// <summary>Whether nothing that was written is on its way.</summary>
    protected abstract bool IsIdle { get; }

    /// <summary>How much may be written.</summary>
    public StreamOutcome Check(out int permitted)
    {
        permitted = 0;
        if (Ended() is StreamOutcome ended)
            return ended;
        permitted = _permitted = IsIdle ? MostBytes : 0;
        return StreamOutcome.Done;
    }

    /// <summary>Writes as much as was permitted, or less.</summary>
    /// <exception cref="ComponentTrapException">It is more than was permitted.</exception>
    public StreamOutcome Write(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length > _permitted)
            throw new ComponentTrapException(ComponentTrapCode.NotSupported, $"the guest wrote {bytes.Length} bytes to an output stream, and {_permitted} were permitted");
        _permitted -= bytes.Length;
        if (Ended() is StreamOutcome ended)
            return ended;
        return bytes.Length == 0 ? StreamOutcome.Done : Note(WriteCore(bytes));
    }

    /// <summary>Begins to flush.</summary>
    public StreamOutcome Flush() => Ended() ?? Note(FlushCore());

    /// <summary>Waits until nothing is on its way.</summary>
    public abstract Task WaitAsync(CancellationToken cancellationToken);

    /// <summary>The pollable of the stream.</summary>
    public Pollable Subscribe() => new(() => IsReady, WaitAsync);

    public virtual void Dispose()
    {
    }

    /// <summary>Takes what an operation that was on its way has come to.</summary>
    protected abstract StreamOutcome TakeFinished();

    protected abstract StreamOutcome WriteCore(ReadOnlyMemory<byte> bytes);

    protected abstract StreamOutcome FlushCore();

    private StreamOutcome Note(StreamOutcome outcome)
    {
        if (outcome.Error is not null)
            _isClosed = true;
        return outcome;
    }

    // The error of what was on its way is told once; after that the stream is closed.
    private StreamOutcome? Ended()
    {
        if (_isClosed)
            return StreamOutcome.Closed;
        if (!IsIdle)
            return null;
        StreamOutcome finished = TakeFinished();
        if (finished.IsDone)
            return null;
        _failed = finished.Error;
        _isClosed = true;
        return finished;
    }
}

/// <summary>An output stream with one pending operation at a time, whose failure the next operation reports.</summary>
internal abstract class TaskOutputStream : OutputStream
{
    /// <summary>The pending operation, or one that has ended and was not looked at yet.</summary>
    protected Task? Current { get; set; }

    protected override bool IsIdle => Current is null or { IsCompleted: true };

    public override async Task WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (Current is Task pending)
                await pending.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The next operation reports it.
        }
    }

    protected override StreamOutcome TakeFinished()
    {
        Task? finished = Current;
        Current = null;
        return finished is { IsFaulted: true } ? StreamOutcome.Failed(finished.Exception!.InnerException!) : finished is { IsCanceled: true } ? StreamOutcome.Closed : StreamOutcome.Done;
    }
}

/// <summary>Standard output and standard error.</summary>
internal sealed class DescriptorOutputStream(OutputDescriptor descriptor) : TaskOutputStream
{
    protected override StreamOutcome WriteCore(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            if (descriptor.IsSynchronous)
                descriptor.Write(bytes.Span);
            else
                Current = descriptor.WriteAsync(bytes, CancellationToken.None).AsTask();
            return StreamOutcome.Done;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return StreamOutcome.Failed(e);
        }
    }

    protected override StreamOutcome FlushCore()
    {
        // What is on its way is flushed behind it.
        Task? before = Current;
        Current = FlushBehindAsync(before);
        return Current.IsCompleted ? TakeFinished() : StreamOutcome.Done;
    }

    private async Task FlushBehindAsync(Task? before)
    {
        if (before is not null)
            await before.ConfigureAwait(false);
        await descriptor.SyncAsync(dataOnly: false, CancellationToken.None).ConfigureAwait(false);
    }
}

/// <summary>A file from a position on, or its end.</summary>
internal sealed class FileOutputStream(SharedFile file, ulong? position) : OutputStream
{
    private ulong _position = position ?? 0;

    protected override bool IsIdle => true;

    public override Task WaitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Dispose()
    {
        base.Dispose();
        file.Release();
    }

    protected override StreamOutcome TakeFinished() => StreamOutcome.Done;

    protected override StreamOutcome WriteCore(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlySpan<byte> rest = bytes.Span;
        while (rest.Length > 0)
        {
            WasiErrno errno = position is null ? file.File.Append(rest, out int written) : file.File.Write(_position, rest, out written);
            if (errno != WasiErrno.Success)
                return StreamOutcome.Failed(errno);
            if (written == 0)
                return StreamOutcome.Failed(WasiErrno.InputOutput);
            _position += (ulong)written;
            rest = rest[written..];
        }

        return file.SyncsWrites && file.File.Sync(dataOnly: false) is WasiErrno failed and not WasiErrno.Success ? StreamOutcome.Failed(failed) : StreamOutcome.Done;
    }

    protected override StreamOutcome FlushCore() => StreamOutcome.Done;
}

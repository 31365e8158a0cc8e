// Streams over something that reads and writes asynchronously: bodies and sockets. One operation is pending at a time, with a buffer of 16 KiB or what the guest wrote; it ends when the stream
// is dropped.
using System.Diagnostics.CodeAnalysis;

namespace Tarn.Wasi.Preview2.Io;

/// <summary>Reads ahead of the guest, one buffer at most.</summary>
/// <param name="read">Reads; 0 is the end.</param>
/// <param name="dispose">Called when the guest drops the stream.</param>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "It is; the base class declares it.")]
internal sealed class TransferInputStream(Func<Memory<byte>, CancellationToken, ValueTask<int>> read, Action? dispose) : InputStream
{
    private const int BufferBytes = 16 << 10;

    private readonly CancellationTokenSource _stop = new();
    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private Task<int>? _pending;
    private bool _isClosed;
    private StreamError? _error;

    public override bool IsReady
    {
        get
        {
            Advance();
            return _start < _end || _isClosed || _error is not null;
        }
    }

    public override StreamOutcome Read(int length, out byte[] bytes)
    {
        bytes = [];
        Advance();
        if (_start < _end)
        {
            int count = Math.Min(length, _end - _start);
            bytes = _buffer.AsSpan(_start, count).ToArray();
            _start += count;
            return StreamOutcome.Done;
        }

        if (_error is StreamError error)
        {
            _error = null;
            _isClosed = true;
            return new StreamOutcome(false, error);
        }

        return _isClosed ? StreamOutcome.Closed : StreamOutcome.Done;
    }

    public override async Task WaitAsync(CancellationToken cancellationToken)
    {
        Advance();
        if (_pending is not Task pending)
            return;
        try
        {
            await pending.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Told by the next read.
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _stop.Cancel();
        dispose?.Invoke();
        _ = _pending?.ContinueWith(static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    // Takes what has arrived, and reads on if there is nothing left.
    private void Advance()
    {
        if (_start < _end || _isClosed || _error is not null)
            return;
        if (_pending is null)
        {
            if (_buffer.Length == 0)
                _buffer = new byte[BufferBytes];
            _pending = StartRead();
        }

        if (!_pending.IsCompleted)
            return;
        Task<int> finished = _pending;
        _pending = null;
        (_start, _end) = (0, 0);
        if (finished.IsCompletedSuccessfully)
        {
            _end = finished.Result;
            _isClosed = _end == 0;
        }
        else
        {
            _error = finished.Exception?.InnerException is Exception failure ? StreamError.Of(failure) : StreamError.Of(WasiErrno.Canceled);
        }
    }

    private Task<int> StartRead()
    {
        try
        {
            return read(_buffer, _stop.Token).AsTask();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return Task.FromException<int>(e);
        }
    }
}

/// <summary>Writes what the guest wrote, one write at a time.</summary>
/// <param name="write">Writes all of it.</param>
/// <param name="dispose">Called when the guest drops the stream.</param>
internal sealed class TransferOutputStream(Func<ReadOnlyMemory<byte>, ValueTask> write, Action? dispose) : TaskOutputStream
{
    /// <summary>The pending write.</summary>
    public Task Pending => Current ?? Task.CompletedTask;

    public override void Dispose()
    {
        base.Dispose();
        _ = Current?.ContinueWith(static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        dispose?.Invoke();
    }

    protected override StreamOutcome WriteCore(ReadOnlyMemory<byte> bytes)
    {
        // A guest may use up what was permitted before; it is written behind the pending write.
        Task? before = IsIdle ? null : Current;
        Current = WriteBehindAsync(before, bytes);
        return Current.IsCompleted ? TakeFinished() : StreamOutcome.Done;
    }

    protected override StreamOutcome FlushCore() => StreamOutcome.Done;

    private async Task WriteBehindAsync(Task? before, ReadOnlyMemory<byte> bytes)
    {
        if (before is not null)
            await before.ConfigureAwait(false);
        await write(bytes).ConfigureAwait(false);
    }
}

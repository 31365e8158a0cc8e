// Standard input. A Stream cannot be asked whether it has bytes, so polling reads ahead into a buffer, and reads are served from there first. Asking is what begins to read
// ahead, so that a guest that asks again and again without waiting sees what comes. What goes wrong ahead is kept for the read that would have met it: to a guest it is no end.
namespace Tarn.Wasi.Descriptors;

internal sealed class InputDescriptor(Stream stream, WasiFileType type) : StreamDescriptor(WasiRights.Read | WasiRights.GetStat | WasiRights.SetFlags | WasiRights.Poll)
{
    private const int ReadAheadBytes = 4096;
    private byte[]? _ahead;
    private Task<int>? _reading;
    private int _start;
    private int _end;
    private bool _ended;

    public override bool IsSynchronous { get; } = IsSynchronousStream(stream);

    public override WasiFileType FileType => type;

    public override int Read(Span<byte> buffer)
    {
        if (_reading is Task<int> reading)
        {
            _reading = null;
            Finish(reading.GetAwaiter().GetResult());
        }
        return _start < _end ? TakeAhead(buffer) : _ended ? 0 : stream.Read(buffer);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_reading is Task<int> reading)
        {
            try
            {
                Finish(await reading.WaitAsync(cancellationToken));
            }
            catch when (reading.IsFaulted || reading.IsCanceled)
            {
                _reading = null;
                throw;
            }
        }
        return _start < _end ? TakeAhead(buffer.Span) : _ended ? 0 : await stream.ReadAsync(buffer, cancellationToken);
    }

    public override bool IsReady(bool forWriting, out ulong bytes)
    {
        if (!forWriting && _start == _end && !_ended)
            _reading ??= Begin();
        if (_reading is { IsCompletedSuccessfully: true })
            Finish(_reading.Result);
        bytes = (ulong)(_end - _start);
        return !forWriting && (_start < _end || _ended || _reading is { IsCompleted: true });
    }

    public override bool IsHungUp => _ended && _start == _end;

    public override Task WaitAsync(bool forWriting, CancellationToken cancellationToken)
    {
        if (IsReady(forWriting, out _))
            return Task.CompletedTask;
        return _reading?.WaitAsync(cancellationToken) ?? Task.Delay(Timeout.Infinite, cancellationToken);
    }

    // The stream is the embedder's.
    public override void Dispose()
    {
    }

    // Not cancelled with the poll: a byte that has been read must not be lost when a poll ends for another reason.
    private Task<int> Begin()
    {
        _ahead ??= new byte[ReadAheadBytes];
        try
        {
            return stream.ReadAsync(_ahead, CancellationToken.None).AsTask();
        }
        catch (Exception e)
        {
            return Task.FromException<int>(e);
        }
    }

    private void Finish(int read)
    {
        _reading = null;
        _start = 0;
        _end = read;
        _ended = read == 0;
    }

    private int TakeAhead(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, _end - _start);
        _ahead.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }
}

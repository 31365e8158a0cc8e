// Standard input. A Stream cannot be asked whether it has bytes, so polling reads ahead into a buffer, and reads are served from there first.
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
        if (_reading is not null)
            Finish(_reading.GetAwaiter().GetResult());
        return _start < _end ? TakeAhead(buffer) : _ended ? 0 : stream.Read(buffer);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_reading is not null)
            Finish(await _reading.WaitAsync(cancellationToken));
        return _start < _end ? TakeAhead(buffer.Span) : _ended ? 0 : await stream.ReadAsync(buffer, cancellationToken);
    }

    public override bool IsReady(bool forWriting, out ulong bytes)
    {
        if (!forWriting && _reading is { IsCompleted: true })
            Finish(_reading.IsCompletedSuccessfully ? _reading.Result : 0);
        bytes = (ulong)(_end - _start);
        return !forWriting && (_start < _end || _ended);
    }

    public override Task WaitAsync(bool forWriting, CancellationToken cancellationToken)
    {
        if (IsReady(forWriting, out _))
            return Task.CompletedTask;
        if (forWriting)
            return Task.Delay(Timeout.Infinite, cancellationToken);
        _ahead ??= new byte[ReadAheadBytes];
        // Not cancelled with the poll: a byte that has been read must not be lost when a poll ends for another reason.
        _reading ??= stream.ReadAsync(_ahead, CancellationToken.None).AsTask();
        return _reading.WaitAsync(cancellationToken);
    }

    // The stream is the embedder's.
    public override void Dispose()
    {
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

// Standard output and standard error. A stream that is not known to be a synchronous one is only ever asked asynchronously, flushing included: those of web servers refuse
// anything else, and one that nobody reads would hold the thread for ever.
namespace Tarn.Wasi.Descriptors;

internal sealed class OutputDescriptor(Stream stream, WasiFileType type, bool flushEachWrite)
    : StreamDescriptor(WasiRights.Write | WasiRights.GetStat | WasiRights.SetFlags | WasiRights.Poll | WasiRights.Sync | WasiRights.SyncData)
{
    private bool _unflushed;

    public override bool IsSynchronous { get; } = IsSynchronousStream(stream);

    public override WasiFileType FileType => type;

    public override void Write(ReadOnlySpan<byte> data)
    {
        _unflushed = true;
        stream.Write(data);
        if (flushEachWrite)
            FlushNow();
    }

    public override async ValueTask<int> WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        _unflushed = true;
        await stream.WriteAsync(data, cancellationToken);
        if (flushEachWrite)
            await FlushNowAsync(cancellationToken);
        return data.Length;
    }

    public override async ValueTask<WasiErrno> SyncAsync(bool dataOnly, CancellationToken cancellationToken)
    {
        await FlushNowAsync(cancellationToken);
        return WasiErrno.Success;
    }

    public override bool IsReady(bool forWriting, out ulong bytes)
    {
        bytes = forWriting ? 1UL : 0;
        return forWriting;
    }

    public override Task WaitAsync(bool forWriting, CancellationToken cancellationToken) =>
        forWriting ? Task.CompletedTask : Task.Delay(Timeout.Infinite, cancellationToken);

    // The stream is the embedder's.
    public override void Dispose() => Flush();

    /// <summary>Flushes what can be flushed without waiting, and begins to flush what cannot.</summary>
    public void Flush() => _ = FlushAsync(CancellationToken.None).AsTask();

    /// <summary>Flushes what has not been; the stream may have been closed by its owner, which is not an error of the guest.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (_unflushed && stream.CanWrite)
                await FlushNowAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // Whoever reads the output has gone, or does not wait for it: nothing is left to be told to anyone.
        }
    }

    private void FlushNow()
    {
        stream.Flush();
        _unflushed = false;
    }

    private async ValueTask FlushNowAsync(CancellationToken cancellationToken)
    {
        if (IsSynchronous)
            stream.Flush();
        else
            await stream.FlushAsync(cancellationToken);
        _unflushed = false;
    }
}

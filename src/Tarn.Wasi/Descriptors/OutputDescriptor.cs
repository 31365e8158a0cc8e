// Standard output and standard error.
namespace Tarn.Wasi.Descriptors;

internal sealed class OutputDescriptor(Stream stream, WasiFileType type, bool flushEachWrite)
    : StreamDescriptor(WasiRights.Write | WasiRights.GetStat | WasiRights.SetFlags | WasiRights.Poll | WasiRights.Sync | WasiRights.SyncData)
{
    public override bool IsSynchronous { get; } = IsSynchronousStream(stream);

    public override WasiFileType FileType => type;

    public override void Write(ReadOnlySpan<byte> data)
    {
        stream.Write(data);
        if (flushEachWrite)
            stream.Flush();
    }

    public override async ValueTask<int> WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(data, cancellationToken);
        if (flushEachWrite)
            await stream.FlushAsync(cancellationToken);
        return data.Length;
    }

    public override WasiErrno Sync(bool dataOnly)
    {
        stream.Flush();
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

    /// <summary>Flushes; the stream may have been closed by its owner, which is no error of the guest's.</summary>
    public void Flush()
    {
        try
        {
            if (stream.CanWrite)
                stream.Flush();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Whoever reads the output has gone: nothing is left to be told to anyone.
        }
    }
}

// Where a guest reads from. A read gives what is there, and nothing is no error: whoever wants to wait subscribes, or asks for a read that waits.
using Tarn.Wasi.Descriptors;

namespace Tarn.Wasi.Preview2.Io;

/// <summary>The object behind an input stream.</summary>
internal abstract class InputStream : IDisposable
{
    /// <summary>Bytes that one read gives at most, whatever a guest asks for.</summary>
    public const int MostBytes = 64 << 10;

    /// <summary>Whether a read would give something, or tell that there is nothing more.</summary>
    public abstract bool IsReady { get; }

    /// <summary>Reads what is there.</summary>
    /// <param name="length">Bytes at most; 0 to <see cref="MostBytes"/>.</param>
    /// <param name="bytes">What was read, possibly nothing.</param>
    public abstract StreamOutcome Read(int length, out byte[] bytes);

    /// <summary>Waits until it may be ready.</summary>
    public abstract Task WaitAsync(CancellationToken cancellationToken);

    /// <summary>The pollable of the stream.</summary>
    public Pollable Subscribe() => new(() => IsReady, WaitAsync);

    public virtual void Dispose()
    {
    }
}

/// <summary>Standard input.</summary>
internal sealed class DescriptorInputStream(InputDescriptor descriptor) : InputStream
{
    private StreamError? _failed;

    public override bool IsReady => _failed is not null || descriptor.IsReady(forWriting: false, out _);

    public override StreamOutcome Read(int length, out byte[] bytes)
    {
        bytes = [];
        if (_failed is not null)
            return StreamOutcome.Closed;
        if (length == 0 || !descriptor.IsReady(forWriting: false, out _))
            return StreamOutcome.Done;
        byte[] buffer = new byte[length];
        try
        {
            int read = descriptor.Read(buffer);
            if (read == 0)
                return StreamOutcome.Closed;
            bytes = buffer[..read];
            return StreamOutcome.Done;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            StreamOutcome outcome = StreamOutcome.Failed(e);
            _failed = outcome.Error;
            return outcome;
        }
    }

    // A failure ahead makes the stream ready, and is told by the next read.
    public override async Task WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            await descriptor.WaitAsync(forWriting: false, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
        }
    }
}

/// <summary>A file from a position on. The position is the stream's own.</summary>
internal sealed class FileInputStream(SharedFile file, ulong position) : InputStream
{
    private const int RetryMilliseconds = 5;
    private ulong _position = position;
    private bool _isEmpty;

    // A pipe or device in a directory is opened non-blocking: whether it has something is known once it was read.
    public override bool IsReady => !_isEmpty;

    public override StreamOutcome Read(int length, out byte[] bytes)
    {
        bytes = [];
        _isEmpty = false;
        if (length == 0)
            return StreamOutcome.Done;
        byte[] buffer = new byte[length];
        WasiErrno errno = file.File.Read(_position, buffer, out int read);
        if (errno == WasiErrno.Again)
        {
            _isEmpty = true;
            return StreamOutcome.Done;
        }

        if (errno != WasiErrno.Success)
            return StreamOutcome.Failed(errno);
        if (read == 0)
            return StreamOutcome.Closed;
        _position += (ulong)read;
        bytes = read == length ? buffer : buffer[..read];
        return StreamOutcome.Done;
    }

    public override async Task WaitAsync(CancellationToken cancellationToken)
    {
        if (!_isEmpty)
            return;
        await Task.Delay(RetryMilliseconds, cancellationToken).ConfigureAwait(false);
        _isEmpty = false;
    }

    public override void Dispose()
    {
        base.Dispose();
        file.Release();
    }
}

// One of the process's own standard streams, by plain read and write: a FileStream would keep a position of its own where the stream is a file, and write
// over what other programs that share it have written.
using System.Runtime.InteropServices;

namespace Tarn.Wasi.Host;

internal sealed unsafe class HostStream(int descriptor) : Stream
{
    private const int WouldBlock = 11; // EAGAIN
    private const short PollIn = 1;
    private const short PollOut = 4;

    public override bool CanRead => descriptor == 0;

    public override bool CanWrite => descriptor != 0;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>What a guest is told that the stream is.</summary>
    public WasiFileType FileType => Libc.IsTerminal(descriptor) != 0 ? WasiFileType.CharacterDevice : WasiFileType.Unknown;

    public override int Read(Span<byte> buffer)
    {
        if (buffer.Length == 0)
            return 0;
        fixed (byte* start = buffer)
        {
            while (true)
            {
                nint count = Libc.Read(descriptor, start, (nuint)buffer.Length);
                if (count >= 0)
                    return (int)count;
                RetryOrThrow(PollIn);
            }
        }
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            int done = 0;
            while (done < buffer.Length)
            {
                nint count = Libc.Write(descriptor, start + done, (nuint)(buffer.Length - done));
                if (count >= 0)
                    done += (int)count;
                else
                    RetryOrThrow(PollOut);
            }
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    // Asked for when a guest polls: if it is not there yet somebody has to wait, and it must not be the guest's thread.
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Poll(PollIn, milliseconds: 0) > 0 ? new(Read(buffer.Span)) : new(Task.Run(() => Read(buffer.Span), cancellationToken));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private int Poll(short events, int milliseconds)
    {
        long poll = (uint)descriptor | ((long)events << 32);
        return Libc.Poll(&poll, 1, milliseconds);
    }

    // A parent may have made the stream non-blocking: then it is waited for here.
    private void RetryOrThrow(short events)
    {
        int errno = Marshal.GetLastPInvokeError();
        if (errno == WouldBlock)
        {
            _ = Poll(events, milliseconds: -1);
        }
        else if (errno != LinuxErrno.Interrupted)
        {
            throw new ErrnoException(LinuxErrno.From(errno));
        }
    }
}

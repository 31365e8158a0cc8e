// One of the process's own standard streams, by plain read and write: a FileStream would keep a position of its own where the stream is a file, and write
// over what other programs that share it have written.
//
// A number from 0 to 2 is a standard stream only if the process was started with it. Where it was closed then, the runtime has since opened something of its own under that
// number, a pipe that its signals come through for example, and a guest must not get hold of that. The runtime's descriptors are marked close-on-exec; one that came
// through an exec cannot be. A stream that is not there answers EBADF.
using System.Runtime.InteropServices;

namespace Tarn.Wasi.Host;

internal sealed unsafe class HostStream(int number) : Stream
{
    private readonly int _descriptor = IsInherited(number) ? number : -1;
    private const int WouldBlock = 11; // EAGAIN
    private const short PollIn = 1;
    private const short PollOut = 4;

    public override bool CanRead => number == 0;

    public override bool CanWrite => number != 0;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>What a guest is told that the stream is.</summary>
    public WasiFileType FileType => Libc.IsTerminal(_descriptor) != 0 ? WasiFileType.CharacterDevice : WasiFileType.Unknown;

    public override int Read(Span<byte> buffer)
    {
        if (buffer.Length == 0)
            return 0;
        fixed (byte* start = buffer)
        {
            while (true)
            {
                nint count = Libc.Read(_descriptor, start, (nuint)buffer.Length);
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
                nint count = Libc.Write(_descriptor, start + done, (nuint)(buffer.Length - done));
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

    private static bool IsInherited(int descriptor)
    {
        const int GetDescriptorFlags = 1; // F_GETFD
        const int CloseOnExec = 1; // FD_CLOEXEC
        int flags = Libc.Control(descriptor, GetDescriptorFlags);
        return flags >= 0 && (flags & CloseOnExec) == 0;
    }

    private int Poll(short events, int milliseconds)
    {
        long poll = (uint)_descriptor | ((long)events << 32);
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

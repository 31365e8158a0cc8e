// fd_read, fd_write, fd_pread, fd_pwrite. Files are read straight into the guest's memory; streams that may have to be waited for go through a buffer of the
// host's, since no view of the guest's memory is kept while something is awaited.
using System.Buffers;
using Tarn.Wasi.Descriptors;

namespace Tarn.Wasi.Preview1;

internal static class TransferFunctions
{
    private const uint LargestStreamTransfer = 64 << 10;

    // What a file is read or written in before the guest may be stopped again, and pays.
    private const int LargestPiece = 1 << 20;

    public static void DefineIn(Binder binder)
    {
        binder.DefineBlocking<int, int, int, int>("fd_read", Read);
        binder.DefineBlocking<int, int, int, int>("fd_write", Write);
        binder.Define<int, int, int, long, int>("fd_pread", ReadAt);
        binder.Define<int, int, int, long, int>("fd_pwrite", WriteAt);
    }

    /// <summary>Reads from a stream into the guest's buffers.</summary>
    public static async ValueTask<WasiErrno> ReadStream(WasiCall call, StreamDescriptor stream, int vectors, int count, int result)
    {
        byte[]? buffer = null;
        try
        {
            WasiErrno errno = Check(call, vectors, count, result, out uint length);
            if (errno != WasiErrno.Success)
                return errno;
            // A stream that is asked for nothing may still wait until it has something.
            if (length == 0)
                return call.Write(result, 0u);
            buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(length, LargestStreamTransfer));
            using CancellationTokenRegistration watch = GuestTurn.Watch(call);
            int read = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(length, LargestStreamTransfer)), call.CancellationToken);
            using GuestTurn turn = GuestTurn.Take(call);
            call.Charge(read);
            return Deliver(call, vectors, count, buffer.AsSpan(0, read)) is WasiErrno failed and not WasiErrno.Success ? failed : call.Write(result, (uint)read);
        }
        finally
        {
            if (buffer is not null)
                ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Writes the guest's buffers to a stream.</summary>
    public static async ValueTask<WasiErrno> WriteStream(WasiCall call, StreamDescriptor stream, int vectors, int count, int result)
    {
        byte[]? buffer = null;
        try
        {
            WasiErrno errno = Check(call, vectors, count, result, out uint length);
            if (errno != WasiErrno.Success)
                return errno;
            buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(length, LargestStreamTransfer));
            int gathered = Gather(call, vectors, count, buffer.AsSpan(0, (int)Math.Min(length, LargestStreamTransfer)));
            call.Charge(gathered);
            using CancellationTokenRegistration watch = GuestTurn.Watch(call);
            int written = await stream.WriteAsync(buffer.AsMemory(0, gathered), call.CancellationToken);
            using GuestTurn turn = GuestTurn.Take(call);
            return call.Write(result, (uint)written);
        }
        finally
        {
            if (buffer is not null)
                ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Puts bytes into the guest's buffers.</summary>
    public static WasiErrno Deliver(in WasiCall call, int vectors, int count, ReadOnlySpan<byte> data)
    {
        WasiErrno errno = IoVectors.Read(call, vectors, count, out IoVectors buffers);
        if (errno == WasiErrno.Success)
            buffers.Scatter(call, data);
        return errno;
    }

    /// <summary>Checks buffers and the place for the result before anything is read.</summary>
    public static WasiErrno Check(in WasiCall call, int vectors, int count, int result, out uint length)
    {
        WasiErrno errno = IoVectors.Read(call, vectors, count, out IoVectors buffers);
        length = errno == WasiErrno.Success ? buffers.TotalLength : 0;
        return errno == WasiErrno.Success && !call.CanWrite(result, sizeof(uint)) ? WasiErrno.Fault : errno;
    }

    private static int Gather(in WasiCall call, int vectors, int count, Span<byte> destination) =>
        IoVectors.Read(call, vectors, count, out IoVectors buffers) == WasiErrno.Success ? buffers.Gather(call, destination) : 0;

    private static ValueTask<WasiErrno> Read(WasiCall call, int fd, int vectors, int count, int result)
    {
        WasiErrno errno = call.Context.Descriptors.Get(fd, WasiRights.Read, out Descriptor descriptor);
        if (errno == WasiErrno.NotCapable && descriptor is DirectoryDescriptor)
            errno = WasiErrno.IsDirectory;
        if (errno != WasiErrno.Success)
            return ValueTask.FromResult(errno);
        switch (descriptor)
        {
            case FileDescriptor file:
                errno = ReadAtPosition(call, file, vectors, count, result);
                return errno == WasiErrno.Again && MayWait(file) ? UntilReady(ReadAtPosition, call, file, vectors, count, result) : ValueTask.FromResult(errno);
            case InputDescriptor input:
                // Whoever waits for input wants to see what it is about.
                ValueTask flushing = call.Context.FlushOutputAsync(call.CancellationToken);
                if (!flushing.IsCompletedSuccessfully)
                    return ReadFlushed(flushing, call, input, vectors, count, result);
                return ReadInput(call, input, vectors, count, result);
            case StreamDescriptor stream:
                return ReadStream(call, stream, vectors, count, result);
            default:
                return ValueTask.FromResult(WasiErrno.IsDirectory);
        }
    }

    private static async ValueTask<WasiErrno> ReadFlushed(ValueTask flushing, WasiCall call, InputDescriptor input, int vectors, int count, int result)
    {
        using CancellationTokenRegistration watch = GuestTurn.Watch(call);
        await flushing;
        ValueTask<WasiErrno> reading;
        using (GuestTurn.Take(call))
            reading = ReadInput(call.AfterAwait(), input, vectors, count, result);
        return await reading;
    }

    private static ValueTask<WasiErrno> ReadInput(WasiCall call, InputDescriptor input, int vectors, int count, int result)
    {
        if ((input.Flags & DescriptorFlags.NonBlocking) != 0 && !input.IsReady(forWriting: false, out _))
            return ValueTask.FromResult(WasiErrno.Again);
        return input.IsSynchronous ? ValueTask.FromResult(ReadSynchronously(call, input, vectors, count, result)) : ReadStream(call, input, vectors, count, result);
    }

    private static ValueTask<WasiErrno> Write(WasiCall call, int fd, int vectors, int count, int result)
    {
        WasiErrno errno = call.Context.Descriptors.Get(fd, WasiRights.Write, out Descriptor descriptor);
        if (errno != WasiErrno.Success)
            return ValueTask.FromResult(errno);
        switch (descriptor)
        {
            case FileDescriptor file:
                errno = WriteAtPosition(call, file, vectors, count, result);
                return errno == WasiErrno.Again && MayWait(file) ? UntilReady(WriteAtPosition, call, file, vectors, count, result) : ValueTask.FromResult(errno);
            case StreamDescriptor { IsSynchronous: true } stream:
                return ValueTask.FromResult(WriteSynchronously(call, stream, vectors, count, result));
            case StreamDescriptor stream:
                return WriteStream(call, stream, vectors, count, result);
            default:
                return ValueTask.FromResult(WasiErrno.BadDescriptor);
        }
    }

    private static WasiErrno ReadAtPosition(in WasiCall call, FileDescriptor file, int vectors, int count, int result)
    {
        WasiErrno errno = ReadFile(call, file, file.Position, vectors, count, result, out uint read);
        file.Position += read;
        return errno;
    }

    private static WasiErrno WriteAtPosition(in WasiCall call, FileDescriptor file, int vectors, int count, int result)
    {
        bool append = (file.Flags & DescriptorFlags.Append) != 0;
        WasiErrno errno = WriteFile(call, file, append ? null : file.Position, vectors, count, result, out uint written);
        if (append && written > 0 && file.File.GetStat(out WasiFileStat stat) == WasiErrno.Success)
            file.Position = stat.Size;
        else
            file.Position += written;
        return errno;
    }

    private static bool MayWait(FileDescriptor file) => !file.File.IsSeekable && (file.Flags & DescriptorFlags.NonBlocking) == 0;

    // A pipe or device in a directory is opened non-blocking, so that no call of the system's holds the thread, and looked at again until it has something.
    private static async ValueTask<WasiErrno> UntilReady(
        Binder.Body<FileDescriptor, int, int, int> attempt, WasiCall call, FileDescriptor file, int vectors, int count, int result)
    {
        const int Milliseconds = 5;
        using CancellationTokenRegistration watch = GuestTurn.Watch(call);
        while (true)
        {
            await Task.Delay(Milliseconds, call.CancellationToken);
            using GuestTurn turn = GuestTurn.Take(call);
            if (attempt(call.AfterAwait(), file, vectors, count, result) is WasiErrno errno and not WasiErrno.Again)
                return errno;
        }
    }

    private static WasiErrno ReadAt(in WasiCall call, int fd, int vectors, int count, long offset, int result)
    {
        WasiErrno errno = call.Context.Descriptors.GetFile(fd, WasiRights.Read | WasiRights.Seek, out FileDescriptor file);
        if (errno != WasiErrno.Success)
            return errno;
        return !file.File.IsSeekable ? WasiErrno.IllegalSeek : offset < 0 ? WasiErrno.Invalid : ReadFile(call, file, (ulong)offset, vectors, count, result, out _);
    }

    private static WasiErrno WriteAt(in WasiCall call, int fd, int vectors, int count, long offset, int result)
    {
        WasiErrno errno = call.Context.Descriptors.GetFile(fd, WasiRights.Write | WasiRights.Seek, out FileDescriptor file);
        if (errno != WasiErrno.Success)
            return errno;
        return !file.File.IsSeekable ? WasiErrno.IllegalSeek : offset < 0 ? WasiErrno.Invalid : WriteFile(call, file, (ulong)offset, vectors, count, result, out _);
    }

    private static WasiErrno ReadFile(in WasiCall call, FileDescriptor file, ulong offset, int vectors, int count, int result, out uint total)
    {
        total = 0;
        WasiErrno errno = IoVectors.Read(call, vectors, count, out IoVectors buffers);
        if (errno != WasiErrno.Success)
            return errno;
        if (!call.CanWrite(result, sizeof(uint)))
            return WasiErrno.Fault;
        bool more = true;
        for (int i = 0; i < buffers.Count && more; i++)
        {
            (ulong at, int rest) = buffers.Range(call, i);
            while (rest > 0 && more)
            {
                using GuestPiece piece = GuestPiece.ToFill(call, at, Math.Min(rest, LargestPiece));
                // What came is paid for, not what was asked for: buffers are larger than files, and a pipe is asked again and again.
                call.BeginPiece(0);
                errno = file.File.Read(offset + total, piece.Span, out int read);
                piece.Commit(read);
                call.Charge(read);
                total += (uint)read;
                // What was read before an error is the answer; the error comes again with the next call.
                if (errno != WasiErrno.Success && total == 0)
                    return errno;
                more = errno == WasiErrno.Success && read == piece.Span.Length;
                at += (uint)piece.Span.Length;
                rest -= piece.Span.Length;
            }
        }
        return call.Write(result, total);
    }

    private static WasiErrno WriteFile(in WasiCall call, FileDescriptor file, ulong? offset, int vectors, int count, int result, out uint total)
    {
        total = 0;
        WasiErrno errno = IoVectors.Read(call, vectors, count, out IoVectors buffers);
        if (errno != WasiErrno.Success)
            return errno;
        if (!call.CanWrite(result, sizeof(uint)))
            return WasiErrno.Fault;
        bool more = true;
        for (int i = 0; i < buffers.Count && more; i++)
        {
            (ulong at, int rest) = buffers.Range(call, i);
            while (rest > 0 && more)
            {
                using GuestPiece piece = GuestPiece.ToRead(call, at, Math.Min(rest, LargestPiece));
                call.BeginPiece(0);
                errno = offset is ulong start ? file.File.Write(start + total, piece.Span, out int written) : file.File.Append(piece.Span, out written);
                call.Charge(written);
                total += (uint)written;
                if (errno != WasiErrno.Success && total == 0)
                    return errno;
                more = errno == WasiErrno.Success && written == piece.Span.Length;
                at += (uint)piece.Span.Length;
                rest -= piece.Span.Length;
            }
        }
        if (total > 0 && (file.Flags & (DescriptorFlags.Sync | DescriptorFlags.DataSync)) != 0)
            _ = file.File.Sync(dataOnly: (file.Flags & DescriptorFlags.Sync) == 0);
        return call.Write(result, total);
    }

    private static WasiErrno ReadSynchronously(in WasiCall call, InputDescriptor input, int vectors, int count, int result)
    {
        WasiErrno errno = IoVectors.Read(call, vectors, count, out IoVectors buffers);
        if (errno != WasiErrno.Success)
            return errno;
        if (!call.CanWrite(result, sizeof(uint)))
            return WasiErrno.Fault;
        int total = 0;
        for (int i = 0; i < buffers.Count; i++)
        {
            (ulong at, int length) = buffers.Range(call, i);
            if (length == 0)
                continue;
            // Only the first buffer may be waited for, and no more is taken at once than a piece: who reads a stream goes on until it ends.
            call.BeginPiece(0);
            using GuestPiece piece = GuestPiece.ToFill(call, at, Math.Min(length, LargestPiece));
            total = input.Read(piece.Span);
            piece.Commit(total);
            call.Charge(total);
            break;
        }
        return call.Write(result, (uint)total);
    }

    private static WasiErrno WriteSynchronously(in WasiCall call, StreamDescriptor stream, int vectors, int count, int result)
    {
        WasiErrno errno = IoVectors.Read(call, vectors, count, out IoVectors buffers);
        if (errno != WasiErrno.Success)
            return errno;
        if (!call.CanWrite(result, sizeof(uint)))
            return WasiErrno.Fault;
        // C libraries write a line in two pieces; together they are one call of the system.
        const int Small = 1024;
        if (buffers.TotalLength <= Small && buffers.Count > 1)
        {
            call.BeginPiece(buffers.TotalLength);
            Span<byte> together = stackalloc byte[Small];
            stream.Write(together[..buffers.Gather(call, together[..(int)buffers.TotalLength])]);
            return call.Write(result, buffers.TotalLength);
        }
        for (int i = 0; i < buffers.Count; i++)
        {
            (ulong at, int rest) = buffers.Range(call, i);
            while (rest > 0)
            {
                using GuestPiece piece = GuestPiece.ToRead(call, at, Math.Min(rest, LargestPiece));
                call.BeginPiece(piece.Span.Length);
                stream.Write(piece.Span);
                at += (uint)piece.Span.Length;
                rest -= piece.Span.Length;
            }
        }
        return call.Write(result, buffers.TotalLength);
    }
}

// fd_*: what is done with open descriptors, apart from reading and writing.
using System.Buffers.Binary;
using System.Text;
using Tarn.Wasi.Descriptors;

namespace Tarn.Wasi.Preview1;

internal static class DescriptorFunctions
{
    private const uint StatSize = 64;
    private const uint UnstableStatSize = 56;
    private const long ListingEntryCost = 64;
    private const int EntriesOfPiece = 1024;

    [Flags]
    private enum TimeFlags
    {
        Access = 1,
        AccessNow = 2,
        Modification = 4,
        ModificationNow = 8,
        All = 15,
    }

    public static void DefineIn(Binder binder)
    {
        binder.Define<int, long, long, int>("fd_advise", Advise);
        binder.Define<int, long, long>("fd_allocate", Allocate);
        binder.Define<int>("fd_close", (in WasiCall call, int fd) => call.Context.Descriptors.Close(fd));
        binder.DefineBlocking<int>("fd_datasync", (call, fd) => Sync(call, fd, WasiRights.SyncData, dataOnly: true));
        binder.DefineBlocking<int>("fd_sync", (call, fd) => Sync(call, fd, WasiRights.Sync, dataOnly: false));
        binder.Define<int, int>("fd_fdstat_get", GetStatus);
        binder.Define<int, int>("fd_fdstat_set_flags", SetFlags);
        binder.Define<int, long, long>("fd_fdstat_set_rights", SetRights);
        binder.Define<int, int>("fd_filestat_get", GetStat);
        binder.Define<int, long>("fd_filestat_set_size", SetSize);
        binder.Define<int, long, long, int>("fd_filestat_set_times", SetTimes);
        binder.Define<int, int>("fd_prestat_get", GetPreopen);
        binder.Define<int, int, int>("fd_prestat_dir_name", GetPreopenName);
        binder.Define<int, int, int, long, int>("fd_readdir", ReadDirectory);
        binder.Define<int, int>("fd_renumber", (in WasiCall call, int from, int to) => call.Context.Descriptors.Renumber(from, to));
        binder.Define<int, long, int, int>("fd_seek", Seek);
        binder.Define<int, int>("fd_tell", (in WasiCall call, int fd, int result) =>
        {
            WasiErrno errno = call.Context.Descriptors.GetFile(fd, WasiRights.Tell, out FileDescriptor file);
            return errno != WasiErrno.Success ? errno : file.File.IsSeekable ? call.Write(result, file.Position) : WasiErrno.IllegalSeek;
        });
    }

    /// <summary>
    /// Writes a filestat: device 0, inode 8, type 16, links 24, size 32, times 40, 48, 56. In wasi_unstable links have 32 bits, at 20, and everything behind them is 8 bytes earlier.
    /// </summary>
    public static WasiErrno WriteStat(in WasiCall call, int address, in WasiFileStat stat)
    {
        Span<byte> span = stackalloc byte[(int)StatSize];
        span.Clear();
        if (call.IsUnstable)
        {
            span = span[..(int)UnstableStatSize];
            BinaryPrimitives.WriteUInt32LittleEndian(span[20..], (uint)Math.Min(stat.LinkCount, uint.MaxValue));
            WriteStatEnds(span, span[24..], stat);
        }
        else
        {
            BinaryPrimitives.WriteUInt64LittleEndian(span[24..], stat.LinkCount);
            WriteStatEnds(span, span[32..], stat);
        }
        return call.TryCopyIn((uint)address, span) ? WasiErrno.Success : WasiErrno.Fault;
    }

    // What stands before the links, and what behind.
    private static void WriteStatEnds(Span<byte> span, Span<byte> behind, in WasiFileStat stat)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(span, stat.Device);
        BinaryPrimitives.WriteUInt64LittleEndian(span[8..], stat.Inode);
        span[16] = (byte)stat.FileType;
        BinaryPrimitives.WriteUInt64LittleEndian(behind, stat.Size);
        BinaryPrimitives.WriteUInt64LittleEndian(behind[8..], stat.AccessTime);
        BinaryPrimitives.WriteUInt64LittleEndian(behind[16..], stat.ModificationTime);
        BinaryPrimitives.WriteUInt64LittleEndian(behind[24..], stat.ChangeTime);
    }

    /// <summary>What a call that sets times means: a time, now, or nothing; both a time and now is an error.</summary>
    public static WasiErrno ReadTimes(in WasiCall call, long access, long modification, int flags, out WasiTime accessTime, out WasiTime modificationTime)
    {
        accessTime = modificationTime = WasiTime.Unchanged;
        var what = (TimeFlags)flags;
        const TimeFlags AccessBoth = TimeFlags.Access | TimeFlags.AccessNow;
        const TimeFlags ModificationBoth = TimeFlags.Modification | TimeFlags.ModificationNow;
        if ((what & ~TimeFlags.All) != 0 || (what & AccessBoth) == AccessBoth || (what & ModificationBoth) == ModificationBoth)
            return WasiErrno.Invalid;
        ulong now = WasiClock.Nanoseconds(call.Context.Time.GetUtcNow());
        if ((what & AccessBoth) != 0)
            accessTime = WasiTime.At((what & TimeFlags.AccessNow) != 0 ? now : (ulong)access);
        if ((what & ModificationBoth) != 0)
            modificationTime = WasiTime.At((what & TimeFlags.ModificationNow) != 0 ? now : (ulong)modification);
        return WasiErrno.Success;
    }

    private static WasiErrno Advise(in WasiCall call, int fd, long offset, long length, int advice)
    {
        const int LastAdvice = 5;
        WasiErrno errno = call.Context.Descriptors.GetFile(fd, WasiRights.Advise, out _);
        if (errno != WasiErrno.Success)
            return errno;
        // Advice is free to be ignored.
        return (uint)advice > LastAdvice || offset < 0 || length < 0 ? WasiErrno.Invalid : WasiErrno.Success;
    }

    private static WasiErrno Allocate(in WasiCall call, int fd, long offset, long length)
    {
        WasiErrno errno = call.Context.Descriptors.GetFile(fd, WasiRights.Allocate, out FileDescriptor file);
        if (errno != WasiErrno.Success)
            return errno;
        if (offset < 0 || length <= 0)
            return WasiErrno.Invalid;
        return length > long.MaxValue - offset ? WasiErrno.FileTooBig : file.File.Allocate((ulong)offset, (ulong)length);
    }

    private static ValueTask<WasiErrno> Sync(WasiCall call, int fd, WasiRights needed, bool dataOnly)
    {
        WasiErrno errno = call.Context.Descriptors.Get(fd, needed, out Descriptor descriptor);
        return errno == WasiErrno.Success ? descriptor.SyncAsync(dataOnly, call.CancellationToken) : ValueTask.FromResult(errno);
    }

    // fdstat: type 0, flags 2, rights 8, inheriting rights 16.
    private static WasiErrno GetStatus(in WasiCall call, int fd, int result)
    {
        const int StatusSize = 24;
        if (!call.Context.Descriptors.TryGet(fd, out Descriptor? descriptor))
            return WasiErrno.BadDescriptor;
        Span<byte> span = stackalloc byte[StatusSize];
        span.Clear();
        span[0] = (byte)descriptor.FileType;
        BinaryPrimitives.WriteUInt16LittleEndian(span[2..], (ushort)descriptor.Flags);
        BinaryPrimitives.WriteUInt64LittleEndian(span[8..], (ulong)descriptor.Rights);
        BinaryPrimitives.WriteUInt64LittleEndian(span[16..], (ulong)descriptor.Inheriting);
        return call.TryCopyIn((uint)result, span) ? WasiErrno.Success : WasiErrno.Fault;
    }

    private static WasiErrno SetFlags(in WasiCall call, int fd, int flags)
    {
        WasiErrno errno = call.Context.Descriptors.Get(fd, WasiRights.SetFlags, out Descriptor descriptor);
        if (errno != WasiErrno.Success)
            return errno;
        if ((flags & ~(int)DescriptorFlags.All) != 0)
            return WasiErrno.Invalid;
        descriptor.Flags = (DescriptorFlags)flags;
        return WasiErrno.Success;
    }

    private static WasiErrno SetRights(in WasiCall call, int fd, long rights, long inheriting)
    {
        if (!call.Context.Descriptors.TryGet(fd, out Descriptor? descriptor))
            return WasiErrno.BadDescriptor;
        // Rights can be given up, never taken.
        if (((WasiRights)rights & ~descriptor.Rights) != 0 || ((WasiRights)inheriting & ~descriptor.Inheriting) != 0)
            return WasiErrno.NotCapable;
        descriptor.Rights = (WasiRights)rights;
        descriptor.Inheriting = (WasiRights)inheriting;
        return WasiErrno.Success;
    }

    private static WasiErrno GetStat(in WasiCall call, int fd, int result)
    {
        WasiErrno errno = call.Context.Descriptors.Get(fd, WasiRights.GetStat, out Descriptor descriptor);
        if (errno == WasiErrno.Success)
            errno = descriptor.GetStat(out WasiFileStat stat) is WasiErrno failed and not WasiErrno.Success ? failed : WriteStat(call, result, stat);
        return errno;
    }

    private static WasiErrno SetSize(in WasiCall call, int fd, long size)
    {
        WasiErrno errno = call.Context.Descriptors.GetFile(fd, WasiRights.SetSize, out FileDescriptor file);
        if (errno != WasiErrno.Success)
            return errno;
        return size < 0 ? WasiErrno.Invalid : file.File.SetSize((ulong)size);
    }

    private static WasiErrno SetTimes(in WasiCall call, int fd, long access, long modification, int flags)
    {
        WasiErrno errno = call.Context.Descriptors.Get(fd, WasiRights.SetTimes, out Descriptor descriptor);
        if (errno == WasiErrno.Success)
            errno = ReadTimes(call, access, modification, flags, out WasiTime accessTime, out WasiTime modificationTime) is WasiErrno failed and not WasiErrno.Success
                ? failed
                : Node(descriptor)?.SetTimes(accessTime, modificationTime) ?? WasiErrno.BadDescriptor;
        return errno;
    }

    private static WasiNode? Node(Descriptor descriptor) => (descriptor as FileDescriptor)?.File ?? (WasiNode?)(descriptor as DirectoryDescriptor)?.Directory;

    // prestat: tag 0 (0 for a directory), length of the name 4.
    private static WasiErrno GetPreopen(in WasiCall call, int fd, int result)
    {
        const int PreopenSize = 8;
        if (!call.Context.Descriptors.TryGet(fd, out Descriptor? descriptor) || descriptor is not DirectoryDescriptor { PreopenName: byte[] name })
            return WasiErrno.BadDescriptor;
        Span<byte> span = stackalloc byte[PreopenSize];
        span.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(span[4..], name.Length);
        return call.TryCopyIn((uint)result, span) ? WasiErrno.Success : WasiErrno.Fault;
    }

    private static WasiErrno GetPreopenName(in WasiCall call, int fd, int buffer, int length)
    {
        if (!call.Context.Descriptors.TryGet(fd, out Descriptor? descriptor) || descriptor is not DirectoryDescriptor { PreopenName: byte[] name })
            return WasiErrno.BadDescriptor;
        if (name.Length > (uint)length)
            return WasiErrno.NameTooLong;
        return call.TryCopyIn((uint)buffer, name) ? WasiErrno.Success : WasiErrno.Fault;
    }

    private static WasiErrno ReadDirectory(in WasiCall call, int fd, int buffer, int length, long cookie, int result)
    {
        WasiErrno errno = call.Context.Descriptors.GetDirectory(fd, WasiRights.ReadDirectory, out DirectoryDescriptor directory);
        if (errno != WasiErrno.Success)
            return errno;
        if (!call.CanWrite(buffer, (uint)length) || !call.CanWrite(result, sizeof(uint)))
            return WasiErrno.Fault;
        if (cookie == 0 || directory.Listing is null)
        {
            errno = Listing(directory, out IReadOnlyList<WasiDirectoryEntry> listing);
            if (errno != WasiErrno.Success)
                return errno;
            // Made as a whole, whatever room the guest has for it.
            call.BeginPiece(listing.Count * ListingEntryCost);
            call.Context.Listings.Keep(directory, listing);
        }
        int filled = 0;
        for (ulong at = (ulong)cookie; at < (ulong)directory.Listing!.Count && filled < length; at++)
        {
            if ((int)at % EntriesOfPiece == 0)
                call.BeginPiece(0);
            filled += WriteEntry(call, (uint)buffer + (ulong)(uint)filled, length - filled, directory.Listing[(int)at], at + 1);
        }
        call.Charge(filled);
        return call.Write(result, (uint)filled);
    }

    private static WasiErrno Listing(DirectoryDescriptor directory, out IReadOnlyList<WasiDirectoryEntry> listing)
    {
        listing = [];
        WasiErrno errno = directory.Directory.GetStat(out WasiFileStat stat);
        if (errno == WasiErrno.Success)
            errno = directory.Directory.ReadEntries(out listing);
        // What lies above is nobody's business: ".." has the directory's own number, as a root has it.
        if (errno == WasiErrno.Success)
            listing = [new(".", stat.Inode, WasiFileType.Directory), new("..", stat.Inode, WasiFileType.Directory), .. listing];
        return errno;
    }

    // dirent: next cookie 0, inode 8, length of the name 16, type 20, 24 bytes; then the name. The last one is cut where the room ends: a guest that finds
    // its buffer full asks again from that entry's cookie.
    private static int WriteEntry(in WasiCall call, ulong address, int room, in WasiDirectoryEntry entry, ulong next)
    {
        const int HeaderSize = 24;
        Span<byte> header = stackalloc byte[HeaderSize];
        header.Clear();
        // An embedder's own file system may have names that stand for no bytes: they are listed as what a text without them says, and cannot be opened.
        byte[] name = WasiText.TryToBytes(entry.Name, out byte[]? bytes) ? bytes : Encoding.UTF8.GetBytes(entry.Name);
        BinaryPrimitives.WriteUInt64LittleEndian(header, next);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], entry.Inode);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], name.Length);
        header[20] = (byte)entry.FileType;
        int headerBytes = Math.Min(HeaderSize, room);
        call.TryCopyIn(address, header[..headerBytes]);
        int nameBytes = Math.Min(name.Length, room - headerBytes);
        call.TryCopyIn(address + (uint)headerBytes, name.AsSpan(0, nameBytes));
        return headerBytes + nameBytes;
    }

    private static WasiErrno Seek(in WasiCall call, int fd, long offset, int whence, int result)
    {
        const int FromStart = 0;
        const int FromPosition = 1;
        const int FromEnd = 2;
        // wasi_unstable counts from the position, the end, the start; preview 1 from the start, the position, the end.
        if (call.IsUnstable && whence is >= 0 and <= FromEnd)
            whence = (whence + 1) % 3;
        WasiRights needed = offset == 0 && whence == FromPosition ? WasiRights.Tell : WasiRights.Seek;
        WasiErrno errno = call.Context.Descriptors.GetFile(fd, needed, out FileDescriptor file);
        if (errno != WasiErrno.Success)
            return errno;
        if (!file.File.IsSeekable)
            return WasiErrno.IllegalSeek;
        if (!call.CanWrite(result, sizeof(ulong)))
            return WasiErrno.Fault;
        WasiFileStat stat = default;
        if (whence == FromEnd && file.File.GetStat(out stat) is WasiErrno failed and not WasiErrno.Success)
            return failed;
        ulong start;
        switch (whence)
        {
            case FromStart:
                start = 0;
                break;
            case FromPosition:
                start = file.Position;
                break;
            case FromEnd:
                start = stat.Size;
                break;
            default:
                return WasiErrno.Invalid;
        }
        Int128 target = (Int128)start + offset;
        if (target < 0)
            return WasiErrno.Invalid;
        if (target > long.MaxValue)
            return WasiErrno.Overflow;
        file.Position = (ulong)target;
        return call.Write(result, file.Position);
    }
}

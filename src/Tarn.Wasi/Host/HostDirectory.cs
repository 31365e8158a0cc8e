// A directory of the host as guests see it. Held open by an O_PATH descriptor, so that it stays the same directory whatever is renamed around it, and so
// that a directory that may be entered but not listed can be entered.
//
// Invariants the sandbox hangs on:
//   - every call is relative to the descriptor and takes one name without a slash that is neither "." nor ".." (PathWalk sees to it);
//   - opening uses O_NOFOLLOW, everything else acts on a symbolic link itself: no call here ever leaves the directory, whatever another process does meanwhile.
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Tarn.Wasi.Host;

[SupportedOSPlatform("linux")]
internal sealed unsafe class HostDirectory : WasiDirectory
{
    private const uint DirectoryMode = 0x1ff; // rwxrwxrwx, less the umask
    private const uint FileMode = 0x1b6; // rw-rw-rw-
    private int _descriptor;

    private HostDirectory(int descriptor) => _descriptor = descriptor;

    ~HostDirectory() => Dispose(false);

    private int Descriptor => _descriptor >= 0 ? _descriptor : throw new ObjectDisposedException(nameof(HostDirectory));

    /// <summary>Opens a path of the host. The embedder's path: symbolic links in it are followed.</summary>
    public static HostDirectory Open(string path)
    {
        FileSizeSignal.Take();
        int descriptor = KernelFileSystems.Refuse(Libc.OpenAt(Libc.AtCurrentDirectory, path, Libc.PathOnly | Libc.OnlyDirectory | Libc.CloseOnExec, 0));
        if (descriptor >= 0)
            return new HostDirectory(descriptor);
        WasiErrno errno = LinuxErrno.Last();
        throw errno switch
        {
            WasiErrno.NoEntry => new DirectoryNotFoundException($"There is no directory {WasiText.Display(path)}."),
            WasiErrno.NotDirectory => new IOException($"{WasiText.Display(path)} is not a directory."),
            WasiErrno.AccessDenied or WasiErrno.NotPermitted => new UnauthorizedAccessException($"The directory {WasiText.Display(path)} may not be opened."),
            _ => new IOException($"The directory {WasiText.Display(path)} cannot be opened: {errno}."),
        };
    }

    /// <summary>The process's current directory, in all its bytes.</summary>
    public static string Current()
    {
        const int LongestPath = 4096;
        byte* buffer = stackalloc byte[LongestPath];
        return Libc.GetCurrentDirectory(buffer, LongestPath) is not null
            ? WasiText.FromBytes(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(buffer))
            : Environment.CurrentDirectory;
    }

    public override bool AcceptsAnyBytes => true;

    public override WasiErrno GetStat(out WasiFileStat stat) => Stat(Descriptor, "", Libc.AtEmptyPath, out stat);

    public override WasiErrno GetStat(string name, out WasiFileStat stat) => Stat(Descriptor, name, Libc.AtSymlinkNoFollow, out stat);

    public override WasiErrno OpenDirectory(string name, out WasiDirectory? directory) => OpenPath(name, out directory);

    public override WasiErrno Reopen(out WasiDirectory? directory) => OpenPath(".", out directory);

    public override WasiErrno OpenFile(string name, WasiOpenFlags flags, out WasiFile? file)
    {
        file = null;
        // Never blocks on a FIFO, never becomes somebody's terminal.
        int how = Libc.NoFollow | Libc.CloseOnExec | Libc.NoControllingTerminal | Libc.NonBlocking;
        how |= (flags & (WasiOpenFlags.Read | WasiOpenFlags.Write)) switch
        {
            WasiOpenFlags.Write => Libc.WriteOnly,
            WasiOpenFlags.Read | WasiOpenFlags.Write => Libc.ReadWrite,
            _ => (flags & WasiOpenFlags.Truncate) != 0 ? Libc.ReadWrite : Libc.ReadOnly,
        };
        if ((flags & WasiOpenFlags.Create) != 0)
            how |= Libc.Create;
        if ((flags & WasiOpenFlags.Exclusive) != 0)
            how |= Libc.Exclusive;
        if ((flags & WasiOpenFlags.Truncate) != 0)
            how |= Libc.Truncate;
        int opened = OpenAt(name, how);
        if (opened < 0)
            return LinuxErrno.Last();
        WasiErrno errno = Stat(opened, "", Libc.AtEmptyPath, out WasiFileStat stat);
        if (errno == WasiErrno.Success && stat.FileType == WasiFileType.Directory)
            errno = WasiErrno.IsDirectory;
        if (errno != WasiErrno.Success)
        {
            _ = Libc.Close(opened);
            return errno;
        }
        file = new HostFile(opened, stat.FileType);
        return WasiErrno.Success;
    }

    public override WasiErrno ReadEntries(out IReadOnlyList<WasiDirectoryEntry> entries)
    {
        entries = [];
        int listing = OpenAt(".", Libc.ReadOnly | Libc.OnlyDirectory | Libc.CloseOnExec);
        if (listing < 0)
            return LinuxErrno.Last();
        try
        {
            return List(listing, out entries);
        }
        finally
        {
            _ = Libc.Close(listing);
        }
    }

    public override WasiErrno ReadLink(string name, out string target)
    {
        const int LongestPath = 4096;
        byte* buffer = stackalloc byte[LongestPath];
        nint length = Libc.ReadLinkAt(Descriptor, name, buffer, LongestPath);
        target = length < 0 ? "" : WasiText.FromBytes(new ReadOnlySpan<byte>(buffer, (int)length));
        return length < 0 ? LinuxErrno.Last() : WasiErrno.Success;
    }

    public override WasiErrno CreateDirectory(string name) => LinuxErrno.Of(Libc.MakeDirectoryAt(Descriptor, name, DirectoryMode));

    public override WasiErrno RemoveDirectory(string name) => LinuxErrno.Of(Libc.UnlinkAt(Descriptor, name, Libc.AtRemoveDirectory));

    public override WasiErrno UnlinkFile(string name) => LinuxErrno.Of(Libc.UnlinkAt(Descriptor, name, 0));

    public override WasiErrno CreateSymbolicLink(string name, string target) => LinuxErrno.Of(Libc.SymbolicLinkAt(target, Descriptor, name));

    public override WasiErrno CreateHardLink(string name, WasiDirectory targetDirectory, string targetName) =>
        targetDirectory is HostDirectory other ? LinuxErrno.Of(Libc.LinkAt(Descriptor, name, other.Descriptor, targetName, 0)) : WasiErrno.CrossDevice;

    public override WasiErrno Rename(string name, WasiDirectory targetDirectory, string targetName) =>
        targetDirectory is HostDirectory other ? LinuxErrno.Of(Libc.RenameAt(Descriptor, name, other.Descriptor, targetName)) : WasiErrno.CrossDevice;

    public override WasiErrno SetTimes(WasiTime access, WasiTime modification) => SetTimesAt(".", access, modification);

    public override WasiErrno SetTimes(string name, WasiTime access, WasiTime modification) => SetTimesAt(name, access, modification);

    public override WasiErrno Sync(bool dataOnly)
    {
        int directory = OpenAt(".", Libc.ReadOnly | Libc.OnlyDirectory | Libc.CloseOnExec);
        if (directory < 0)
            return LinuxErrno.Last();
        WasiErrno errno = LinuxErrno.Of(dataOnly ? Libc.SyncData(directory) : Libc.Sync(directory));
        _ = Libc.Close(directory);
        return errno;
    }

    protected override void Dispose(bool disposing)
    {
        int descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0)
            _ = Libc.Close(descriptor);
        base.Dispose(disposing);
    }

    private static WasiErrno Stat(int descriptor, string name, int flags, out WasiFileStat stat)
    {
        StatxBuffer buffer;
        int result = Libc.StatX(descriptor, name, flags, Libc.StatxBasicStats, &buffer);
        stat = result < 0 ? default : buffer.ToStat();
        return LinuxErrno.Of(result);
    }

    private static WasiErrno List(int listing, out IReadOnlyList<WasiDirectoryEntry> entries)
    {
        const int BufferSize = 32 << 10;
        var found = new List<WasiDirectoryEntry>();
        entries = found;
        byte[] buffer = new byte[BufferSize];
        fixed (byte* start = buffer)
        {
            while (true)
            {
                nint filled = Libc.ReadDirectory(listing, start, BufferSize);
                if (filled < 0)
                    return LinuxErrno.Last();
                if (filled == 0)
                    return WasiErrno.Success;
                // struct linux_dirent64: inode at 0, offset at 8, record length at 16, type at 18, name from 19 on, ended by a zero byte.
                for (byte* record = start; record < start + filled; record += *(ushort*)(record + 16))
                {
                    ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(record + 19);
                    if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                        found.Add(new WasiDirectoryEntry(WasiText.FromBytes(name), *(ulong*)record, FileType(record[18])));
                }
            }
        }
    }

    private static WasiFileType FileType(byte type) => type switch
    {
        2 => WasiFileType.CharacterDevice,
        4 => WasiFileType.Directory,
        6 => WasiFileType.BlockDevice,
        8 => WasiFileType.RegularFile,
        10 => WasiFileType.SymbolicLink,
        12 => WasiFileType.StreamSocket,
        _ => WasiFileType.Unknown,
    };

    private WasiErrno OpenPath(string name, out WasiDirectory? directory)
    {
        int opened = OpenAt(name, Libc.PathOnly | Libc.OnlyDirectory | Libc.NoFollow | Libc.CloseOnExec);
        directory = opened < 0 ? null : new HostDirectory(opened);
        return opened < 0 ? LinuxErrno.Last() : WasiErrno.Success;
    }

    private int OpenAt(string name, int flags)
    {
        while (true)
        {
            int opened = Libc.OpenAt(Descriptor, name, flags, FileMode);
            if (opened >= 0 || Marshal.GetLastPInvokeError() != LinuxErrno.Interrupted)
                return KernelFileSystems.Refuse(opened);
        }
    }

    private WasiErrno SetTimesAt(string name, WasiTime access, WasiTime modification)
    {
        TimeSpecification* times = stackalloc TimeSpecification[2];
        times[0] = TimeSpecification.From(access);
        times[1] = TimeSpecification.From(modification);
        return LinuxErrno.Of(Libc.SetTimesAt(Descriptor, name, times, Libc.AtSymlinkNoFollow));
    }
}

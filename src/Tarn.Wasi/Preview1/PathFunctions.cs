// path_*: what is done with names. Every function walks to the directory that holds the last component (PathWalk) and acts on that component there,
// following no link; where a link is to be followed the walk goes on, and the act is tried again.
using Tarn.Wasi.Descriptors;

namespace Tarn.Wasi.Preview1;

internal static class PathFunctions
{
    private const int FollowFlag = 1;

    // More than one walk over a directory in which others keep exchanging links for files and back is nobody's honest work.
    private const int MostRetries = 16;

    public static void DefineIn(Binder binder)
    {
        binder.Define<int, int, int>("path_create_directory", (in WasiCall call, int fd, int path, int length) =>
            OnName(call, fd, path, length, WasiRights.CreateDirectory, WasiErrno.Exists, static (walk, name) => walk.Directory.CreateDirectory(name)));
        binder.Define<int, int, int>("path_remove_directory", (in WasiCall call, int fd, int path, int length) =>
            OnName(call, fd, path, length, WasiRights.RemoveDirectory, null, static (walk, name) => walk.Directory.RemoveDirectory(name)));
        binder.Define<int, int, int>("path_unlink_file", (in WasiCall call, int fd, int path, int length) =>
            OnName(call, fd, path, length, WasiRights.UnlinkFile, WasiErrno.IsDirectory, Unlink));
        binder.Define<int, int, int, int, int>("path_filestat_get", GetStat);
        binder.Define<int, int, int, int, long, long, int>("path_filestat_set_times", SetTimes);
        binder.Define<int, int, int, int, int, int, int>("path_link", Link);
        binder.Define<int, int, int, int, int, long, long, int, int>("path_open", Open);
        binder.Define<int, int, int, int, int, int>("path_readlink", ReadLink);
        binder.Define<int, int, int, int, int, int>("path_rename", Rename);
        binder.Define<int, int, int, int, int>("path_symlink", SymbolicLink);
    }

    // A file's name with a slash behind it is not the file's name.
    private static WasiErrno Unlink(PathWalk walk, string name)
    {
        if (!walk.MustBeDirectory)
            return walk.Directory.UnlinkFile(name);
        WasiErrno errno = walk.Directory.GetStat(name, out WasiFileStat stat);
        return errno != WasiErrno.Success ? errno : stat.FileType == WasiFileType.Directory ? WasiErrno.IsDirectory : WasiErrno.NotDirectory;
    }

    // Whether what a slash stands behind is a directory.
    private static WasiErrno CheckSlash(PathWalk walk)
    {
        if (!walk.MustBeDirectory || walk.Name is not string name)
            return WasiErrno.Success;
        WasiErrno errno = walk.Directory.GetStat(name, out WasiFileStat stat);
        return errno != WasiErrno.Success ? errno : stat.FileType == WasiFileType.Directory ? WasiErrno.Success : WasiErrno.NotDirectory;
    }

    // A slash behind the name of what is to be made, and is no directory: as Linux has it, the name is there already or such a directory is not.
    private static WasiErrno SlashBehindNew(PathWalk walk, string name)
    {
        WasiErrno errno = walk.Directory.GetStat(name, out _);
        return errno == WasiErrno.Success ? WasiErrno.Exists : errno;
    }

    private static WasiErrno OnName(
        in WasiCall call, int fd, int path, int length, WasiRights needed, WasiErrno? ifNoName, Func<PathWalk, string, WasiErrno> act)
    {
        WasiErrno errno = Begin(call, fd, path, length, needed, out PathWalk? walk, out _);
        if (errno != WasiErrno.Success)
            return errno;
        using (walk)
            return walk!.Name is string name ? act(walk, name) : ifNoName ?? (walk.EndsAbove ? WasiErrno.NotEmpty : WasiErrno.Invalid);
    }

    // The directory behind a descriptor and the walk to the last component of a path.
    private static WasiErrno Begin(in WasiCall call, int fd, int path, int length, WasiRights needed, out PathWalk? walk, out DirectoryDescriptor directory)
    {
        walk = null;
        WasiErrno errno = call.Context.Descriptors.GetDirectory(fd, needed, out directory);
        if (errno != WasiErrno.Success)
            return errno;
        errno = call.ReadText(path, length, out string text);
        if (errno != WasiErrno.Success)
            return errno;
        walk = new PathWalk(directory.Directory, call);
        errno = walk.To(text);
        if (errno != WasiErrno.Success)
            walk.Dispose();
        return errno;
    }

    private static WasiErrno GetStat(in WasiCall call, int fd, int flags, int path, int length, int result)
    {
        WasiErrno errno = Begin(call, fd, path, length, WasiRights.PathGetStat, out PathWalk? walk, out _);
        if (errno != WasiErrno.Success)
            return errno;
        using (walk)
        {
            bool follow = (flags & FollowFlag) != 0;
            while (true)
            {
                WasiFileStat stat;
                errno = walk!.Name is string name ? walk.Directory.GetStat(name, out stat) : walk.Directory.GetStat(out stat);
                if (errno != WasiErrno.Success)
                    return errno;
                if (stat.FileType == WasiFileType.SymbolicLink && (follow || walk.MustBeDirectory))
                {
                    errno = walk.Follow();
                    if (errno != WasiErrno.Success)
                        return errno;
                    continue;
                }
                return walk.MustBeDirectory && stat.FileType != WasiFileType.Directory
                    ? WasiErrno.NotDirectory
                    : DescriptorFunctions.WriteStat(call, result, stat);
            }
        }
    }

    private static WasiErrno SetTimes(in WasiCall call, int fd, int lookup, int path, int length, long access, long modification, int flags)
    {
        WasiErrno errno = DescriptorFunctions.ReadTimes(call, access, modification, flags, out WasiTime accessTime, out WasiTime modificationTime);
        if (errno != WasiErrno.Success)
            return errno;
        errno = Begin(call, fd, path, length, WasiRights.PathSetTimes, out PathWalk? walk, out _);
        if (errno != WasiErrno.Success)
            return errno;
        using (walk)
        {
            if ((lookup & FollowFlag) != 0 || walk!.MustBeDirectory)
                errno = walk!.FollowAll();
            if (errno == WasiErrno.Success)
                errno = CheckSlash(walk!);
            if (errno != WasiErrno.Success)
                return errno;
            return walk!.Name is string name ? walk.Directory.SetTimes(name, accessTime, modificationTime) : walk.Directory.SetTimes(accessTime, modificationTime);
        }
    }

    private static WasiErrno Link(in WasiCall call, int fromFd, int lookup, int from, int fromLength, int toFd, int to, int toLength)
    {
        WasiErrno errno = Begin(call, fromFd, from, fromLength, WasiRights.LinkSource, out PathWalk? source, out DirectoryDescriptor fromDirectory);
        if (errno != WasiErrno.Success)
            return errno;
        using (source)
        {
            if ((lookup & FollowFlag) != 0 || source!.MustBeDirectory)
                errno = source!.FollowAll();
            // In the order in which the kernel finds fault: the source, the target, that a directory has one name only.
            WasiFileStat stat = default;
            if (errno == WasiErrno.Success)
                errno = source!.Name is string name ? source.Directory.GetStat(name, out stat) : source.Directory.GetStat(out stat);
            if (errno != WasiErrno.Success)
                return errno;
            bool isDirectory = stat.FileType == WasiFileType.Directory;
            if (source!.MustBeDirectory && !isDirectory)
                return WasiErrno.NotDirectory;
            errno = Begin(call, toFd, to, toLength, WasiRights.LinkTarget, out PathWalk? target, out DirectoryDescriptor toDirectory);
            if (errno != WasiErrno.Success)
                return errno;
            using (target)
            {
                if (target!.Name is null)
                    return WasiErrno.Exists;
                if (target.MustBeDirectory || isDirectory)
                {
                    errno = target.Directory.GetStat(target.Name, out _);
                    return errno switch
                    {
                        WasiErrno.Success => WasiErrno.Exists,
                        WasiErrno.NoEntry when !target.MustBeDirectory => WasiErrno.NotPermitted,
                        _ => errno,
                    };
                }
                // A second name would carry a file to where more may be done with it.
                if ((toDirectory.Inheriting & ~fromDirectory.Inheriting) != 0)
                    return WasiErrno.NotCapable;
                return source.Directory.CreateHardLink(source.Name!, target.Directory, target.Name);
            }
        }
    }

    private static WasiErrno Rename(in WasiCall call, int fromFd, int from, int fromLength, int toFd, int to, int toLength)
    {
        WasiErrno errno = Begin(call, fromFd, from, fromLength, WasiRights.RenameSource, out PathWalk? source, out DirectoryDescriptor fromDirectory);
        if (errno != WasiErrno.Success)
            return errno;
        using (source)
        {
            errno = Begin(call, toFd, to, toLength, WasiRights.RenameTarget, out PathWalk? target, out DirectoryDescriptor toDirectory);
            if (errno != WasiErrno.Success)
                return errno;
            using (target)
            {
                if (source!.Name is null || target!.Name is null)
                    return WasiErrno.Busy;
                if (source.MustBeDirectory || target.MustBeDirectory)
                {
                    errno = source.Directory.GetStat(source.Name, out WasiFileStat stat);
                    if (errno != WasiErrno.Success)
                        return errno;
                    if (stat.FileType != WasiFileType.Directory)
                        return WasiErrno.NotDirectory;
                }
                if ((toDirectory.Inheriting & ~fromDirectory.Inheriting) != 0)
                    return WasiErrno.NotCapable;
                return source.Directory.Rename(source.Name, target.Directory, target.Name);
            }
        }
    }

    private static WasiErrno SymbolicLink(in WasiCall call, int target, int targetLength, int fd, int path, int length)
    {
        WasiErrno errno = call.ReadText(target, targetLength, out string text);
        if (errno != WasiErrno.Success)
            return errno;
        // Guests would not get through it, but a program of the host's that works in the directory might be led astray.
        if (text.StartsWith('/'))
            return WasiErrno.NotCapable;
        if (text.Length == 0)
            return WasiErrno.NoEntry;
        errno = Begin(call, fd, path, length, WasiRights.SymbolicLink, out PathWalk? walk, out _);
        if (errno != WasiErrno.Success)
            return errno;
        using (walk)
        {
            if (walk!.Name is null)
                return WasiErrno.Exists;
            if (!walk.Directory.AcceptsAnyBytes && !WasiText.IsUnicode(text))
                return WasiErrno.IllegalSequence;
            return walk.MustBeDirectory ? SlashBehindNew(walk, walk.Name) : walk.Directory.CreateSymbolicLink(walk.Name, text);
        }
    }

    private static WasiErrno ReadLink(in WasiCall call, int fd, int path, int length, int buffer, int room, int result)
    {
        WasiErrno errno = Begin(call, fd, path, length, WasiRights.ReadLink, out PathWalk? walk, out _);
        if (errno != WasiErrno.Success)
            return errno;
        using (walk)
        {
            if (walk!.Name is null)
                return WasiErrno.Invalid;
            errno = walk.Directory.ReadLink(walk.Name, out string target);
            if (errno != WasiErrno.Success)
                return errno;
            if (walk.MustBeDirectory)
                return WasiErrno.NotDirectory;
            if (!call.TrySpan((uint)buffer, (uint)room, out Span<byte> destination))
                return WasiErrno.Fault;
            if (!WasiText.TryToBytes(target, out byte[]? bytes))
                return WasiErrno.IllegalSequence;
            int count = Math.Min(bytes.Length, destination.Length);
            bytes.AsSpan(0, count).CopyTo(destination);
            return call.Write(result, (uint)count);
        }
    }

    private static WasiErrno Open(
        in WasiCall call, int fd, int lookup, int path, int length, int openFlags, long rights, long inheriting, int flags, int result)
    {
        const WasiOpenFlags KnownFlags = WasiOpenFlags.Create | WasiOpenFlags.Directory | WasiOpenFlags.Exclusive | WasiOpenFlags.Truncate;
        var how = (WasiOpenFlags)openFlags;
        if ((how & ~KnownFlags) != 0 || (flags & ~(int)DescriptorFlags.All) != 0)
            return WasiErrno.Invalid;
        // Opening makes files only.
        if ((how & (WasiOpenFlags.Create | WasiOpenFlags.Directory)) == (WasiOpenFlags.Create | WasiOpenFlags.Directory))
            return WasiErrno.Invalid;
        if ((how & WasiOpenFlags.Create) == 0)
            how &= ~WasiOpenFlags.Exclusive;
        if (!call.CanWrite(result, sizeof(uint)))
            return WasiErrno.Fault;
        WasiRights needed = WasiRights.OpenPath;
        // In a directory for reading only it depends on what is there already whether something would be changed.
        if (!(call.Context.Descriptors.TryGet(fd, out Descriptor? opened) && opened is DirectoryDescriptor { IsReadOnly: true }))
        {
            if ((how & WasiOpenFlags.Create) != 0)
                needed |= WasiRights.CreateFile;
            if ((how & WasiOpenFlags.Truncate) != 0)
                needed |= WasiRights.PathSetSize;
        }
        WasiErrno errno = Begin(call, fd, path, length, needed, out PathWalk? walk, out DirectoryDescriptor directory);
        if (errno != WasiErrno.Success)
            return errno;
        using (walk)
        {
            if (!call.Context.Descriptors.HasRoom())
                return WasiErrno.TooManyDescriptors;
            // Toolchains ask for all the rights they know; what the directory does not pass on is not granted, and missed when it is used. Only who asks to write is told at once:
            // programs try, and open for reading if they may not.
            var asked = (WasiRights)rights;
            WasiErrno? refusal = null;
            if ((directory.Inheriting & WasiRights.Write) == 0)
            {
                // No mode that writes goes with a directory, and some ask for all else of one.
                WasiRights asking = (how & WasiOpenFlags.Directory) != 0 ? WasiRights.Write : WasiRights.Write | WasiRights.SyncData;
                if ((asked & asking) != 0)
                {
                    asked |= WasiRights.Write;
                    refusal = directory.IsReadOnly ? WasiErrno.ReadOnlyFileSystem : WasiErrno.NotCapable;
                }
                asked &= ~WasiRights.SyncData;
            }
            if (directory.IsReadOnly && (how & WasiOpenFlags.Truncate) != 0)
                refusal = WasiErrno.ReadOnlyFileSystem;
            WasiRights granted = asked & directory.Inheriting;
            WasiRights passedOn = (WasiRights)inheriting & directory.Inheriting;
            errno = OpenNode(walk!, (lookup & FollowFlag) != 0, how, asked, granted, refusal, directory.IsReadOnly, out WasiNode? node);
            if (errno != WasiErrno.Success)
                return errno;
            Descriptor descriptor = node is WasiFile file
                ? new FileDescriptor(file, granted & FileDescriptor.AllRights, passedOn)
                : new DirectoryDescriptor((WasiDirectory)node!, granted & DirectoryDescriptor.AllRights, passedOn, directory.IsReadOnly);
            descriptor.Flags = (DescriptorFlags)flags;
            errno = call.Context.Descriptors.Add(descriptor, out int number);
            if (errno == WasiErrno.Success)
                return call.Write(result, (uint)number);
            descriptor.Dispose();
            return errno;
        }
    }

    private static WasiErrno OpenNode(PathWalk walk, bool follow, WasiOpenFlags how, WasiRights asked, WasiRights granted, WasiErrno? refusal, bool isReadOnly, out WasiNode? node)
    {
        const WasiRights Writing = WasiRights.Write | WasiRights.Allocate | WasiRights.SetSize;
        const WasiRights Reading = WasiRights.Read;
        node = null;
        WasiOpenFlags fileFlags = how & ~WasiOpenFlags.Directory;
        if ((granted & Reading) != 0)
            fileFlags |= WasiOpenFlags.Read;
        if ((granted & Writing) != 0)
            fileFlags |= WasiOpenFlags.Write;
        for (int attempt = 0; attempt < MostRetries + 40; attempt++)
        {
            bool wantsDirectory = (how & WasiOpenFlags.Directory) != 0 || walk.MustBeDirectory;
            WasiErrno errno = WasiErrno.Success;
            if (walk.Name is not string name)
            {
                if ((how & WasiOpenFlags.Exclusive) != 0)
                    return WasiErrno.Exists;
                errno = CheckDirectory(how, asked);
                if (errno != WasiErrno.Success)
                    return errno;
                errno = walk.Directory.Reopen(out WasiDirectory? again);
                node = again;
                return errno == WasiErrno.Success && again is null ? WasiErrno.InputOutput : errno;
            }
            if (wantsDirectory)
            {
                if ((how & WasiOpenFlags.Create) != 0)
                    return WasiErrno.IsDirectory;
            }
            else
            {
                WasiFile? file = null;
                errno = refusal is not null || (isReadOnly && (how & WasiOpenFlags.Create) != 0)
                    ? OpenUnchanged(walk.Directory, name, how, fileFlags, refusal, out file)
                    : walk.Directory.OpenFile(name, fileFlags, out file);
                node = file;
                wantsDirectory = errno == WasiErrno.IsDirectory;
            }
            if (wantsDirectory)
            {
                errno = walk.Directory.OpenDirectory(name, out WasiDirectory? opened);
                node = opened;
                if (errno == WasiErrno.Success && CheckDirectory(how, asked) is WasiErrno refused and not WasiErrno.Success)
                {
                    opened?.Dispose();
                    return refused;
                }
                // What is in the way may be a link; a file is not a directory.
                if (errno == WasiErrno.NotDirectory && walk.Directory.GetStat(name, out WasiFileStat stat) == WasiErrno.Success
                    && stat.FileType == WasiFileType.SymbolicLink)
                {
                    errno = WasiErrno.Loop;
                }
            }
            // An embedder's own file system may say success and give nothing.
            if (errno == WasiErrno.Success && node is null)
                return WasiErrno.InputOutput;
            bool exclusive = (how & WasiOpenFlags.Exclusive) != 0;
            if (errno != WasiErrno.Loop || exclusive || !(follow || walk.MustBeDirectory))
                return errno == WasiErrno.Loop && wantsDirectory ? WasiErrno.NotDirectory : errno;
            errno = walk.Follow();
            // It was a link a moment ago: look again.
            if (errno is not (WasiErrno.Success or WasiErrno.Invalid))
                return errno;
        }
        return WasiErrno.Loop;
    }

    // What the kernel says of opening on a file system that is mounted for reading only, or for less than is asked: what is there comes first, then that it may not be changed.
    private static WasiErrno OpenUnchanged(WasiDirectory directory, string name, WasiOpenFlags how, WasiOpenFlags fileFlags, WasiErrno? refusal, out WasiFile? file)
    {
        file = null;
        WasiErrno errno = directory.GetStat(name, out WasiFileStat stat);
        if (errno == WasiErrno.NoEntry && (how & WasiOpenFlags.Create) != 0)
            return refusal ?? WasiErrno.ReadOnlyFileSystem;
        if (errno != WasiErrno.Success)
            return errno;
        if ((how & WasiOpenFlags.Exclusive) != 0)
            return WasiErrno.Exists;
        return stat.FileType switch
        {
            WasiFileType.SymbolicLink => WasiErrno.Loop,
            WasiFileType.Directory => WasiErrno.IsDirectory,
            _ => refusal ?? directory.OpenFile(name, fileFlags & ~WasiOpenFlags.Create, out file),
        };
    }

    // A directory can be neither made nor written by opening it.
    private static WasiErrno CheckDirectory(WasiOpenFlags how, WasiRights asked) =>
        (how & (WasiOpenFlags.Create | WasiOpenFlags.Truncate)) != 0 || (asked & WasiRights.Write) != 0 ? WasiErrno.IsDirectory : WasiErrno.Success;
}

// What is done with names in directories, for both previews of WASI. Every operation walks to the directory that holds the last component (PathWalk) and acts on that component there,
// following no link; where a link is to be followed the walk continues, and the act is tried again. Rights are checked where the directory is found (DescriptorTable); what is opened here
// never has more than its directory passes on.
using Tarn.Wasi.Descriptors;
using Tarn.Wasi.Preview1;

namespace Tarn.Wasi;

/// <summary>Operations on paths.</summary>
internal static class PathOperations
{
    // More than one walk over a directory in which others keep exchanging links for files and back is nobody's honest work.
    private const int MostRetries = 16;

    /// <summary>Begins a walk to the last component of a path.</summary>
    public static WasiErrno Begin(in WasiCall call, DirectoryDescriptor directory, string path, out PathWalk? walk)
    {
        walk = new PathWalk(directory.Directory, call);
        WasiErrno errno = walk.To(path);
        if (errno != WasiErrno.Success)
            walk.Dispose();
        return errno;
    }

    /// <summary>Makes a directory.</summary>
    public static WasiErrno CreateDirectory(in WasiCall call, DirectoryDescriptor directory, string path) =>
        OnName(call, directory, path, WasiErrno.Exists, static (walk, name) => walk.Directory.CreateDirectory(name));

    /// <summary>Removes an empty directory.</summary>
    public static WasiErrno RemoveDirectory(in WasiCall call, DirectoryDescriptor directory, string path) =>
        OnName(call, directory, path, null, static (walk, name) => walk.Directory.RemoveDirectory(name));

    /// <summary>Removes a name that is not a directory's.</summary>
    public static WasiErrno UnlinkFile(in WasiCall call, DirectoryDescriptor directory, string path) =>
        OnName(call, directory, path, WasiErrno.IsDirectory, Unlink);

    /// <summary>The attributes of what a path names.</summary>
    public static WasiErrno GetStat(in WasiCall call, DirectoryDescriptor directory, string path, bool follow, out WasiFileStat stat)
    {
        stat = default;
        WasiErrno errno = Begin(call, directory, path, out PathWalk? walk);
        if (errno != WasiErrno.Success)
            return errno;
        using (walk)
        {
            while (true)
            {
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
                return walk.MustBeDirectory && stat.FileType != WasiFileType.Directory ? WasiErrno.NotDirectory : WasiErrno.Success;
            }
        }
    }

    /// <summary>Sets the time stamps of what a path names.</summary>
    public static WasiErrno SetTimes(in WasiCall call, DirectoryDescriptor directory, string path, bool follow, WasiTime access, WasiTime modification)
    {
        WasiErrno errno = Begin(call, directory, path, out PathWalk? walk);
        if (errno != WasiErrno.Success)
            return errno;
        using (walk)
        {
            if (follow || walk!.MustBeDirectory)
                errno = walk!.FollowAll();
            if (errno == WasiErrno.Success)
                errno = CheckSlash(walk!);
            if (errno != WasiErrno.Success)
                return errno;
            return walk!.Name is string name ? walk.Directory.SetTimes(name, access, modification) : walk.Directory.SetTimes(access, modification);
        }
    }

    /// <summary>Finds what a hard link is to lead to. In the order in which the kernel finds fault: the source, the target, that a directory has one name only.</summary>
    public static WasiErrno FindLinkSource(in WasiCall call, DirectoryDescriptor directory, string path, bool follow, out PathWalk? source, out bool isDirectory)
    {
        isDirectory = false;
        WasiErrno errno = Begin(call, directory, path, out source);
        if (errno != WasiErrno.Success)
            return errno;
        if (follow || source!.MustBeDirectory)
            errno = source!.FollowAll();
        WasiFileStat stat = default;
        if (errno == WasiErrno.Success)
            errno = source!.Name is string name ? source.Directory.GetStat(name, out stat) : source.Directory.GetStat(out stat);
        isDirectory = stat.FileType == WasiFileType.Directory;
        if (errno == WasiErrno.Success && source!.MustBeDirectory && !isDirectory)
            errno = WasiErrno.NotDirectory;
        if (errno != WasiErrno.Success)
            source!.Dispose();
        return errno;
    }

    /// <summary>Makes a hard link to what was found.</summary>
    public static WasiErrno Link(in WasiCall call, DirectoryDescriptor from, PathWalk source, bool isDirectory, DirectoryDescriptor to, string path)
    {
        WasiErrno errno = Begin(call, to, path, out PathWalk? target);
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
            if ((to.Inheriting & ~from.Inheriting) != 0)
                return WasiErrno.NotCapable;
            return source.Directory.CreateHardLink(source.Name!, target.Directory, target.Name);
        }
    }

    /// <summary>Moves what a walk has found.</summary>
    public static WasiErrno Rename(in WasiCall call, DirectoryDescriptor from, PathWalk source, DirectoryDescriptor to, string path)
    {
        WasiErrno errno = Begin(call, to, path, out PathWalk? target);
        if (errno != WasiErrno.Success)
            return errno;
        using (target)
        {
            if (source.Name is null || target!.Name is null)
                return WasiErrno.Busy;
            if (source.MustBeDirectory || target.MustBeDirectory)
            {
                errno = source.Directory.GetStat(source.Name, out WasiFileStat stat);
                if (errno != WasiErrno.Success)
                    return errno;
                if (stat.FileType != WasiFileType.Directory)
                    return WasiErrno.NotDirectory;
            }
            if ((to.Inheriting & ~from.Inheriting) != 0)
                return WasiErrno.NotCapable;
            return source.Directory.Rename(source.Name, target.Directory, target.Name);
        }
    }

    /// <summary>What a symbolic link may not say, whatever its name.</summary>
    public static WasiErrno CheckLinkTarget(string text)
    {
        // Guests would not get through it, but a program of the host's that works in the directory might be led astray.
        if (text.StartsWith('/'))
            return WasiErrno.NotCapable;
        return text.Length == 0 ? WasiErrno.NoEntry : WasiErrno.Success;
    }

    /// <summary>Makes a symbolic link.</summary>
    public static WasiErrno CreateSymbolicLink(in WasiCall call, DirectoryDescriptor directory, string path, string text)
    {
        WasiErrno errno = Begin(call, directory, path, out PathWalk? walk);
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

    /// <summary>What a symbolic link says.</summary>
    public static WasiErrno ReadLink(in WasiCall call, DirectoryDescriptor directory, string path, out string target)
    {
        target = "";
        WasiErrno errno = Begin(call, directory, path, out PathWalk? walk);
        if (errno != WasiErrno.Success)
            return errno;
        using (walk)
        {
            if (walk!.Name is null)
                return WasiErrno.Invalid;
            errno = walk.Directory.ReadLink(walk.Name, out target);
            return errno == WasiErrno.Success && walk.MustBeDirectory ? WasiErrno.NotDirectory : errno;
        }
    }

    /// <summary>The rights that a directory must have for something in it to be opened.</summary>
    public static WasiRights RightsToOpen(Descriptor? directory, WasiOpenFlags how)
    {
        WasiRights needed = WasiRights.OpenPath;
        // In a directory for reading only it depends on what is there already whether something would be changed.
        if (directory is DirectoryDescriptor { IsReadOnly: true })
            return needed;
        if ((how & WasiOpenFlags.Create) != 0)
            needed |= WasiRights.CreateFile;
        if ((how & WasiOpenFlags.Truncate) != 0)
            needed |= WasiRights.PathSetSize;
        return needed;
    }

    /// <summary>Whether flags go together.</summary>
    public static WasiErrno CheckFlags(ref WasiOpenFlags how)
    {
        // Opening makes files only.
        if ((how & (WasiOpenFlags.Create | WasiOpenFlags.Directory)) == (WasiOpenFlags.Create | WasiOpenFlags.Directory))
            return WasiErrno.Invalid;
        if ((how & WasiOpenFlags.Create) == 0)
            how &= ~WasiOpenFlags.Exclusive;
        return WasiErrno.Success;
    }

    /// <summary>Opens what a path names and adds it to the guest's descriptors.</summary>
    /// <param name="call">The call.</param>
    /// <param name="directory">Where the path begins; it has <see cref="RightsToOpen"/>.</param>
    /// <param name="path">The path.</param>
    /// <param name="follow">Whether a symbolic link at its end is followed.</param>
    /// <param name="how">How it is opened.</param>
    /// <param name="asked">What is to be done with it.</param>
    /// <param name="inheriting">What is to be done with what is opened through it.</param>
    /// <param name="flags">Its flags.</param>
    /// <param name="number">Its number.</param>
    public static WasiErrno Open(
        in WasiCall call, DirectoryDescriptor directory, string path, bool follow, WasiOpenFlags how, WasiRights asked, WasiRights inheriting, DescriptorFlags flags, out int number)
    {
        number = -1;
        WasiErrno errno = Begin(call, directory, path, out PathWalk? walk);
        if (errno != WasiErrno.Success)
            return errno;
        using (walk)
        {
            if (!call.Context.Descriptors.HasRoom())
                return WasiErrno.TooManyDescriptors;
            // Toolchains ask for all the rights they know; what the directory does not pass on is not granted, and missed when it is used. Only who asks to write is told at once:
            // programs try, and open for reading if they may not.
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
            WasiRights passedOn = inheriting & directory.Inheriting;
            errno = OpenNode(walk!, follow, how, asked, granted, refusal, directory.IsReadOnly, out WasiNode? node);
            if (errno != WasiErrno.Success)
                return errno;
            Descriptor descriptor = node is WasiFile file
                ? new FileDescriptor(file, granted & FileDescriptor.AllRights, passedOn)
                : new DirectoryDescriptor((WasiDirectory)node!, granted & DirectoryDescriptor.AllRights, passedOn, directory.IsReadOnly);
            descriptor.Flags = flags;
            errno = call.Context.Descriptors.Add(descriptor, out number);
            if (errno != WasiErrno.Success)
                descriptor.Dispose();
            return errno;
        }
    }

    private static WasiErrno OnName(in WasiCall call, DirectoryDescriptor directory, string path, WasiErrno? ifNoName, Func<PathWalk, string, WasiErrno> act)
    {
        WasiErrno errno = Begin(call, directory, path, out PathWalk? walk);
        if (errno != WasiErrno.Success)
            return errno;
        using (walk)
            return walk!.Name is string name ? act(walk, name) : ifNoName ?? (walk.EndsAbove ? WasiErrno.NotEmpty : WasiErrno.Invalid);
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

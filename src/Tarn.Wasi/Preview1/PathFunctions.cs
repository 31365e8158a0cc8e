// path_*: the names and numbers of preview 1 around what is done with paths (PathOperations). A bad descriptor is found before a bad address, and both before the path is looked at.
using Tarn.Wasi.Descriptors;

namespace Tarn.Wasi.Preview1;

internal static class PathFunctions
{
    private const int FollowFlag = 1;

    private delegate WasiErrno PathOperation(in WasiCall call, DirectoryDescriptor directory, string path);

    public static void DefineIn(Binder binder)
    {
        binder.Define<int, int, int>("path_create_directory", (in WasiCall call, int fd, int path, int length) =>
            On(call, fd, path, length, WasiRights.CreateDirectory, PathOperations.CreateDirectory));
        binder.Define<int, int, int>("path_remove_directory", (in WasiCall call, int fd, int path, int length) =>
            On(call, fd, path, length, WasiRights.RemoveDirectory, PathOperations.RemoveDirectory));
        binder.Define<int, int, int>("path_unlink_file", (in WasiCall call, int fd, int path, int length) =>
            On(call, fd, path, length, WasiRights.UnlinkFile, PathOperations.UnlinkFile));
        binder.Define<int, int, int, int, int>("path_filestat_get", GetStat);
        binder.Define<int, int, int, int, long, long, int>("path_filestat_set_times", SetTimes);
        binder.Define<int, int, int, int, int, int, int>("path_link", Link);
        binder.Define<int, int, int, int, int, long, long, int, int>("path_open", Open);
        binder.Define<int, int, int, int, int, int>("path_readlink", ReadLink);
        binder.Define<int, int, int, int, int, int>("path_rename", Rename);
        binder.Define<int, int, int, int, int>("path_symlink", SymbolicLink);
    }

    // The directory behind a descriptor and the text of a path.
    private static WasiErrno Find(in WasiCall call, int fd, int path, int length, WasiRights needed, out DirectoryDescriptor directory, out string text)
    {
        text = "";
        WasiErrno errno = call.Context.Descriptors.GetDirectory(fd, needed, out directory);
        return errno == WasiErrno.Success ? call.ReadText(path, length, out text) : errno;
    }

    private static WasiErrno On(in WasiCall call, int fd, int path, int length, WasiRights needed, PathOperation operation)
    {
        WasiErrno errno = Find(call, fd, path, length, needed, out DirectoryDescriptor directory, out string text);
        return errno == WasiErrno.Success ? operation(call, directory, text) : errno;
    }

    private static WasiErrno GetStat(in WasiCall call, int fd, int flags, int path, int length, int result)
    {
        WasiErrno errno = Find(call, fd, path, length, WasiRights.PathGetStat, out DirectoryDescriptor directory, out string text);
        WasiFileStat stat = default;
        if (errno == WasiErrno.Success)
            errno = PathOperations.GetStat(call, directory, text, (flags & FollowFlag) != 0, out stat);
        return errno == WasiErrno.Success ? DescriptorFunctions.WriteStat(call, result, stat) : errno;
    }

    private static WasiErrno SetTimes(in WasiCall call, int fd, int lookup, int path, int length, long access, long modification, int flags)
    {
        WasiErrno errno = DescriptorFunctions.ReadTimes(call, access, modification, flags, out WasiTime accessTime, out WasiTime modificationTime);
        if (errno != WasiErrno.Success)
            return errno;
        errno = Find(call, fd, path, length, WasiRights.PathSetTimes, out DirectoryDescriptor directory, out string text);
        return errno == WasiErrno.Success ? PathOperations.SetTimes(call, directory, text, (lookup & FollowFlag) != 0, accessTime, modificationTime) : errno;
    }

    private static WasiErrno Link(in WasiCall call, int fromFd, int lookup, int from, int fromLength, int toFd, int to, int toLength)
    {
        WasiErrno errno = Find(call, fromFd, from, fromLength, WasiRights.LinkSource, out DirectoryDescriptor fromDirectory, out string text);
        if (errno != WasiErrno.Success)
            return errno;
        errno = PathOperations.FindLinkSource(call, fromDirectory, text, (lookup & FollowFlag) != 0, out PathWalk? source, out bool isDirectory);
        if (errno != WasiErrno.Success)
            return errno;
        using (source)
        {
            errno = Find(call, toFd, to, toLength, WasiRights.LinkTarget, out DirectoryDescriptor toDirectory, out string target);
            return errno == WasiErrno.Success ? PathOperations.Link(call, fromDirectory, source!, isDirectory, toDirectory, target) : errno;
        }
    }

    private static WasiErrno Rename(in WasiCall call, int fromFd, int from, int fromLength, int toFd, int to, int toLength)
    {
        WasiErrno errno = Find(call, fromFd, from, fromLength, WasiRights.RenameSource, out DirectoryDescriptor fromDirectory, out string text);
        if (errno != WasiErrno.Success)
            return errno;
        errno = PathOperations.Begin(call, fromDirectory, text, out PathWalk? source);
        if (errno != WasiErrno.Success)
            return errno;
        using (source)
        {
            errno = Find(call, toFd, to, toLength, WasiRights.RenameTarget, out DirectoryDescriptor toDirectory, out string target);
            return errno == WasiErrno.Success ? PathOperations.Rename(call, fromDirectory, source!, toDirectory, target) : errno;
        }
    }

    private static WasiErrno SymbolicLink(in WasiCall call, int target, int targetLength, int fd, int path, int length)
    {
        WasiErrno errno = call.ReadText(target, targetLength, out string link);
        if (errno == WasiErrno.Success)
            errno = PathOperations.CheckLinkTarget(link);
        if (errno != WasiErrno.Success)
            return errno;
        errno = Find(call, fd, path, length, WasiRights.SymbolicLink, out DirectoryDescriptor directory, out string text);
        return errno == WasiErrno.Success ? PathOperations.CreateSymbolicLink(call, directory, text, link) : errno;
    }

    private static WasiErrno ReadLink(in WasiCall call, int fd, int path, int length, int buffer, int room, int result)
    {
        WasiErrno errno = Find(call, fd, path, length, WasiRights.ReadLink, out DirectoryDescriptor directory, out string text);
        string target = "";
        if (errno == WasiErrno.Success)
            errno = PathOperations.ReadLink(call, directory, text, out target);
        if (errno != WasiErrno.Success)
            return errno;
        if (!call.Contains((uint)buffer, (uint)room))
            return WasiErrno.Fault;
        if (!WasiText.TryToBytes(target, out byte[]? bytes))
            return WasiErrno.IllegalSequence;
        int count = Math.Min(bytes.Length, room);
        call.TryCopyIn((uint)buffer, bytes.AsSpan(0, count));
        return call.Write(result, (uint)count);
    }

    private static WasiErrno Open(
        in WasiCall call, int fd, int lookup, int path, int length, int openFlags, long rights, long inheriting, int flags, int result)
    {
        const WasiOpenFlags KnownFlags = WasiOpenFlags.Create | WasiOpenFlags.Directory | WasiOpenFlags.Exclusive | WasiOpenFlags.Truncate;
        var how = (WasiOpenFlags)openFlags;
        if ((how & ~KnownFlags) != 0 || (flags & ~(int)DescriptorFlags.All) != 0)
            return WasiErrno.Invalid;
        WasiErrno errno = PathOperations.CheckFlags(ref how);
        if (errno != WasiErrno.Success)
            return errno;
        if (!call.CanWrite(result, sizeof(uint)))
            return WasiErrno.Fault;
        _ = call.Context.Descriptors.TryGet(fd, out Descriptor? opened);
        errno = Find(call, fd, path, length, PathOperations.RightsToOpen(opened, how), out DirectoryDescriptor directory, out string text);
        if (errno != WasiErrno.Success)
            return errno;
        errno = PathOperations.Open(call, directory, text, (lookup & FollowFlag) != 0, how, (WasiRights)rights, (WasiRights)inheriting, (DescriptorFlags)flags, out int number);
        return errno == WasiErrno.Success ? call.Write(result, (uint)number) : errno;
    }
}

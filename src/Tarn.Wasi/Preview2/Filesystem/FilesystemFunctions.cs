// wasi:filesystem over the descriptors, rights, paths and file systems of preview 1 (PathOperations, DescriptorTable): this file translates.
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Tarn.Components;
using Tarn.Wasi.Descriptors;
using Tarn.Wasi.Preview1;
using Tarn.Wasi.Preview2.Clocks;
using Tarn.Wasi.Preview2.Io;

namespace Tarn.Wasi.Preview2.Filesystem;

internal static class FilesystemFunctions
{
    private const string Types = "wasi:filesystem/types";
    private const int MostBytes = 64 << 10;
    private const long ListingEntryCost = 64;

    private delegate WasiErrno PathOperation(in WasiCall call, DirectoryDescriptor directory, string path);

    private delegate ComponentValue Method(in Preview2Call call, FilesystemDescriptor self);

    public static void DefineIn(Preview2Binder binder)
    {
        binder.Define("wasi:filesystem/preopens", "get-directories", GetDirectories);
        binder.Define(Types, "descriptor", binder.Resources.Descriptor);
        binder.Define(Types, "directory-entry-stream", binder.Resources.DirectoryEntryStream);
        binder.Define(Types, "[method]directory-entry-stream.read-directory-entry", ReadDirectoryEntry);
        binder.Define(Types, "filesystem-error-code", (in Preview2Call call) =>
            ComponentValue.FromOption(call.Target<StreamError>(0) is { Errno: not WasiErrno.Success } error ? ErrorCode.Of(error.Errno) : null));
        Define(binder, "read-via-stream", ReadViaStream);
        Define(binder, "write-via-stream", (in Preview2Call call, FilesystemDescriptor self) => WriteViaStream(call, self, call[1].AsUInt64()));
        Define(binder, "append-via-stream", (in Preview2Call call, FilesystemDescriptor self) => WriteViaStream(call, self, null));
        // Advice is free to be ignored.
        Define(binder, "advise", (in Preview2Call call, FilesystemDescriptor self) => ErrorCode.Result(self.File(WasiRights.Advise, out _)));
        Define(binder, "sync-data", (in Preview2Call call, FilesystemDescriptor self) => Sync(self, WasiRights.SyncData, dataOnly: true));
        Define(binder, "sync", (in Preview2Call call, FilesystemDescriptor self) => Sync(self, WasiRights.Sync, dataOnly: false));
        Define(binder, "get-flags", GetFlags);
        Define(binder, "get-type", (in Preview2Call call, FilesystemDescriptor self) => ComponentValue.Ok(FileType(self.Descriptor.FileType)));
        Define(binder, "set-size", SetSize);
        Define(binder, "set-times", SetTimes);
        Define(binder, "read", Read);
        Define(binder, "write", Write);
        Define(binder, "read-directory", ReadDirectory);
        Define(binder, "create-directory-at", (in Preview2Call call, FilesystemDescriptor self) => On(call, self, call[1], WasiRights.CreateDirectory, PathOperations.CreateDirectory));
        Define(binder, "remove-directory-at", (in Preview2Call call, FilesystemDescriptor self) => On(call, self, call[1], WasiRights.RemoveDirectory, PathOperations.RemoveDirectory));
        Define(binder, "unlink-file-at", (in Preview2Call call, FilesystemDescriptor self) => On(call, self, call[1], WasiRights.UnlinkFile, PathOperations.UnlinkFile));
        Define(binder, "stat", GetStat);
        Define(binder, "stat-at", GetStatAt);
        Define(binder, "set-times-at", SetTimesAt);
        Define(binder, "link-at", LinkAt);
        Define(binder, "open-at", OpenAt);
        Define(binder, "readlink-at", ReadLinkAt);
        Define(binder, "rename-at", RenameAt);
        Define(binder, "symlink-at", SymbolicLinkAt);
        Define(binder, "is-same-object", (in Preview2Call call, FilesystemDescriptor self) => ComponentValue.FromBoolean(
            self.Descriptor.GetStat(out WasiFileStat mine) == WasiErrno.Success && call.Target<FilesystemDescriptor>(1).Descriptor.GetStat(out WasiFileStat other) == WasiErrno.Success
            && (mine.Device, mine.Inode) == (other.Device, other.Inode)));
        Define(binder, "metadata-hash", (in Preview2Call call, FilesystemDescriptor self) =>
        {
            WasiErrno errno = self.Check(WasiRights.GetStat);
            WasiFileStat stat = default;
            if (errno == WasiErrno.Success)
                errno = self.Descriptor.GetStat(out stat);
            return errno == WasiErrno.Success ? ComponentValue.Ok(Hash(stat)) : ErrorCode.Error(errno);
        });
        Define(binder, "metadata-hash-at", (in Preview2Call call, FilesystemDescriptor self) =>
        {
            WasiErrno errno = StatAt(call, self, out WasiFileStat stat);
            return errno == WasiErrno.Success ? ComponentValue.Ok(Hash(stat)) : ErrorCode.Error(errno);
        });
    }

    // What a file system of the embedder's throws is an error to the guest, as in preview 1.
    private static void Define(Preview2Binder binder, string name, Method method) => binder.Define(Types, $"[method]descriptor.{name}", (in Preview2Call call) =>
    {
        call.Work.BeginPiece(0);
        try
        {
            return method(call, call.Target<FilesystemDescriptor>(0));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or Host.ErrnoException or TimeoutException)
        {
            return ErrorCode.Error(ExceptionErrno.From(e));
        }
    });

    private static ComponentValue GetDirectories(in Preview2Call call)
    {
        List<ComponentValue> directories = [];
        for (int number = 3; call.Context.Descriptors.TryGet(number, out Descriptor? descriptor); number++)
        {
            if (descriptor is not DirectoryDescriptor { PreopenName: byte[] name } directory)
                continue;
            // The guest gets descriptors of its own: dropping them leaves what the context began with.
            if (directory.Directory.Reopen(out WasiDirectory? again) != WasiErrno.Success || again is null)
                continue;
            DirectoryDescriptor copy = new(again, directory.Rights, directory.Inheriting, directory.IsReadOnly);
            if (call.Context.Descriptors.Add(copy, out int added) != WasiErrno.Success)
            {
                copy.Dispose();
                throw new ComponentTrapException(ComponentTrapCode.LimitReached, "the guest has as many descriptors as it may have (WasiOptions.MaximumDescriptors), and its directories are not among them");
            }

            directories.Add(ComponentValue.FromTuple(
                WasiResources.Give(call.Resources.Descriptor, new FilesystemDescriptor(call.Context, added)), ComponentValue.FromString(Encoding.UTF8.GetString(name))));
        }

        return ComponentValue.FromList([.. directories]);
    }

    private static WasiErrno Path(ComponentValue value, out string path)
    {
        path = value.AsString();
        return path.Contains('\0', StringComparison.Ordinal) ? WasiErrno.Invalid : WasiErrno.Success;
    }

    private static WasiErrno Find(FilesystemDescriptor self, ComponentValue path, WasiRights needed, out DirectoryDescriptor directory, out string text)
    {
        text = "";
        WasiErrno errno = self.Directory(needed, out directory);
        return errno == WasiErrno.Success ? Path(path, out text) : errno;
    }

    private static ComponentValue On(in Preview2Call call, FilesystemDescriptor self, ComponentValue path, WasiRights needed, PathOperation operation)
    {
        WasiErrno errno = Find(self, path, needed, out DirectoryDescriptor directory, out string text);
        return ErrorCode.Result(errno == WasiErrno.Success ? operation(call.Work, directory, text) : errno);
    }

    private static ComponentValue ReadViaStream(in Preview2Call call, FilesystemDescriptor self)
    {
        WasiErrno errno = self.File(WasiRights.Read, out SharedFile file);
        return errno == WasiErrno.Success
            ? ComponentValue.Ok(WasiResources.Give(call.Resources.InputStream, new FileInputStream(file.Share(), call[1].AsUInt64())))
            : ErrorCode.Error(errno);
    }

    private static ComponentValue WriteViaStream(in Preview2Call call, FilesystemDescriptor self, ulong? position)
    {
        WasiErrno errno = self.File(WasiRights.Write, out SharedFile file);
        return errno == WasiErrno.Success
            ? ComponentValue.Ok(WasiResources.Give(call.Resources.OutputStream, new FileOutputStream(file.Share(), position)))
            : ErrorCode.Error(errno);
    }

    private static ComponentValue Sync(FilesystemDescriptor self, WasiRights needed, bool dataOnly)
    {
        // A directory for reading only passes on no right to sync, and nothing of it waits to be written.
        WasiErrno errno = self.Descriptor is DirectoryDescriptor { IsReadOnly: true } ? WasiErrno.Success : self.Check(needed);
        return ErrorCode.Result(errno == WasiErrno.Success ? self.Node.Sync(dataOnly) : errno);
    }

    private static ComponentValue GetFlags(in Preview2Call call, FilesystemDescriptor self)
    {
        List<string> flags = [];
        if (self.Descriptor is DirectoryDescriptor directory)
        {
            flags.Add("read");
            if (!directory.IsReadOnly)
                flags.Add("mutate-directory");
        }
        else
        {
            if ((self.Descriptor.Rights & WasiRights.Read) != 0)
                flags.Add("read");
            if ((self.Descriptor.Rights & WasiRights.Write) != 0)
                flags.Add("write");
        }

        if ((self.Descriptor.Flags & DescriptorFlags.Sync) != 0)
            flags.Add("file-integrity-sync");
        if ((self.Descriptor.Flags & DescriptorFlags.DataSync) != 0)
            flags.Add("data-integrity-sync");
        if ((self.Descriptor.Flags & DescriptorFlags.ReadSync) != 0)
            flags.Add("requested-write-sync");
        return ComponentValue.Ok(ComponentValue.FromFlags([.. flags]));
    }

    private static ComponentValue SetSize(in Preview2Call call, FilesystemDescriptor self)
    {
        WasiErrno errno = self.File(WasiRights.SetSize, out SharedFile file);
        ulong size = call[1].AsUInt64();
        if (errno == WasiErrno.Success && size > long.MaxValue)
            errno = WasiErrno.Invalid;
        return ErrorCode.Result(errno == WasiErrno.Success ? file.File.SetSize(size) : errno);
    }

    private static ComponentValue SetTimes(in Preview2Call call, FilesystemDescriptor self)
    {
        WasiErrno errno = self.Check(WasiRights.SetTimes);
        if (errno == WasiErrno.Success)
            errno = Times(call, 1, out WasiTime access, out WasiTime modification) is WasiErrno failed and not WasiErrno.Success ? failed : self.Node.SetTimes(access, modification);
        return ErrorCode.Result(errno);
    }

    private static WasiErrno Times(in Preview2Call call, int first, out WasiTime access, out WasiTime modification)
    {
        modification = default;
        WasiErrno errno = Time(call, call[first], out access);
        return errno == WasiErrno.Success ? Time(call, call[first + 1], out modification) : errno;
    }

    private static WasiErrno Time(in Preview2Call call, ComponentValue value, out WasiTime time)
    {
        time = WasiTime.Unchanged;
        switch (value.Case)
        {
            case "no-change":
                return WasiErrno.Success;
            case "now":
                time = WasiTime.At(WasiClock.Nanoseconds(call.Context.Time.GetUtcNow()));
                return WasiErrno.Success;
            default:
                ulong seconds = value.Payload!["seconds"].AsUInt64();
                uint nanoseconds = value.Payload["nanoseconds"].AsUInt32();
                if (nanoseconds >= WasiClock.NanosecondsPerSecond)
                    return WasiErrno.Invalid;
                if (seconds > (ulong.MaxValue - nanoseconds) / WasiClock.NanosecondsPerSecond)
                    return WasiErrno.Overflow;
                time = WasiTime.At((seconds * WasiClock.NanosecondsPerSecond) + nanoseconds);
                return WasiErrno.Success;
        }
    }

    private static ComponentValue Read(in Preview2Call call, FilesystemDescriptor self)
    {
        WasiErrno errno = self.File(WasiRights.Read, out SharedFile file);
        ulong offset = call[2].AsUInt64();
        if (errno == WasiErrno.Success && offset > long.MaxValue)
            errno = WasiErrno.Invalid;
        if (errno != WasiErrno.Success)
            return ErrorCode.Error(errno);
        byte[] buffer = new byte[Math.Min(call[1].AsUInt64(), MostBytes)];
        int read = 0;
        if (buffer.Length > 0)
            errno = file.File.Read(offset, buffer, out read);
        if (errno != WasiErrno.Success)
            return ErrorCode.Error(errno);
        call.Work.Charge(read);
        return ComponentValue.Ok(ComponentValue.FromTuple(ComponentValue.FromBytes(buffer.AsSpan(0, read)), ComponentValue.FromBoolean(read == 0 && buffer.Length > 0)));
    }

    private static ComponentValue Write(in Preview2Call call, FilesystemDescriptor self)
    {
        WasiErrno errno = self.File(WasiRights.Write, out SharedFile file);
        ulong offset = call[2].AsUInt64();
        if (errno == WasiErrno.Success && offset > long.MaxValue)
            errno = WasiErrno.Invalid;
        if (errno != WasiErrno.Success)
            return ErrorCode.Error(errno);
        byte[] bytes = call[1].AsBytes();
        call.Work.BeginPiece(bytes.Length);
        errno = file.File.Write(offset, bytes, out int written);
        if (errno == WasiErrno.Success && file.SyncsWrites)
            errno = file.File.Sync(dataOnly: false);
        return errno == WasiErrno.Success ? ComponentValue.Ok(ComponentValue.FromUInt64((ulong)written)) : ErrorCode.Error(errno);
    }

    private static ComponentValue ReadDirectory(in Preview2Call call, FilesystemDescriptor self)
    {
        WasiErrno errno = self.Directory(WasiRights.ReadDirectory, out DirectoryDescriptor directory);
        if (errno != WasiErrno.Success)
            return ErrorCode.Error(errno);
        if (!call.Context.Descriptors.HasRoom())
            return ErrorCode.Error(WasiErrno.TooManyDescriptors);
        errno = directory.Directory.Reopen(out WasiDirectory? again);
        if (errno != WasiErrno.Success || again is null)
            return ErrorCode.Error(errno == WasiErrno.Success ? WasiErrno.InputOutput : errno);
        DirectoryDescriptor own = new(again, directory.Rights, directory.Inheriting, directory.IsReadOnly);
        errno = call.Context.Descriptors.Add(own, out int number);
        if (errno == WasiErrno.Success)
            errno = List(call, own);
        if (errno != WasiErrno.Success)
        {
            if (number >= 0 && call.Context.Descriptors.TryGet(number, out Descriptor? added) && added == own)
                call.Context.Descriptors.Close(number);
            else
                own.Dispose();
            return ErrorCode.Error(errno);
        }

        return ComponentValue.Ok(WasiResources.Give(call.Resources.DirectoryEntryStream, new DirectoryEntryStream(call.Context, number, own)));
    }

    private static WasiErrno List(in Preview2Call call, DirectoryDescriptor directory)
    {
        WasiErrno errno = directory.Directory.ReadEntries(out IReadOnlyList<WasiDirectoryEntry> entries);
        if (errno != WasiErrno.Success)
            return errno;
        call.Work.BeginPiece(entries.Count * ListingEntryCost);
        call.Context.Listings.Keep(directory, entries);
        return WasiErrno.Success;
    }

    private static ComponentValue ReadDirectoryEntry(in Preview2Call call)
    {
        DirectoryEntryStream stream = call.Target<DirectoryEntryStream>(0);
        call.Work.BeginPiece(1);
        // The listing may have been let go of, with others that were larger.
        if (stream.Directory.Listing is null && List(call, stream.Directory) is WasiErrno failed and not WasiErrno.Success)
            return ErrorCode.Error(failed);
        if (stream.Position >= stream.Directory.Listing!.Count)
            return ComponentValue.Ok(ComponentValue.FromOption(null));
        WasiDirectoryEntry entry = stream.Directory.Listing[stream.Position++];
        if (!WasiText.IsUnicode(entry.Name))
            return ErrorCode.Error(WasiErrno.IllegalSequence);
        return ComponentValue.Ok(ComponentValue.FromOption(ComponentValue.FromRecord(("type", FileType(entry.FileType)), ("name", ComponentValue.FromString(entry.Name)))));
    }

    private static ComponentValue GetStat(in Preview2Call call, FilesystemDescriptor self)
    {
        WasiErrno errno = self.Check(WasiRights.GetStat);
        WasiFileStat stat = default;
        if (errno == WasiErrno.Success)
            errno = self.Descriptor.GetStat(out stat);
        return errno == WasiErrno.Success ? ComponentValue.Ok(Stat(stat)) : ErrorCode.Error(errno);
    }

    private static ComponentValue GetStatAt(in Preview2Call call, FilesystemDescriptor self)
    {
        WasiErrno errno = StatAt(call, self, out WasiFileStat stat);
        return errno == WasiErrno.Success ? ComponentValue.Ok(Stat(stat)) : ErrorCode.Error(errno);
    }

    private static WasiErrno StatAt(in Preview2Call call, FilesystemDescriptor self, out WasiFileStat stat)
    {
        stat = default;
        WasiErrno errno = Find(self, call[2], WasiRights.PathGetStat, out DirectoryDescriptor directory, out string path);
        return errno == WasiErrno.Success ? PathOperations.GetStat(call.Work, directory, path, Follows(call[1]), out stat) : errno;
    }

    private static bool Follows(ComponentValue flags) => flags.HasFlag("symlink-follow");

    private static ComponentValue SetTimesAt(in Preview2Call call, FilesystemDescriptor self)
    {
        WasiErrno errno = Times(call, 3, out WasiTime access, out WasiTime modification);
        if (errno != WasiErrno.Success)
            return ErrorCode.Error(errno);
        errno = Find(self, call[2], WasiRights.PathSetTimes, out DirectoryDescriptor directory, out string path);
        return ErrorCode.Result(errno == WasiErrno.Success ? PathOperations.SetTimes(call.Work, directory, path, Follows(call[1]), access, modification) : errno);
    }

    private static ComponentValue LinkAt(in Preview2Call call, FilesystemDescriptor self)
    {
        WasiErrno errno = Find(self, call[2], WasiRights.LinkSource, out DirectoryDescriptor from, out string path);
        if (errno != WasiErrno.Success)
            return ErrorCode.Error(errno);
        errno = PathOperations.FindLinkSource(call.Work, from, path, Follows(call[1]), out PathWalk? source, out bool isDirectory);
        if (errno != WasiErrno.Success)
            return ErrorCode.Error(errno);
        using (source)
        {
            errno = Find(call.Target<FilesystemDescriptor>(3), call[4], WasiRights.LinkTarget, out DirectoryDescriptor to, out string target);
            return ErrorCode.Result(errno == WasiErrno.Success ? PathOperations.Link(call.Work, from, source!, isDirectory, to, target) : errno);
        }
    }

    private static ComponentValue RenameAt(in Preview2Call call, FilesystemDescriptor self)
    {
        WasiErrno errno = Find(self, call[1], WasiRights.RenameSource, out DirectoryDescriptor from, out string path);
        if (errno != WasiErrno.Success)
            return ErrorCode.Error(errno);
        errno = PathOperations.Begin(call.Work, from, path, out PathWalk? source);
        if (errno != WasiErrno.Success)
            return ErrorCode.Error(errno);
        using (source)
        {
            errno = Find(call.Target<FilesystemDescriptor>(2), call[3], WasiRights.RenameTarget, out DirectoryDescriptor to, out string target);
            return ErrorCode.Result(errno == WasiErrno.Success ? PathOperations.Rename(call.Work, from, source!, to, target) : errno);
        }
    }

    private static ComponentValue SymbolicLinkAt(in Preview2Call call, FilesystemDescriptor self)
    {
        WasiErrno errno = Path(call[1], out string text);
        if (errno == WasiErrno.Success)
            errno = PathOperations.CheckLinkTarget(text);
        if (errno != WasiErrno.Success)
            return ErrorCode.Error(errno);
        errno = Find(self, call[2], WasiRights.SymbolicLink, out DirectoryDescriptor directory, out string path);
        return ErrorCode.Result(errno == WasiErrno.Success ? PathOperations.CreateSymbolicLink(call.Work, directory, path, text) : errno);
    }

    private static ComponentValue ReadLinkAt(in Preview2Call call, FilesystemDescriptor self)
    {
        WasiErrno errno = Find(self, call[1], WasiRights.ReadLink, out DirectoryDescriptor directory, out string path);
        string target = "";
        if (errno == WasiErrno.Success)
            errno = PathOperations.ReadLink(call.Work, directory, path, out target);
        if (errno == WasiErrno.Success && !WasiText.IsUnicode(target))
            errno = WasiErrno.IllegalSequence;
        return errno == WasiErrno.Success ? ComponentValue.Ok(ComponentValue.FromString(target)) : ErrorCode.Error(errno);
    }

    private static ComponentValue OpenAt(in Preview2Call call, FilesystemDescriptor self)
    {
        ComponentValue openFlags = call[3], flags = call[4];
        WasiOpenFlags how = (openFlags.HasFlag("create") ? WasiOpenFlags.Create : 0) | (openFlags.HasFlag("directory") ? WasiOpenFlags.Directory : 0)
            | (openFlags.HasFlag("exclusive") ? WasiOpenFlags.Exclusive : 0) | (openFlags.HasFlag("truncate") ? WasiOpenFlags.Truncate : 0);
        WasiErrno errno = PathOperations.CheckFlags(ref how);
        if (errno != WasiErrno.Success)
            return ErrorCode.Error(errno);
        errno = Find(self, call[2], PathOperations.RightsToOpen(self.Descriptor, how), out DirectoryDescriptor directory, out string path);
        if (errno != WasiErrno.Success)
            return ErrorCode.Error(errno);
        // Flags say what is to be done with the file; the rest of its rights come from the directory.
        WasiRights asked = DirectoryDescriptor.AllRights | FileDescriptor.AllRights;
        if (!flags.HasFlag("read"))
            asked &= ~WasiRights.Read;
        if (!flags.HasFlag("write"))
            asked &= ~(WasiRights.Write | WasiRights.Allocate | WasiRights.SetSize | WasiRights.SyncData);
        // Nothing of a file is written that was opened for reading, and syncing it is no writing.
        DescriptorFlags kept = (flags.HasFlag("file-integrity-sync") ? DescriptorFlags.Sync : 0) | (flags.HasFlag("data-integrity-sync") ? DescriptorFlags.DataSync : 0)
            | (flags.HasFlag("requested-write-sync") ? DescriptorFlags.ReadSync : 0);
        if (flags.HasFlag("mutate-directory") && directory.IsReadOnly)
            return ErrorCode.Error(WasiErrno.ReadOnlyFileSystem);
        errno = PathOperations.Open(call.Work, directory, path, Follows(call[1]), how, asked, WasiRights.All, kept, out int number);
        return errno == WasiErrno.Success
            ? ComponentValue.Ok(WasiResources.Give(call.Resources.Descriptor, new FilesystemDescriptor(call.Context, number)))
            : ErrorCode.Error(errno);
    }

    private static ComponentValue FileType(WasiFileType type) => ComponentValue.FromEnum(type switch
    {
        WasiFileType.BlockDevice => "block-device",
        WasiFileType.CharacterDevice => "character-device",
        WasiFileType.Directory => "directory",
        WasiFileType.RegularFile => "regular-file",
        WasiFileType.DatagramSocket or WasiFileType.StreamSocket => "socket",
        WasiFileType.SymbolicLink => "symbolic-link",
        _ => "unknown",
    });

    private static ComponentValue Stat(in WasiFileStat stat) => ComponentValue.FromRecord(
        ("type", FileType(stat.FileType)),
        ("link-count", ComponentValue.FromUInt64(stat.LinkCount)),
        ("size", ComponentValue.FromUInt64(stat.Size)),
        ("data-access-timestamp", ComponentValue.FromOption(ClockFunctions.DateTime(stat.AccessTime))),
        ("data-modification-timestamp", ComponentValue.FromOption(ClockFunctions.DateTime(stat.ModificationTime))),
        ("status-change-timestamp", ComponentValue.FromOption(ClockFunctions.DateTime(stat.ChangeTime))));

    // Guests are not told device and inode; the hash identifies the file, and does not tell them either.
    private static ComponentValue Hash(in WasiFileStat stat)
    {
        Span<byte> input = stackalloc byte[16], output = stackalloc byte[32];
        BinaryPrimitives.WriteUInt64LittleEndian(input, stat.Device);
        BinaryPrimitives.WriteUInt64LittleEndian(input[8..], stat.Inode);
        SHA256.HashData(input, output);
        return ComponentValue.FromRecord(
            ("lower", ComponentValue.FromUInt64(BinaryPrimitives.ReadUInt64LittleEndian(output))), ("upper", ComponentValue.FromUInt64(BinaryPrimitives.ReadUInt64LittleEndian(output[8..]))));
    }
}

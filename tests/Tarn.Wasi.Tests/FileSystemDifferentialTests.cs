// A directory of the host and an in-memory file system must not be told apart: random calls go to both, and every error number, attribute, listing and byte must be the same.
// So the kernel is the judge of the in-memory file system, and what PathWalk makes of paths is held to be the same on both.
using System.Globalization;
using System.Text;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

/// <summary>In memory it is as on disk.</summary>
public sealed class FileSystemDifferentialTests
{
    private const int Work = 3;
    private const int MostOpen = 8;
    private static readonly string[] s_names = ["a", "b", "c", "d", "link", ".", "..", "ü"];
    private static readonly WasiOpenFlags[] s_flags = [0, WasiOpenFlags.Create, WasiOpenFlags.Create, WasiOpenFlags.Create | WasiOpenFlags.Exclusive, WasiOpenFlags.Create | WasiOpenFlags.Truncate, WasiOpenFlags.Directory];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Random_calls_have_the_same_answers(int seed)
    {
        using var directory = new TemporaryDirectory();
        using var host = new RawGuest(new WasiOptions { Preopens = [WasiPreopen.Host(directory.Path, "/work")], MaximumDescriptors = MostOpen });
        using var memory = new RawGuest(new WasiOptions { Preopens = [WasiPreopen.Memory(new WasiMemoryFileSystem(), "/work")], MaximumDescriptors = MostOpen });
        var random = new Random(seed);
        var history = new List<string>();
        for (int step = 0; step < 4000; step++)
        {
            Func<RawGuest, string> call = Next(random, out string description);
            history.Add(description);
            string expected = call(host);
            string actual = call(memory);
            Assert.True(expected == actual, $"step {step}: {description}: {expected} on the host, {actual} in memory, after\n{string.Join('\n', history.TakeLast(40))}");
            history[^1] += $" -> {expected}";
        }
    }

    [Theory]
    [InlineData(1, 1 << 20)]
    [InlineData(4, 1 << 20)]
    [InlineData(1, 5000)]
    [InlineData(4, 5000)]
    public void Accounts_are_right_whatever_was_done_by_how_many(int guests, long capacity)
    {
        var files = new WasiMemoryFileSystem(capacity);
        long empty = files.UsedBytes;
        Parallel.For(0, guests, new ParallelOptions { MaxDegreeOfParallelism = guests }, seed =>
        {
            using var guest = new RawGuest(new WasiOptions { Preopens = [WasiPreopen.Memory(files, "/work")], MaximumDescriptors = MostOpen });
            var random = new Random(seed);
            for (int step = 0; step < 12_000 / guests; step++)
            {
                _ = Next(random, out _)(guest);
                Assert.InRange(files.UsedBytes, empty, files.Capacity);
            }
        });
        using WasiDirectory root = files.OpenRoot();
        Assert.True(RemoveAll(root) > 0);
        Assert.Equal(empty, files.UsedBytes);
    }

    private static int RemoveAll(WasiDirectory directory)
    {
        int removed = 0;
        Assert.Equal(WasiErrno.Success, directory.ReadEntries(out IReadOnlyList<WasiDirectoryEntry> entries));
        foreach (WasiDirectoryEntry entry in entries)
        {
            if (entry.FileType == WasiFileType.Directory)
            {
                Assert.Equal(WasiErrno.Success, directory.OpenDirectory(entry.Name, out WasiDirectory? inner));
                using (inner)
                    removed += RemoveAll(inner!);
                Assert.Equal(WasiErrno.Success, directory.RemoveDirectory(entry.Name));
            }
            else
            {
                Assert.Equal(WasiErrno.Success, directory.UnlinkFile(entry.Name));
            }
            removed++;
        }
        return removed;
    }

    private static Func<RawGuest, string> Next(Random random, out string description)
    {
        // Descriptors are given out in the same order on both sides, and some stay open: of files without a name, of directories that were removed.
        if (random.Next(4) == 0)
            return NextOnDescriptor(random, random.Next(Work, MostOpen + 1), out description);
        int directory = random.Next(5) == 0 ? random.Next(Work, MostOpen) : Work;
        string path = RandomPath(random);
        string other = RandomPath(random);
        bool keep = random.Next(2) == 0;
        int follow = random.Next(2);
        int number = random.Next(1000);
        WasiOpenFlags flags = random.Next(3) == 0 ? (WasiOpenFlags)random.Next(16) : s_flags[random.Next(s_flags.Length)];
        WasiRights rights = random.Next(2) == 0 ? WasiRights.All : random.Next(4) switch { 0 => WasiRights.None, 1 => WasiRights.ReadOnly, 2 => WasiRights.All & ~WasiRights.Write, _ => WasiRights.Write | WasiRights.GetStat };
        switch (random.Next(14))
        {
            case 0:
                description = $"{directory}: create_directory {path}";
                return guest => $"{guest.OnPath("path_create_directory", directory, path)}";
            case 1:
                description = $"{directory}: remove_directory {path}";
                return guest => $"{guest.OnPath("path_remove_directory", directory, path)}";
            case 2:
                description = $"{directory}: unlink_file {path}";
                return guest => $"{guest.OnPath("path_unlink_file", directory, path)}";
            case 3 or 4:
                description = $"{directory}: rename {path} {other}";
                return guest => $"{guest.Rename(directory, path, Work, other)}";
            case 5:
                description = $"{directory}: symlink {other} {path}";
                return guest => $"{guest.SymbolicLink(other, directory, path)}";
            case 6:
                description = $"{directory}: link {path} {other} follow {follow}";
                return guest => $"{guest.HardLink(directory, path, Work, other, follow != 0)}";
            case 7:
                description = $"{directory}: readlink {path}";
                return guest => ReadLink(guest, directory, path);
            case 8:
                description = $"{directory}: set_times {path} follow {follow} {number}";
                return guest =>
                {
                    int length = guest.Memory.WriteUtf8(1024, path);
                    return $"{guest.Call("path_filestat_set_times", directory, follow, 1024, length, number, number + 1, 5)}";
                };
            case 9:
                description = $"{directory}: readdir {path}";
                return guest => List(guest, directory, path);
            case 10 or 11:
                description = $"{directory}: stat {path} follow {follow}";
                return guest =>
                {
                    int length = guest.Memory.WriteUtf8(1024, path);
                    WasiErrno errno = guest.Call("path_filestat_get", directory, follow, 1024, length, 4096);
                    return errno == WasiErrno.Success ? Stat(guest) : $"{errno}";
                };
            default:
                description = $"{directory}: open {path} follow {follow} {flags} {rights} and write {number} bytes";
                return guest => OpenAndUse(guest, directory, path, flags, rights, follow != 0, number, keep);
        }
    }

    private static Func<RawGuest, string> NextOnDescriptor(Random random, int fd, out string description)
    {
        int number = random.Next(1000);
        int other = random.Next(Work + 1, MostOpen + 1);
        switch (random.Next(11))
        {
            case 0:
                description = $"{fd}: write {number}";
                return guest => $"{guest.WriteText(fd, new string((char)('A' + (number % 26)), number))} {guest.Memory.Read<int>(264)}";
            case 1:
                description = $"{fd}: read {number}";
                return guest => Read(guest, "fd_read", [fd, 256, 1, 264], number);
            case 2:
                description = $"{fd}: pread {number}";
                return guest => Read(guest, "fd_pread", [fd, 256, 1, number, 264], number);
            case 3:
                int whence = random.Next(4);
                description = $"{fd}: seek {number - 500} {whence}";
                return guest => $"{guest.Call("fd_seek", fd, number - 500, whence, 264)} {guest.Call("fd_tell", fd, 272)} {guest.Memory.Read<long>(272)}";
            case 4:
                description = $"{fd}: set_size {number}";
                return guest => $"{guest.Call("fd_filestat_set_size", fd, number)}";
            case 5:
                int flags = random.Next(4) == 0 ? 1 : 0;
                description = $"{fd}: set_flags {flags}";
                return guest => $"{guest.Call("fd_fdstat_set_flags", fd, flags)}";
            case 6:
                int times = random.Next(16);
                description = $"{fd}: set_times {number} {times}";
                return guest => $"{guest.Call("fd_filestat_set_times", fd, number, number, times)}";
            case 7 when fd != Work:
                description = $"{fd}: renumber {other}";
                return guest => $"{guest.Call("fd_renumber", fd, other)}";
            case 8 when fd != Work:
                description = $"{fd}: close";
                return guest => $"{guest.Call("fd_close", fd)}";
            default:
                description = $"{fd}: stat";
                return guest =>
                {
                    WasiErrno errno = guest.Call("fd_filestat_get", fd, 4096);
                    return errno == WasiErrno.Success ? Stat(guest) : $"{errno}";
                };
        }
    }

    private static string Read(RawGuest guest, string function, long[] arguments, int length)
    {
        guest.Memory.Write(256, 8192);
        guest.Memory.Write(260, length);
        WasiErrno errno = guest.Call(function, arguments);
        return errno == WasiErrno.Success ? guest.Memory.ReadUtf8(8192, guest.Memory.Read<int>(264)) : $"{errno}";
    }

    private static string RandomPath(Random random)
    {
        var path = new StringBuilder();
        int depth = random.Next(10) switch { < 5 => 1, < 8 => 2, _ => 3 };
        for (int i = 0; i < depth; i++)
        {
            if (i > 0)
                path.Append(random.Next(10) == 0 ? "//" : "/");
            // "." and ".." less often.
            path.Append(s_names[random.Next(4) == 0 ? random.Next(s_names.Length) : random.Next(5)]);
        }
        if (random.Next(6) == 0)
            path.Append('/');
        return path.ToString();
    }

    private static string ReadLink(RawGuest guest, int directory, string path)
    {
        int length = guest.Memory.WriteUtf8(1024, path);
        WasiErrno errno = guest.Call("path_readlink", directory, 1024, length, 4096, 6, 512);
        return errno == WasiErrno.Success ? Convert.ToHexString(guest.Memory.AsSpan(4096, guest.Memory.Read<int>(512))) : $"{errno}";
    }

    private static string OpenAndUse(RawGuest guest, int directory, string path, WasiOpenFlags flags, WasiRights rights, bool follow, int number, bool keep)
    {
        WasiErrno errno = guest.Open(directory, path, out int fd, flags, rights, follow);
        if (errno != WasiErrno.Success)
            return $"{errno}";
        var result = new StringBuilder();
        result.Append(CultureInfo.InvariantCulture, $"write {guest.WriteText(fd, new string((char)('a' + (number % 26)), number))} ");
        guest.Memory.Write(256, 8192);
        guest.Memory.Write(260, 100);
        result.Append(CultureInfo.InvariantCulture, $"pread {guest.Call("fd_pread", fd, 256, 1, number / 2, 264)} ");
        result.Append(CultureInfo.InvariantCulture, $"seek {guest.Call("fd_seek", fd, -10, 2, 264)} allocate {guest.Call("fd_allocate", fd, number, 10)} ");
        result.Append(CultureInfo.InvariantCulture, $"size {guest.Call("fd_filestat_set_size", fd, number * 2)} ");
        errno = guest.Call("fd_filestat_get", fd, 4096);
        result.Append(errno == WasiErrno.Success ? Stat(guest) : $"{errno}");
        Assert.Equal(WasiErrno.Success, guest.Call("fd_fdstat_get", fd, 4096));
        result.Append(CultureInfo.InvariantCulture, $" {guest.Memory.Read<long>(4104):x} {guest.Memory.Read<long>(4112):x}");
        if (!keep)
            Assert.Equal(WasiErrno.Success, guest.Call("fd_close", fd));
        return $"{fd} {result}";
    }

    // Type, and what is not the file system's own affair: not the size of directories, nor how many links they have.
    private static string Stat(RawGuest guest)
    {
        var type = (WasiFileType)guest.Memory.Read<byte>(4096 + 16);
        return type == WasiFileType.Directory ? $"{type}" : $"{type} links {guest.Memory.Read<long>(4096 + 24)} size {guest.Memory.Read<long>(4096 + 32)}";
    }

    private static string List(RawGuest guest, int directory, string path)
    {
        WasiErrno errno = guest.Open(directory, path, out int fd, WasiOpenFlags.Directory, WasiRights.ReadOnly);
        if (errno != WasiErrno.Success)
            return $"{errno}";
        Assert.Equal(WasiErrno.Success, guest.Call("fd_readdir", fd, 8192, 32768, 0, 512));
        var names = new List<string>();
        int used = guest.Memory.Read<int>(512);
        for (int at = 0; at < used;)
        {
            int length = guest.Memory.Read<int>(8192 + at + 16);
            names.Add($"{guest.Memory.ReadUtf8(8192 + at + 24, length)} {(WasiFileType)guest.Memory.Read<byte>(8192 + at + 20)}");
            at += 24 + length;
        }
        Assert.Equal(WasiErrno.Success, guest.Call("fd_close", fd));
        names.Sort(StringComparer.Ordinal);
        return string.Join(", ", names);
    }
}

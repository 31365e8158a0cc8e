// What a guest's paths mean is what they would mean to a native program in that directory, as long as they stay in it: random calls go through the sandbox in one directory and
// straight to the kernel in another, and the error numbers and the trees that come of it must be the same. What the sandbox refuses (ENOTCAPABLE) is not asked of the kernel.
using System.Runtime.InteropServices;
using System.Text;
using Tarn.Wasi.Host;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

/// <summary>Walking paths ourselves gives what the kernel's walk gives.</summary>
public sealed partial class KernelDifferentialTests
{
    private const int Work = 3;
    private static readonly string[] s_names = ["a", "b", "c", "link", "..", "."];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Random_calls_have_the_same_answers(int seed)
    {
        using var directory = new TemporaryDirectory();
        Directory.CreateDirectory(directory["sandboxed"]);
        Directory.CreateDirectory(directory["native"]);
        using var guest = new RawGuest(new WasiOptions { Preopens = [WasiPreopen.Host(directory["sandboxed"], "/work")] });
        int native = OpenAt(-100, directory["native"], 0x10000, 0);
        Assert.True(native >= 0);
        var random = new Random(seed);
        var history = new List<string>();
        for (int step = 0; step < 3000; step++)
        {
            (string description, Func<WasiErrno> sandboxed, Func<int, int> call) = Next(random, guest);
            WasiErrno actual = sandboxed();
            history.Add($"{description} -> {actual}");
            if (actual == WasiErrno.NotCapable)
                continue;
            WasiErrno expected = LinuxErrno.Of(call(native));
            Assert.True(expected == actual, $"step {step}: {description}: {expected} says the kernel, {actual} the sandbox, after\n{string.Join('\n', history.TakeLast(40))}");
            if (step % 100 == 0)
                Assert.Equal(Tree(directory["native"]), Tree(directory["sandboxed"]));
        }
        Assert.Equal(Tree(directory["native"]), Tree(directory["sandboxed"]));
        _ = Close(native);
    }

    private static (string Description, Func<WasiErrno> Sandboxed, Func<int, int> Native) Next(Random random, RawGuest guest)
    {
        const int NoFollow = 0x20000;
        string path = RandomPath(random);
        string other = RandomPath(random);
        bool follow = random.Next(2) == 0;
        switch (random.Next(10))
        {
            case 0:
                return ($"mkdir {path}", () => guest.OnPath("path_create_directory", Work, path), at => MakeDirectoryAt(at, path, 0x1ff));
            case 1:
                return ($"rmdir {path}", () => guest.OnPath("path_remove_directory", Work, path), at => UnlinkAt(at, path, 0x200));
            case 2:
                return ($"unlink {path}", () => guest.OnPath("path_unlink_file", Work, path), at => UnlinkAt(at, path, 0));
            case 3:
                return ($"rename {path} {other}", () => guest.Rename(Work, path, Work, other), at => RenameAt(at, path, at, other));
            case 4:
                return ($"symlink {other} {path}", () => guest.SymbolicLink(other, Work, path), at => SymbolicLinkAt(other, at, path));
            case 5:
                return ($"link {path} {other} follow {follow}", () => guest.HardLink(Work, path, Work, other, follow), at => LinkAt(at, path, at, other, follow ? 0x400 : 0));
            case 6:
                return ($"stat {path} follow {follow}", () => Stat(guest, path, follow), at => Access(at, path, 0, follow ? 0 : 0x100));
            default:
                bool create = random.Next(2) == 0;
                bool truncate = random.Next(4) == 0;
                bool exclusive = create && random.Next(4) == 0;
                bool onlyDirectory = !create && random.Next(4) == 0;
                bool write = random.Next(2) == 0;
                // Truncating without writing is one of the things that open(2) does not define.
                write |= truncate;
                WasiOpenFlags flags = (create ? WasiOpenFlags.Create : 0) | (truncate ? WasiOpenFlags.Truncate : 0) | (exclusive ? WasiOpenFlags.Exclusive : 0)
                    | (onlyDirectory ? WasiOpenFlags.Directory : 0);
                int how = (create ? 0x40 : 0) | (truncate ? 0x200 : 0) | (exclusive ? 0x80 : 0) | (onlyDirectory ? 0x10000 : 0) | (follow ? 0 : NoFollow) | (write ? 2 : 0);
                return (
                    $"open {path} {flags} follow {follow} write {write}",
                    () => Closed(guest.Open(Work, path, out int fd, flags, write ? WasiRights.Read | WasiRights.Write : WasiRights.Read, follow), fd, guest),
                    at => OpenAt(at, path, how, 0x1b6) is int opened && opened < 0 ? opened : Close(opened));
        }
    }

    private static WasiErrno Closed(WasiErrno errno, int fd, RawGuest guest)
    {
        if (errno == WasiErrno.Success)
            Assert.Equal(WasiErrno.Success, guest.Call("fd_close", fd));
        return errno;
    }

    private static WasiErrno Stat(RawGuest guest, string path, bool follow)
    {
        int length = guest.Memory.WriteUtf8(1024, path);
        return guest.Call("path_filestat_get", Work, follow ? 1 : 0, 1024, length, 4096);
    }

    private static string RandomPath(Random random)
    {
        var path = new StringBuilder();
        int depth = random.Next(10) switch { < 5 => 1, < 8 => 2, _ => 3 };
        for (int i = 0; i < depth; i++)
        {
            if (i > 0)
                path.Append('/');
            path.Append(s_names[random.Next(5) == 0 ? random.Next(s_names.Length) : random.Next(4)]);
        }
        if (random.Next(5) == 0)
            path.Append('/');
        return path.ToString();
    }

    private static string Tree(string root)
    {
        var tree = new StringBuilder();
        foreach (FileSystemInfo entry in new DirectoryInfo(root).EnumerateFileSystemInfos("*", SearchOption.TopDirectoryOnly).OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            tree.Append(entry.Name);
            if (entry.LinkTarget is string target)
                tree.Append($"->{target} ");
            else if (entry is DirectoryInfo)
                tree.Append($"({Tree(entry.FullName)}) ");
            else
                tree.Append(' ');
        }
        return tree.ToString();
    }

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenAt(int directory, string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeDirectoryAt(int directory, string path, uint mode);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int UnlinkAt(int directory, string path, int flags);

    [LibraryImport("libc", EntryPoint = "renameat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameAt(int fromDirectory, string from, int toDirectory, string to);

    [LibraryImport("libc", EntryPoint = "symlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SymbolicLinkAt(string target, int directory, string path);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int LinkAt(int fromDirectory, string from, int toDirectory, string to, int flags);

    [LibraryImport("libc", EntryPoint = "faccessat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(int directory, string path, int mode, int flags);
}

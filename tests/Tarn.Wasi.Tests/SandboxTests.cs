// Attacks on the sandbox: whatever a guest says, it gets an error number and nothing outside of what it was given. The outside is a secret file beside the
// preopened directory; no test may ever see its contents, and it must never change.
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

/// <summary>No path leaves its preopen.</summary>
public sealed class SandboxTests : IDisposable
{
    private const int Work = 3;
    private const string Secret = "the secret";
    private readonly TemporaryDirectory _directory = new();
    private readonly RawGuest _guest;

    public SandboxTests()
    {
        Directory.CreateDirectory(_directory["work/inner/deep"]);
        Directory.CreateDirectory(_directory["outside"]);
        File.WriteAllText(_directory["secret"], Secret);
        File.WriteAllText(_directory["outside/secret"], Secret);
        File.WriteAllText(_directory["work/plain"], "plain");
        File.WriteAllText(_directory["work/inner/file"], "inner");
        _guest = new RawGuest(new WasiOptions { Preopens = [WasiPreopen.Host(_directory["work"], "/work")] });
    }

    public void Dispose()
    {
        try
        {
            Assert.Equal(Secret, File.ReadAllText(_directory["secret"]));
            Assert.Equal(Secret, File.ReadAllText(_directory["outside/secret"]));
            Assert.Equal(["outside", "secret", "work"], Directory.EnumerateFileSystemEntries(_directory.Path).Select(Path.GetFileName).Order());
        }
        finally
        {
            _guest.Dispose();
            _directory.Dispose();
        }
    }

    // Its own memory, through the kernel's file of it, is as far outside as anything.
    [Theory]
    [InlineData("proc/self/mem")]
    [InlineData("proc/self/maps")]
    [InlineData("proc/self/environ")]
    [InlineData("proc/1/mem")]
    [InlineData("proc")]
    [InlineData("sys/kernel/uevent_seqnum")]
    public void The_kernels_interfaces_are_no_files(string path)
    {
        using var guest = new RawGuest(new WasiOptions { Preopens = [WasiPreopen.Host("/", "/root")] });
        Assert.NotEqual(WasiErrno.Success, guest.Open(Work, path, out _));
        // Given by themselves they are refused to the embedder.
        if (path == "proc")
            Assert.Throws<UnauthorizedAccessException>(() => new WasiContext(new WasiOptions { Preopens = [WasiPreopen.Host("/proc", "/proc")] }).Dispose());
    }

    [Theory]
    [InlineData("../secret")]
    [InlineData("..")]
    [InlineData("../")]
    [InlineData("./..")]
    [InlineData("./../secret")]
    [InlineData("inner/../../secret")]
    [InlineData("inner/deep/../../../secret")]
    [InlineData("inner/./deep//..//../..//secret")]
    [InlineData("../work/plain")]
    [InlineData("../../../../../../../../etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("/")]
    [InlineData("//etc/passwd")]
    [InlineData("/work/plain")]
    public void Paths_that_lead_out_are_refused_by_every_function(string path)
    {
        Assert.Equal(WasiErrno.NotCapable, _guest.Open(Work, path, out _));
        Assert.Equal(WasiErrno.NotCapable, _guest.Open(Work, path, out _, WasiOpenFlags.Create));
        Assert.Equal(WasiErrno.NotCapable, _guest.Open(Work, path, out _, WasiOpenFlags.Truncate));
        Assert.Equal(WasiErrno.NotCapable, _guest.OnPath("path_unlink_file", Work, path));
        Assert.Equal(WasiErrno.NotCapable, _guest.OnPath("path_remove_directory", Work, path));
        Assert.Equal(WasiErrno.NotCapable, _guest.OnPath("path_create_directory", Work, path));
        Assert.Equal(WasiErrno.NotCapable, _guest.SymbolicLink("plain", Work, path));
        Assert.Equal(WasiErrno.NotCapable, _guest.Rename(Work, path, Work, "taken"));
        Assert.Equal(WasiErrno.NotCapable, _guest.Rename(Work, "plain", Work, path));
        Assert.Equal(WasiErrno.NotCapable, _guest.HardLink(Work, path, Work, "taken"));
        Assert.Equal(WasiErrno.NotCapable, _guest.HardLink(Work, "plain", Work, path));
        int length = _guest.Memory.WriteUtf8(1024, path);
        foreach (int follow in (int[])[0, 1])
        {
            Assert.Equal(WasiErrno.NotCapable, _guest.Call("path_filestat_get", Work, follow, 1024, length, 4096));
            Assert.Equal(WasiErrno.NotCapable, _guest.Call("path_filestat_set_times", Work, follow, 1024, length, 0, 0, 5));
        }
        Assert.Equal(WasiErrno.NotCapable, _guest.Call("path_readlink", Work, 1024, length, 4096, 100, 5000));
        Assert.Equal("plain", File.ReadAllText(_directory["work/plain"]));
    }

    [Theory]
    [InlineData("..")]
    [InlineData("../secret")]
    [InlineData("../outside")]
    [InlineData("inner/../../secret")]
    public void Links_that_a_guest_makes_lead_nowhere_outside(string target)
    {
        Assert.Equal(WasiErrno.Success, _guest.SymbolicLink(target, Work, "trap"));
        Assert.Equal(WasiErrno.NotCapable, _guest.Open(Work, "trap", out _));
        Assert.Equal(WasiErrno.NotCapable, _guest.Open(Work, "trap/", out _, rights: WasiRights.Read));
        Assert.Equal(WasiErrno.NotCapable, _guest.Open(Work, "trap/secret", out _));
        Assert.Equal(WasiErrno.NotCapable, _guest.Open(Work, "trap/new", out _, WasiOpenFlags.Create));
        Assert.Equal(WasiErrno.NotCapable, _guest.Open(Work, "trap", out _, WasiOpenFlags.Truncate));
        Assert.Equal(WasiErrno.NotCapable, _guest.Open(Work, "inner/../trap/secret", out _));
        Assert.Equal(WasiErrno.Loop, _guest.Open(Work, "trap", out _, follow: false));
        Assert.Equal(WasiErrno.NotCapable, _guest.OnPath("path_unlink_file", Work, "trap/secret"));
        Assert.Equal(WasiErrno.NotCapable, _guest.OnPath("path_create_directory", Work, "trap/new"));
        Assert.Equal(WasiErrno.NotCapable, _guest.Rename(Work, "plain", Work, "trap/plain"));
        Assert.Equal(WasiErrno.NotCapable, _guest.HardLink(Work, "trap/secret", Work, "mine"));
        Assert.Equal(WasiErrno.NotCapable, _guest.HardLink(Work, "trap", Work, "mine", follow: true));
        int length = _guest.Memory.WriteUtf8(1024, "trap");
        Assert.Equal(WasiErrno.NotCapable, _guest.Call("path_filestat_get", Work, 1, 1024, length, 4096));
        Assert.Equal(WasiErrno.Success, _guest.Call("path_filestat_get", Work, 0, 1024, length, 4096));
        Assert.Equal((byte)WasiFileType.SymbolicLink, _guest.Memory.Read<byte>(4096 + 16));
        // A second name of the link itself is a link again.
        Assert.Equal(WasiErrno.Success, _guest.HardLink(Work, "trap", Work, "inner/trap"));
        Assert.Contains(_guest.Open(Work, "inner/trap", out _), (WasiErrno[])[WasiErrno.NoEntry, WasiErrno.IsDirectory]);
        Assert.Equal(WasiErrno.Success, _guest.OnPath("path_unlink_file", Work, "trap"));
    }

    [Fact]
    public void A_link_moved_deeper_or_higher_is_judged_where_it_stands()
    {
        // Made where it is harmless, moved to where it is not.
        Assert.Equal(WasiErrno.Success, _guest.SymbolicLink("../../secret", Work, "inner/deep/link"));
        Assert.Equal(WasiErrno.NoEntry, _guest.Open(Work, "inner/deep/link", out _));
        Assert.Equal(WasiErrno.Success, _guest.Rename(Work, "inner/deep/link", Work, "inner/link"));
        Assert.Equal(WasiErrno.NotCapable, _guest.Open(Work, "inner/link", out _));
        Assert.Equal(WasiErrno.Success, _guest.Rename(Work, "inner/link", Work, "link"));
        Assert.Equal(WasiErrno.NotCapable, _guest.Open(Work, "link", out _));
    }

    [Fact]
    public void A_guest_makes_no_absolute_link_and_follows_none_of_the_hosts()
    {
        Assert.Equal(WasiErrno.NotCapable, _guest.SymbolicLink("/etc/passwd", Work, "absolute"));
        Assert.False(Path.Exists(_directory["work/absolute"]));
        File.CreateSymbolicLink(_directory["work/host-file"], _directory["secret"]);
        Directory.CreateSymbolicLink(_directory["work/host-directory"], _directory["outside"]);
        Directory.CreateSymbolicLink(_directory["work/up"], "..");
        foreach (string path in (string[])["host-file", "host-directory", "host-directory/secret", "up", "up/secret", "inner/../up/secret"])
            Assert.Equal(WasiErrno.NotCapable, _guest.Open(Work, path, out _));
        Assert.Equal(WasiErrno.NotCapable, _guest.Open(Work, "host-file", out _, WasiOpenFlags.Truncate));
        Assert.Equal(WasiErrno.Exists, _guest.Open(Work, "host-file", out _, WasiOpenFlags.Create | WasiOpenFlags.Exclusive));
    }

    [Fact]
    public void Links_inside_work()
    {
        Assert.Equal(WasiErrno.Success, _guest.SymbolicLink("../plain", Work, "inner/back"));
        Assert.Equal(WasiErrno.Success, _guest.SymbolicLink("inner/deep/..", Work, "around"));
        Assert.Equal(WasiErrno.Success, _guest.Open(Work, "around/back", out int opened));
        Assert.Equal("plain", _guest.ReadText(opened));
        Assert.Equal(WasiErrno.Success, _guest.SymbolicLink("made-through-a-link", Work, "dangling"));
        Assert.Equal(WasiErrno.Success, _guest.Open(Work, "dangling", out opened, WasiOpenFlags.Create));
        Assert.True(File.Exists(_directory["work/made-through-a-link"]));
    }

    [Fact]
    public void Chains_of_links_end()
    {
        for (int i = 0; i < 60; i++)
            Assert.Equal(WasiErrno.Success, _guest.SymbolicLink(i == 0 ? "plain" : $"chain{i - 1}", Work, $"chain{i}"));
        Assert.Equal(WasiErrno.Success, _guest.Open(Work, "chain39", out _));
        Assert.Equal(WasiErrno.Loop, _guest.Open(Work, "chain59", out _));
        Assert.Equal(WasiErrno.Success, _guest.SymbolicLink("bomb/bomb", Work, "bomb"));
        Assert.Equal(WasiErrno.Loop, _guest.Open(Work, "bomb", out _));
        Assert.Equal(WasiErrno.NameTooLong, _guest.Open(Work, string.Concat(Enumerable.Repeat("inner/../", 1000)), out _));
        Assert.Equal(WasiErrno.Success, _guest.Open(Work, string.Concat(Enumerable.Repeat("inner/../", 400)) + "plain", out _));
    }

    [Fact]
    public void A_directory_held_open_is_a_root_of_its_own()
    {
        Assert.Equal(WasiErrno.Success, _guest.Open(Work, "inner", out int inner, WasiOpenFlags.Directory, WasiRights.All & ~WasiRights.Write));
        Assert.Equal(WasiErrno.Success, _guest.Open(inner, "file", out _));
        Assert.Equal(WasiErrno.NotCapable, _guest.Open(inner, "..", out _));
        Assert.Equal(WasiErrno.NotCapable, _guest.Open(inner, "../plain", out _));
        // Moved out of the preopen by the host: it stays what it is, and leads nowhere else.
        Directory.Move(_directory["work/inner"], _directory["outside/inner"]);
        Assert.Equal(WasiErrno.NotCapable, _guest.Open(inner, "../secret", out _));
        Assert.Equal(WasiErrno.NotCapable, _guest.Open(inner, "deep/../../secret", out _));
        Assert.Equal(WasiErrno.Success, _guest.Open(inner, "file", out _));
    }

    [Fact]
    public async Task A_race_of_links_against_opening_is_lost_by_the_attacker()
    {
        // Another process exchanges a directory for a link to the outside and back, as fast as it can.
        Directory.CreateDirectory(_directory["work/flip"]);
        File.WriteAllText(_directory["work/flip/secret"], "harmless");
        using var stop = new CancellationTokenSource();
        Task attacker = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                Directory.Move(_directory["work/flip"], _directory["work/aside"]);
                Directory.CreateSymbolicLink(_directory["work/flip"], _directory["outside"]);
                File.Delete(_directory["work/flip"]);
                Directory.CreateSymbolicLink(_directory["work/flip"], "../outside");
                File.Delete(_directory["work/flip"]);
                Directory.Move(_directory["work/aside"], _directory["work/flip"]);
            }
        });
        int opened = 0;
        int refused = 0;
        // Longer where the machine is busy: both outcomes must have been seen many times.
        DateTime start = DateTime.UtcNow;
        while (DateTime.UtcNow < start.AddSeconds(2) || ((opened < 50 || refused < 50) && DateTime.UtcNow < start.AddSeconds(30)))
        {
            WasiErrno errno = _guest.Open(Work, "flip/secret", out int fd);
            if (errno == WasiErrno.Success)
            {
                opened++;
                Assert.Equal("harmless", _guest.ReadText(fd));
                Assert.Equal(WasiErrno.Success, _guest.Call("fd_close", fd));
                continue;
            }
            refused++;
            Assert.Contains(errno, (WasiErrno[])[WasiErrno.NotCapable, WasiErrno.NoEntry, WasiErrno.NotDirectory, WasiErrno.Loop]);
        }
        await stop.CancelAsync();
        await attacker;
        Assert.True(opened > 0 && refused > 0, $"the race did not take place: {opened} opened, {refused} refused");
    }

    [Fact]
    public async Task A_race_of_links_against_files_is_lost_by_the_attacker()
    {
        using var stop = new CancellationTokenSource();
        Task attacker = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                File.Delete(_directory["work/target"]);
                File.CreateSymbolicLink(_directory["work/target"], _directory["secret"]);
                File.Delete(_directory["work/target"]);
                File.WriteAllText(_directory["work/target"], "harmless");
            }
        });
        int opened = 0;
        DateTime start = DateTime.UtcNow;
        while (DateTime.UtcNow < start.AddSeconds(2) || (opened < 50 && DateTime.UtcNow < start.AddSeconds(30)))
        {
            // Truncating through the link would destroy the secret: Dispose checks that it is whole.
            if (_guest.Open(Work, "target", out int fd, WasiOpenFlags.Truncate) == WasiErrno.Success)
            {
                opened++;
                Assert.Equal(WasiErrno.Success, _guest.WriteText(fd, "overwritten"));
                Assert.Equal(WasiErrno.Success, _guest.Call("fd_close", fd));
            }
        }
        await stop.CancelAsync();
        await attacker;
        Assert.True(opened > 0, "the race did not take place");
    }

    [Fact]
    public void A_preopen_for_reading_is_for_reading()
    {
        using var guest = new RawGuest(new WasiOptions { Preopens = [WasiPreopen.Host(_directory["work"], "/work", WasiRights.ReadOnly), WasiPreopen.Host(_directory["work/inner"], "/inner")] });
        const int ReadOnly = 3;
        const int Writable = 4;
        Assert.Equal(WasiErrno.Success, guest.Open(ReadOnly, "plain", out int fd, rights: WasiRights.All & ~(WasiRights.Write | WasiRights.SyncData)));
        Assert.Equal("plain", guest.ReadText(fd));
        Assert.Equal(WasiErrno.NotCapable, guest.WriteText(fd, "x"));
        Assert.Equal(WasiErrno.NotCapable, guest.Call("fd_filestat_set_size", fd, 0));
        Assert.Equal(WasiErrno.NotCapable, guest.Call("fd_allocate", fd, 0, 100));
        Assert.Equal(WasiErrno.NotCapable, guest.Call("fd_filestat_set_times", fd, 0, 0, 5));
        Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.Open(ReadOnly, "new", out _, WasiOpenFlags.Create));
        Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.Open(ReadOnly, "plain", out _, WasiOpenFlags.Truncate));
        Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.OnPath("path_unlink_file", ReadOnly, "plain"));
        Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.OnPath("path_create_directory", ReadOnly, "new"));
        Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.OnPath("path_remove_directory", ReadOnly, "inner"));
        Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.SymbolicLink("plain", ReadOnly, "new"));
        Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.Rename(ReadOnly, "plain", Writable, "plain"));
        Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.Rename(Writable, "file", ReadOnly, "file"));
        Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.HardLink(ReadOnly, "plain", Writable, "writable-now"));
        // What is opened through it has no more rights either, and takes none.
        Assert.Equal(WasiErrno.Success, guest.Open(ReadOnly, "inner", out int inner, WasiOpenFlags.Directory, WasiRights.All & ~WasiRights.Write));
        Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.OnPath("path_unlink_file", inner, "file"));
        Assert.Equal(WasiErrno.NotCapable, guest.Call("fd_fdstat_set_rights", inner, (long)WasiRights.All, (long)WasiRights.All));
        Assert.Equal("plain", File.ReadAllText(_directory["work/plain"]));
    }

    [Fact]
    public void A_pipe_among_the_files_holds_nobody_up()
    {
        using (System.Diagnostics.Process make = System.Diagnostics.Process.Start("mkfifo", [_directory["work/pipe"]]))
            make.WaitForExit();
        // Nobody writes to it: an ordinary open would wait for ever, in the kernel, where nothing interrupts it.
        Assert.Equal(WasiErrno.Success, _guest.Open(Work, "pipe", out int pipe, rights: WasiRights.Read));
        Assert.Equal("", _guest.ReadText(pipe));
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_close", pipe));
        Assert.Equal(WasiErrno.NoSuchDevice, _guest.Open(Work, "pipe", out _, rights: WasiRights.Write));
    }

    [Fact]
    public void Rights_given_up_do_not_come_back()
    {
        Assert.Equal(WasiErrno.Success, _guest.Open(Work, "plain", out int fd));
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_fdstat_set_rights", fd, (long)WasiRights.Write, 0));
        Assert.Equal(WasiErrno.NotCapable, _guest.Call("fd_read", fd, 0, 0, 264));
        Assert.Equal(WasiErrno.NotCapable, _guest.Call("fd_fdstat_set_rights", fd, (long)(WasiRights.Write | WasiRights.Read), 0));
        Assert.Equal(WasiErrno.Success, _guest.WriteText(fd, "PLAIN"));
    }

    [Fact]
    public void Names_with_zero_bytes_or_without_sense_are_refused()
    {
        Assert.Equal(WasiErrno.Invalid, _guest.Open(Work, "plain\0.txt", out _));
        Assert.Equal(WasiErrno.NoEntry, _guest.Open(Work, "", out _));
        Assert.Equal(WasiErrno.NameTooLong, _guest.Open(Work, new string('n', 256), out _));
        // ".." in overlong form is a name like others, and leads nowhere.
        _guest.Memory.CopyFrom(1024, [0xc0, 0xae, 0xc0, 0xae, (byte)'/', (byte)'s', (byte)'e', (byte)'c', (byte)'r', (byte)'e', (byte)'t']);
        Assert.Equal(WasiErrno.NoEntry, _guest.Call("path_open", Work, 1, 1024, 11, 0, (long)WasiRights.Read, 0, 0, 512));
    }

    [Fact]
    public void A_listing_shows_nothing_of_what_lies_above()
    {
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_readdir", Work, 8192, 4096, 0, 512));
        ulong self = _guest.Memory.Read<ulong>(8192 + 8);
        int second = 8192 + 24 + 1;
        Assert.Equal("..", _guest.Memory.ReadUtf8(second + 24, 2));
        Assert.Equal(self, _guest.Memory.Read<ulong>(second + 8));
    }

    [Fact]
    public void The_same_attacks_fail_on_a_memory_file_system()
    {
        var memory = new WasiMemoryFileSystem();
        memory.WriteFile("secret", Secret);
        memory.WriteFile("work/plain", "plain");
        using var guest = new RawGuest(new WasiOptions
        {
            Preopens = [WasiPreopen.Virtual(() =>
            {
                using WasiDirectory root = memory.OpenRoot();
                Assert.Equal(WasiErrno.Success, root.OpenDirectory("work", out WasiDirectory? work));
                return work!;
            }, "/work")],
        });
        Assert.Equal(WasiErrno.NotCapable, guest.Open(Work, "../secret", out _));
        Assert.Equal(WasiErrno.Success, guest.SymbolicLink("../secret", Work, "trap"));
        Assert.Equal(WasiErrno.NotCapable, guest.Open(Work, "trap", out _));
        Assert.Equal(WasiErrno.NotCapable, guest.SymbolicLink("/secret", Work, "absolute"));
        Assert.Equal(WasiErrno.Success, guest.Open(Work, "./plain", out int fd));
        Assert.Equal("plain", guest.ReadText(fd));
    }
}

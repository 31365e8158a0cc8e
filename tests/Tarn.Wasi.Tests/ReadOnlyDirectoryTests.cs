// What a guest meets that would change something in a directory it was given for reading: the answer of a file system that is mounted so, at once and not at the first write, for
// wasi-libc too, which asks only for the rights that a directory says it passes on.
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

/// <summary>Opening for writing in a directory for reading fails when it is opened.</summary>
public sealed class ReadOnlyDirectoryTests : IDisposable
{
    private const int Work = 3;
    private readonly TemporaryDirectory _directory = new();
    private readonly WasiMemoryFileSystem _memory = new();

    public ReadOnlyDirectoryTests()
    {
        File.WriteAllText(_directory["keep"], "text");
        Directory.CreateDirectory(_directory["below"]);
        File.WriteAllText(_directory["below/keep"], "text");
        File.CreateSymbolicLink(_directory["link"], "keep");
        _memory.WriteFile("keep", "text");
        _memory.WriteFile("below/keep", "text");
        using WasiDirectory root = _memory.OpenRoot();
        Assert.Equal(WasiErrno.Success, root.CreateSymbolicLink("link", "keep"));
    }

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_program_in_C_is_told_when_it_opens(bool onHost)
    {
        GuestResult result = Guest.Run("read-only-open", [], new WasiOptions { Preopens = [Preopen(onHost, WasiRights.ReadOnly)] });
        const string Refused = "open: Read-only file system (69)\n";
        string[] ways = ["O_RDWR", "O_WRONLY", "O_WRONLY|O_APPEND", "O_RDWR|O_CREAT existing", "O_RDWR|O_TRUNC", "O_WRONLY|O_CREAT new"];
        Assert.StartsWith(
            string.Concat(ways.Select(way => way.PadRight(29) + Refused)) + "fopen r+: Read-only file system\nfopen a: Read-only file system\naccess W_OK: -1 Permission denied\n",
            result.Output, StringComparison.Ordinal);
        Assert.Contains("(write 0)\n", result.Output, StringComparison.Ordinal);
        AssertUnchanged(onHost);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_directory_for_everything_is_written_to(bool onHost)
    {
        GuestResult result = Guest.Run("read-only-open", [], new WasiOptions { Preopens = [Preopen(onHost, WasiRights.All)] });
        Assert.DoesNotContain("Read-only", result.Output, StringComparison.Ordinal);
        Assert.Contains("access W_OK: 0", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, "")]
    [InlineData(false, "")]
    [InlineData(true, "below/")]
    [InlineData(false, "below/")]
    public void What_is_there_is_said_first_then_that_it_may_not_be_changed(bool onHost, string at)
    {
        using var guest = new RawGuest(new WasiOptions { Preopens = [Preopen(onHost, WasiRights.ReadOnly)] });
        const WasiOpenFlags Create = WasiOpenFlags.Create;
        int directory = Work;
        if (at.Length > 0)
            Assert.Equal(WasiErrno.Success, guest.Open(Work, at, out directory, WasiOpenFlags.Directory, WasiRights.ReadOnly));
        Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.Open(directory, "keep", out _, rights: WasiRights.Read | WasiRights.Write));
        Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.Open(directory, "keep", out _, rights: WasiRights.All));
        Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.Open(directory, "keep", out _, WasiOpenFlags.Truncate, WasiRights.Read));
        Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.Open(directory, "new", out _, Create, WasiRights.Read));
        Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.Open(directory, "new", out _, Create | WasiOpenFlags.Exclusive, WasiRights.Write));
        Assert.Equal(WasiErrno.Exists, guest.Open(directory, "keep", out _, Create | WasiOpenFlags.Exclusive, WasiRights.Write));
        Assert.Equal(WasiErrno.NoEntry, guest.Open(directory, "new", out _, rights: WasiRights.Write));
        // Creating what is there and is only read changes nothing.
        Assert.Equal(WasiErrno.Success, guest.Open(directory, "keep", out int fd, Create, WasiRights.Read));
        Assert.Equal("text", guest.ReadText(fd));
        Assert.Equal(WasiErrno.NotCapable, guest.WriteText(fd, "x"));
        Assert.Equal(WasiErrno.NotCapable, guest.Call("fd_filestat_set_size", fd, 0));
        // Rights that change something without having been asked for by a mode are not granted, as before.
        Assert.Equal(WasiErrno.Success, guest.Open(directory, "keep", out fd, rights: WasiRights.Read | WasiRights.SetSize | WasiRights.Allocate | WasiRights.SetTimes));
        Assert.Equal(WasiErrno.NotCapable, guest.Call("fd_filestat_set_size", fd, 0));
        Assert.Equal(WasiErrno.NotCapable, guest.Call("fd_datasync", fd));
        if (at.Length == 0)
        {
            Assert.Equal(WasiErrno.IsDirectory, guest.Open(directory, "below", out _, rights: WasiRights.Write));
            Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.Open(directory, "link", out _, rights: WasiRights.Write));
            Assert.Equal(WasiErrno.Success, guest.Open(directory, "link", out _, rights: WasiRights.Read));
            Assert.Equal(WasiErrno.Loop, guest.Open(directory, "link", out _, rights: WasiRights.Write, follow: false));
        }
        AssertUnchanged(onHost);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_other_change_is_refused_the_same_way(bool onHost)
    {
        using var guest = new RawGuest(new WasiOptions { Preopens = [Preopen(onHost, WasiRights.ReadOnly)] });
        const WasiErrno Refused = WasiErrno.ReadOnlyFileSystem;
        Assert.Equal(Refused, guest.OnPath("path_create_directory", Work, "new"));
        Assert.Equal(Refused, guest.OnPath("path_remove_directory", Work, "below"));
        Assert.Equal(Refused, guest.OnPath("path_unlink_file", Work, "keep"));
        Assert.Equal(Refused, guest.SymbolicLink("keep", Work, "new"));
        Assert.Equal(Refused, guest.HardLink(Work, "keep", Work, "new"));
        Assert.Equal(Refused, guest.Rename(Work, "keep", Work, "new"));
        int length = guest.Memory.WriteUtf8(1024, "keep");
        Assert.Equal(Refused, guest.Call("path_filestat_set_times", Work, 1, 1024, length, 0, 0, 1));
        Assert.Equal(Refused, guest.Call("fd_filestat_set_times", Work, 0, 0, 1));
        AssertUnchanged(onHost);
    }

    [Fact]
    public void Rights_that_a_guest_gave_up_are_missing_capabilities()
    {
        using var guest = new RawGuest(new WasiOptions { Preopens = [Preopen(onHost: false, WasiRights.All)] });
        Assert.Equal(WasiErrno.Success, guest.Call("fd_fdstat_set_rights", Work, (long)WasiRights.OpenPath, (long)WasiRights.ReadOnly));
        Assert.Equal(WasiErrno.NotCapable, guest.OnPath("path_create_directory", Work, "new"));
        Assert.Equal(WasiErrno.NotCapable, guest.Open(Work, "new", out _, WasiOpenFlags.Create, WasiRights.Read));
        Assert.Equal(WasiErrno.NotCapable, guest.Open(Work, "keep", out _, rights: WasiRights.Write));
        Assert.Equal(WasiErrno.Success, guest.Open(Work, "keep", out _, rights: WasiRights.Read));
    }

    private WasiPreopen Preopen(bool onHost, WasiRights rights) =>
        onHost ? WasiPreopen.Host(_directory.Path, ".", rights) : WasiPreopen.Memory(_memory, ".", rights);

    private void AssertUnchanged(bool onHost)
    {
        if (!onHost)
        {
            Assert.Equal("text"u8.ToArray(), _memory.ReadFile("keep"));
            Assert.Throws<FileNotFoundException>(() => _memory.ReadFile("new"));
            return;
        }
        Assert.Equal("text", File.ReadAllText(_directory["keep"]));
        Assert.Equal(3, Directory.GetFileSystemEntries(_directory.Path).Length);
    }
}

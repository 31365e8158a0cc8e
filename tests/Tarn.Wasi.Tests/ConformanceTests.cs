// The corners of paths, flags and polls in which implementations differ, as the interface's own test suite, Linux and C libraries expect them; on a directory of the host
// and on an in-memory file system, which must not differ from each other.
using System.IO.Pipelines;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

/// <summary>Error numbers and effects are those that programs expect.</summary>
public sealed class ConformanceTests : IDisposable
{
    private const int Work = 3;
    private const WasiRights Reading = WasiRights.ReadOnly;
    private readonly TemporaryDirectory _directory = new();
    private RawGuest? _guest;

    public void Dispose()
    {
        _guest?.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_slash_behind_a_name_asks_for_a_directory(bool onHost)
    {
        RawGuest guest = Begin(onHost);
        int length = guest.Memory.WriteUtf8(1024, "file/");
        Assert.Equal(WasiErrno.NotDirectory, guest.Call("path_filestat_set_times", Work, 0, 1024, length, 1, 1, 5));
        Assert.Equal(WasiErrno.NotDirectory, guest.Call("path_filestat_set_times", Work, 1, 1024, length, 1, 1, 5));
        Assert.Equal(WasiErrno.NotDirectory, guest.Call("path_filestat_get", Work, 0, 1024, length, 4096));
        Assert.Equal(WasiErrno.NotDirectory, guest.Open(Work, "file/", out _, rights: Reading));
        Assert.Equal(WasiErrno.NotDirectory, guest.Open(Work, "file///", out _, rights: Reading));
        Assert.Equal(WasiErrno.NotDirectory, guest.OnPath("path_unlink_file", Work, "file/"));
        Assert.Equal(WasiErrno.NotDirectory, guest.OnPath("path_remove_directory", Work, "file/"));
        Assert.Equal(WasiErrno.NotDirectory, guest.Rename(Work, "file/", Work, "new"));
        Assert.Equal(WasiErrno.NotDirectory, guest.Rename(Work, "file", Work, "new/"));
        Assert.Equal(WasiErrno.NotDirectory, guest.HardLink(Work, "file/", Work, "new"));
        length = guest.Memory.WriteUtf8(1024, "full/");
        Assert.Equal(WasiErrno.Success, guest.Call("path_filestat_set_times", Work, 0, 1024, length, 1, 1, 5));
        // A name that is to be made and ends in a slash is missing, or there already.
        Assert.Equal(WasiErrno.NoEntry, guest.SymbolicLink("source", Work, "new/"));
        Assert.Equal(WasiErrno.Exists, guest.SymbolicLink("source", Work, "full/"));
        Assert.Equal(WasiErrno.Exists, guest.SymbolicLink("source", Work, "file/"));
        Assert.Equal(WasiErrno.NoEntry, guest.HardLink(Work, "file", Work, "new/"));
        Assert.Equal(WasiErrno.Exists, guest.HardLink(Work, "file", Work, "full/"));
        Assert.Equal(WasiErrno.NotPermitted, guest.HardLink(Work, "full/", Work, "new"));
        Assert.Equal(WasiErrno.Success, guest.OnPath("path_create_directory", Work, "made/"));
        Assert.Equal(WasiErrno.Exists, guest.OnPath("path_create_directory", Work, "made/"));
        Assert.Equal(WasiErrno.Success, guest.Rename(Work, "made/", Work, "moved/"));
        Assert.Equal(WasiErrno.NotEmpty, guest.OnPath("path_remove_directory", Work, "full/"));
        Assert.Equal(WasiErrno.IsDirectory, guest.OnPath("path_unlink_file", Work, "moved/"));
        Assert.Equal(WasiErrno.Success, guest.OnPath("path_remove_directory", Work, "moved/"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Opening_heeds_every_flag(bool onHost)
    {
        RawGuest guest = Begin(onHost);
        const WasiOpenFlags MakeDirectory = WasiOpenFlags.Create | WasiOpenFlags.Directory;
        // Opening makes no directories, and says so before it looks (as Linux since 6.4).
        Assert.Equal(WasiErrno.Invalid, guest.Open(Work, "new", out _, MakeDirectory, Reading));
        Assert.Equal(WasiErrno.Invalid, guest.Open(Work, "full", out _, MakeDirectory, Reading));
        Assert.Equal(WasiErrno.Invalid, guest.Open(Work, "file", out _, MakeDirectory | WasiOpenFlags.Exclusive, Reading));
        Assert.Equal(WasiErrno.IsDirectory, guest.Open(Work, "full", out _, WasiOpenFlags.Create, Reading));
        Assert.Equal(WasiErrno.IsDirectory, guest.Open(Work, "full", out _, WasiOpenFlags.Truncate, Reading));
        Assert.Equal(WasiErrno.IsDirectory, guest.Open(Work, "full", out _, WasiOpenFlags.Directory, WasiRights.Read | WasiRights.Write));
        Assert.Equal(WasiErrno.IsDirectory, guest.Open(Work, "new/", out _, WasiOpenFlags.Create, Reading));
        Assert.Equal(WasiErrno.Exists, guest.Open(Work, "full", out _, WasiOpenFlags.Create | WasiOpenFlags.Exclusive));
        Assert.Equal(WasiErrno.Exists, guest.Open(Work, "file", out _, WasiOpenFlags.Create | WasiOpenFlags.Exclusive));
        Assert.Equal(WasiErrno.Exists, guest.Open(Work, "dangling", out _, WasiOpenFlags.Create | WasiOpenFlags.Exclusive));
        Assert.Equal(WasiErrno.NotDirectory, guest.Open(Work, "file", out _, WasiOpenFlags.Directory, Reading));
        // Exclusive means nothing where nothing is made.
        Assert.Equal(WasiErrno.Success, guest.Open(Work, "file", out _, WasiOpenFlags.Exclusive, Reading));
        Assert.Equal(WasiErrno.Success, guest.Open(Work, "to-file", out _, WasiOpenFlags.Exclusive, Reading));
        Assert.Equal(WasiErrno.NotDirectory, guest.Open(Work, "to-file", out _, WasiOpenFlags.Directory, Reading));
        Assert.Equal(WasiErrno.NotDirectory, guest.Open(Work, "to-full", out _, WasiOpenFlags.Directory, Reading, follow: false));
        Assert.Equal(WasiErrno.Success, guest.Open(Work, "to-full", out _, WasiOpenFlags.Directory, Reading));
        Assert.Equal(WasiErrno.Loop, guest.Open(Work, "to-file", out _, follow: false));
        Assert.Equal(WasiErrno.Loop, guest.Open(Work, "loop", out _));
        Assert.Equal(WasiErrno.Loop, guest.Open(Work, "dangling", out _, follow: false));
        Assert.Equal(WasiErrno.NoEntry, guest.Open(Work, "dangling", out _));
        // No rights at all: truncating asks for a right of the directory only.
        Assert.Equal(WasiErrno.Success, guest.Open(Work, "file", out int fd, WasiOpenFlags.Truncate, WasiRights.None));
        Assert.Equal(WasiErrno.NotCapable, guest.WriteText(fd, "x"));
        Assert.Equal(WasiErrno.NotDirectory, guest.Open(0, "file", out _));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Renaming_replaces_what_may_be_replaced(bool onHost)
    {
        RawGuest guest = Begin(onHost);
        Assert.Equal(WasiErrno.Success, guest.OnPath("path_create_directory", Work, "empty"));
        Assert.Equal(WasiErrno.IsDirectory, guest.Rename(Work, "file", Work, "empty"));
        Assert.Equal(WasiErrno.NotDirectory, guest.Rename(Work, "empty", Work, "file"));
        Assert.Equal(WasiErrno.NotEmpty, guest.Rename(Work, "empty", Work, "full"));
        Assert.Equal(WasiErrno.Invalid, guest.Rename(Work, "full", Work, "full/below"));
        Assert.Equal(WasiErrno.Success, guest.Rename(Work, "file", Work, "file"));
        Assert.Equal(WasiErrno.NoEntry, guest.Rename(Work, "missing", Work, "file"));
        Assert.Equal(WasiErrno.Busy, guest.Rename(Work, ".", Work, "x"));
        // A link is what is moved and what is replaced, never what it leads to.
        Assert.Equal(WasiErrno.Success, guest.Rename(Work, "full/inner", Work, "to-full"));
        Assert.Equal(WasiErrno.Success, guest.Rename(Work, "full", Work, "empty"));
        Assert.Equal(WasiErrno.Success, guest.Open(Work, "to-full", out int fd));
        Assert.Equal("inner", guest.ReadText(fd));
    }

    [Fact]
    public void Polling_in_no_time_sees_the_input_that_is_there()
    {
        _guest = new RawGuest(new WasiOptions { StandardInput = new MemoryStream("input"u8.ToArray()) });
        Clock(_guest, 0, 1, 0);
        Read(_guest, 1, 2, 0);
        Assert.Equal([(1, WasiErrno.Success), (2, WasiErrno.Success)], Poll(_guest, 2));
        Assert.Equal("input", _guest.ReadText(0));
        Assert.Equal("", _guest.ReadText(0));
    }

    [Fact]
    public async Task Polling_in_no_time_sees_the_input_that_comes()
    {
        var pipe = new Pipe();
        _guest = new RawGuest(new WasiOptions { StandardInput = pipe.Reader.AsStream() });
        Clock(_guest, 0, 1, 0);
        Read(_guest, 1, 2, 0);
        Assert.Equal([(1, WasiErrno.Success)], Poll(_guest, 2));
        await pipe.Writer.WriteAsync("input"u8.ToArray());
        // A guest that looks again and again without waiting.
        DateTime late = DateTime.UtcNow.AddSeconds(30);
        while (Poll(_guest, 2).Length < 2)
            Assert.True(DateTime.UtcNow < late, "the input is never seen");
        Assert.Equal("input", _guest.ReadText(0));
    }

    [Fact]
    public void Polling_for_what_a_descriptor_cannot_do_is_an_error_and_not_for_ever()
    {
        _guest = new RawGuest(new WasiOptions { StandardInput = new Pipe().Reader.AsStream() });
        Write(_guest, 0, 1, 0);
        Read(_guest, 1, 2, 1);
        Assert.Equal([(1, WasiErrno.NotCapable), (2, WasiErrno.NotCapable)], Poll(_guest, 2));
    }

    [Fact]
    public void Polls_answer_each_subscription_with_its_own_data()
    {
        RawGuest guest = Begin(onHost: true);
        Assert.Equal(WasiErrno.Success, guest.Open(Work, "file", out int fd));
        // At the end or not, a file can always be read; twice subscribed is twice answered; a closed descriptor is an event.
        Read(guest, 0, 7, fd);
        Read(guest, 1, 8, fd);
        Read(guest, 2, 9, 999);
        Write(guest, 3, 10, fd);
        Assert.Equal([(7, WasiErrno.Success), (8, WasiErrno.Success), (9, WasiErrno.BadDescriptor), (10, WasiErrno.Success)], Poll(guest, 4));
        Assert.Equal(4L, guest.Memory.Read<long>(16384 + 16));
        Assert.Equal(WasiErrno.Success, guest.Call("fd_seek", fd, 0, 2, 512));
        Assert.Equal([(7, WasiErrno.Success)], Poll(guest, 1));
        Assert.Equal(0L, guest.Memory.Read<long>(16384 + 16));
        // Several clocks: the past rings at once, the far future does not.
        Clock(guest, 0, 1, long.MaxValue);
        Clock(guest, 1, 2, 1, absolute: true);
        Clock(guest, 2, 3, long.MaxValue, absolute: true);
        Assert.Equal([(2, WasiErrno.Success)], Poll(guest, 3));
    }

    [Fact]
    public async Task Reading_nothing_waits_for_nothing()
    {
        using var engine = new Engine(new EngineOptions { BlockOnPendingHostFunctions = true, EnableInterruption = true });
        _guest = new RawGuest(new WasiOptions { StandardInput = new Pipe().Reader.AsStream() }, engine);
        _guest.Memory.Write(256, 8192);
        _guest.Memory.Write(260, 0);
        Assert.Equal(WasiErrno.Success, await Task.Run(() => _guest.Call("fd_read", 0, 256, 1, 264)).WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_read", 0, 256, 0, 264));
        Assert.Equal(0, _guest.Memory.Read<int>(264));
    }

    [Fact]
    public async Task Input_that_is_not_to_be_waited_for_is_not()
    {
        var pipe = new Pipe();
        _guest = new RawGuest(new WasiOptions { StandardInput = pipe.Reader.AsStream() });
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_fdstat_set_flags", 0, 4));
        _guest.Memory.Write(256, 8192);
        _guest.Memory.Write(260, 100);
        Assert.Equal(WasiErrno.Again, _guest.Call("fd_read", 0, 256, 1, 264));
        await pipe.Writer.WriteAsync("input"u8.ToArray());
        DateTime late = DateTime.UtcNow.AddSeconds(30);
        WasiErrno errno;
        while ((errno = _guest.Call("fd_read", 0, 256, 1, 264)) == WasiErrno.Again)
            Assert.True(DateTime.UtcNow < late, "the input is never seen");
        Assert.Equal(WasiErrno.Success, errno);
        Assert.Equal("input", _guest.Memory.ReadUtf8(8192, _guest.Memory.Read<int>(264)));
    }

    [Fact]
    public void Input_that_breaks_under_a_poll_does_not_look_like_its_end()
    {
        using var broken = new BreakingStream();
        _guest = new RawGuest(new WasiOptions { StandardInput = broken });
        Read(_guest, 0, 1, 0);
        Assert.Equal([(1, WasiErrno.Success)], Poll(_guest, 1));
        _guest.Memory.Write(256, 8192);
        _guest.Memory.Write(260, 100);
        Assert.Equal(WasiErrno.InputOutput, _guest.Call("fd_read", 0, 256, 1, 264));
    }

    [Fact]
    public void A_stream_at_its_end_says_that_it_hangs_up()
    {
        _guest = new RawGuest(new WasiOptions { StandardInput = new MemoryStream() });
        Read(_guest, 0, 1, 0);
        Assert.Equal([(1, WasiErrno.Success)], Poll(_guest, 1));
        const int HangUp = 1;
        Assert.Equal(HangUp, _guest.Memory.Read<ushort>(16384 + 24));
        Assert.Equal("", _guest.ReadText(0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_listing_in_pieces_of_any_size_is_whole(bool onHost)
    {
        RawGuest guest = Begin(onHost);
        for (int i = 0; i < 100; i++)
            Assert.Equal(WasiErrno.Success, guest.Open(Work, $"full/{new string('n', i)}ü{i}", out _, WasiOpenFlags.Create));
        Assert.Equal(WasiErrno.Success, guest.Open(Work, "full", out int fd, WasiOpenFlags.Directory, WasiRights.All & ~WasiRights.Write));
        var names = new List<string>();
        long cookie = 0;
        while (true)
        {
            const int Room = 300;
            Assert.Equal(WasiErrno.Success, guest.Call("fd_readdir", fd, 8192, Room, cookie, 512));
            int used = guest.Memory.Read<int>(512);
            int at = 0;
            while (used - at >= 24)
            {
                int length = guest.Memory.Read<int>(8192 + at + 16);
                if (used - at - 24 < length)
                    break;
                names.Add(guest.Memory.ReadUtf8(8192 + at + 24, length));
                cookie = guest.Memory.Read<long>(8192 + at);
                at += 24 + length;
                // Removed meanwhile, before and behind: what stays is neither lost nor told twice.
                if (names.Count == 50)
                    Assert.Equal(WasiErrno.Success, guest.OnPath("path_unlink_file", fd, names[40]));
            }
            if (used < Room)
                break;
        }
        Assert.Equal(103, names.Count);
        Assert.Equal(103, names.Distinct().Count());
        Assert.Equal([".", ".."], names[..2]);
    }

    private static void Subscribe(RawGuest guest, int index, long userData, byte kind)
    {
        guest.Memory.AsSpan(12288 + (index * 48), 48).Clear();
        guest.Memory.Write(12288 + (index * 48), userData);
        guest.Memory.Write(12288 + (index * 48) + 8, kind);
    }

    private static void Clock(RawGuest guest, int index, long userData, long nanoseconds, bool absolute = false)
    {
        Subscribe(guest, index, userData, 0);
        guest.Memory.Write(12288 + (index * 48) + 16, 1);
        guest.Memory.Write(12288 + (index * 48) + 24, nanoseconds);
        guest.Memory.Write(12288 + (index * 48) + 40, (ushort)(absolute ? 1 : 0));
    }

    private static void Read(RawGuest guest, int index, long userData, int fd)
    {
        Subscribe(guest, index, userData, 1);
        guest.Memory.Write(12288 + (index * 48) + 16, fd);
    }

    private static void Write(RawGuest guest, int index, long userData, int fd)
    {
        Subscribe(guest, index, userData, 2);
        guest.Memory.Write(12288 + (index * 48) + 16, fd);
    }

    // Events lie at 16384, 32 bytes each.
    private static (long UserData, WasiErrno Error)[] Poll(RawGuest guest, int count)
    {
        Assert.Equal(WasiErrno.Success, guest.Call("poll_oneoff", 12288, 16384, count, 512));
        return [.. Enumerable.Range(0, guest.Memory.Read<int>(512)).Select(i =>
            (guest.Memory.Read<long>(16384 + (i * 32)), (WasiErrno)guest.Memory.Read<ushort>(16384 + (i * 32) + 8)))];
    }

    // file, full/inner, and links: to-file, to-full, dangling, loop.
    private RawGuest Begin(bool onHost)
    {
        WasiPreopen preopen = onHost ? WasiPreopen.Host(_directory.Path, "/work") : WasiPreopen.Memory(new WasiMemoryFileSystem(), "/work");
        _guest = new RawGuest(new WasiOptions { Preopens = [preopen] });
        Assert.Equal(WasiErrno.Success, _guest.OnPath("path_create_directory", Work, "full"));
        foreach ((string path, string contents) in ((string, string)[])[("file", "text"), ("full/inner", "inner")])
        {
            Assert.Equal(WasiErrno.Success, _guest.Open(Work, path, out int fd, WasiOpenFlags.Create));
            Assert.Equal(WasiErrno.Success, _guest.WriteText(fd, contents));
            Assert.Equal(WasiErrno.Success, _guest.Call("fd_close", fd));
        }
        foreach ((string target, string path) in ((string, string)[])[("file", "to-file"), ("full", "to-full"), ("nothing", "dangling"), ("loop", "loop")])
            Assert.Equal(WasiErrno.Success, _guest.SymbolicLink(target, Work, path));
        return _guest;
    }

    private sealed class BreakingStream : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromException<int>(new IOException("broken"));

        public override int Read(Span<byte> buffer) => throw new IOException("broken");
    }
}

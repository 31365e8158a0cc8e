// File systems and streams of the embedder's own: guests see what they compute, and whatever such code throws is an error number to the guest and no more.
using System.Globalization;
using System.Text;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

/// <summary>What an embedder injects works, and cannot hurt when it does not.</summary>
public sealed class VirtualFileSystemTests
{
    private const int Work = 3;

    public static TheoryData<string, WasiErrno> Exceptions => new()
    {
        { nameof(InvalidOperationException), WasiErrno.InputOutput },
        { nameof(NullReferenceException), WasiErrno.InputOutput },
        { nameof(IOException), WasiErrno.InputOutput },
        { nameof(FileNotFoundException), WasiErrno.NoEntry },
        { nameof(UnauthorizedAccessException), WasiErrno.AccessDenied },
        { nameof(NotSupportedException), WasiErrno.NotSupported },
        { nameof(TimeoutException), WasiErrno.TimedOut },
        // Nobody has cancelled the call: it is the file system's own trouble.
        { nameof(OperationCanceledException), WasiErrno.Canceled },
    };

    [Fact]
    public void Files_may_be_computed()
    {
        using var guest = new RawGuest(new WasiOptions { Preopens = [WasiPreopen.Virtual(() => new Squares(), "/squares")] });
        Assert.Equal(WasiErrno.Success, guest.Open(Work, "12", out int file, rights: WasiRights.Read));
        Assert.Equal("144", guest.ReadText(file));
        Assert.Equal(WasiErrno.NoEntry, guest.Open(Work, "twelve", out _, rights: WasiRights.Read));
        Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.OnPath("path_create_directory", Work, "new"));
        Assert.Equal(WasiErrno.ReadOnlyFileSystem, guest.OnPath("path_unlink_file", Work, "12"));
        Assert.Equal(WasiErrno.Success, guest.Call("fd_readdir", Work, 8192, 4096, 0, 264));
        string listing = Encoding.Latin1.GetString(guest.Memory.AsSpan(8192, guest.Memory.Read<int>(264)));
        Assert.Contains("4", listing, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Exceptions))]
    public void What_a_file_system_throws_is_an_error_number(string exception, WasiErrno expected)
    {
        using var guest = new RawGuest(new WasiOptions { Preopens = [WasiPreopen.Virtual(() => new Thrower(exception), "/broken")] });
        Assert.Equal(expected, guest.Open(Work, "file", out _));
        Assert.Equal(expected, guest.Open(Work, "directory/file", out _));
        foreach (string function in new[] { "path_create_directory", "path_remove_directory", "path_unlink_file" })
            Assert.Equal(expected, guest.OnPath(function, Work, "x"));
        Assert.Equal(expected, guest.Call("path_filestat_get", Work, 0, 1024, 1, 4096));
        Assert.Equal(expected, guest.Call("fd_filestat_get", Work, 4096));
        Assert.Equal(expected, guest.Call("fd_readdir", Work, 8192, 4096, 0, 264));
        Assert.Equal(expected, guest.SymbolicLink("a", Work, "b"));
        Assert.Equal(expected, guest.Rename(Work, "a", Work, "b"));
    }

    [Theory]
    [MemberData(nameof(Exceptions))]
    public void What_a_stream_throws_is_an_error_number(string exception, WasiErrno expected)
    {
        using var stream = new ThrowingStream(exception);
        using var guest = new RawGuest(new WasiOptions { StandardInput = stream, StandardOutput = stream, StandardError = stream });
        guest.Memory.Write(256, 8192);
        guest.Memory.Write(260, 100);
        Assert.Equal(expected, guest.Call("fd_read", 0, 256, 1, 264));
        Assert.Equal(expected, guest.WriteText(1, "text"));
        Assert.Equal(expected, guest.WriteText(2, "text"));
        Assert.Equal(expected, guest.Call("fd_sync", 1));
        stream.IsBroken = false;
    }

    [Fact]
    public void A_file_system_that_says_success_and_gives_nothing_is_an_error()
    {
        using var guest = new RawGuest(new WasiOptions { Preopens = [WasiPreopen.Virtual(() => new Empty(), "/empty")] });
        Assert.Equal(WasiErrno.InputOutput, guest.Open(Work, "file", out _));
        Assert.Equal(WasiErrno.InputOutput, guest.Open(Work, "directory/file", out _));
        Assert.Equal(WasiErrno.InputOutput, guest.Open(Work, "directory", out _, WasiOpenFlags.Directory, WasiRights.ReadOnly));
    }

    private static Exception Make(string name) => name switch
    {
        nameof(InvalidOperationException) => new InvalidOperationException("broken"),
        nameof(NullReferenceException) => Activator.CreateInstance<NullReferenceException>(),
        nameof(IOException) => new IOException("broken"),
        nameof(FileNotFoundException) => new FileNotFoundException("broken"),
        nameof(UnauthorizedAccessException) => new UnauthorizedAccessException("broken"),
        nameof(NotSupportedException) => new NotSupportedException("broken"),
        nameof(TimeoutException) => new TimeoutException("broken"),
        _ => new OperationCanceledException("broken"),
    };

    // A directory of all numbers; each is a file that holds its square.
    private class Squares : WasiDirectory
    {
        public override WasiErrno GetStat(out WasiFileStat stat)
        {
            stat = new WasiFileStat(1, 1, WasiFileType.Directory, 1, 0, 0, 0, 0);
            return WasiErrno.Success;
        }

        public override WasiErrno GetStat(string name, out WasiFileStat stat)
        {
            WasiErrno errno = OpenFile(name, 0, out WasiFile? file);
            stat = default;
            return errno == WasiErrno.Success ? file!.GetStat(out stat) : errno;
        }

        public override WasiErrno OpenDirectory(string name, out WasiDirectory? directory)
        {
            directory = null;
            return WasiErrno.NotDirectory;
        }

        public override WasiErrno Reopen(out WasiDirectory? directory)
        {
            directory = new Squares();
            return WasiErrno.Success;
        }

        public override WasiErrno OpenFile(string name, WasiOpenFlags flags, out WasiFile? file)
        {
            bool isNumber = long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out long number);
            file = isNumber ? new Text(Encoding.ASCII.GetBytes((number * number).ToString(CultureInfo.InvariantCulture))) : null;
            return isNumber ? WasiErrno.Success : WasiErrno.NoEntry;
        }

        public override WasiErrno ReadEntries(out IReadOnlyList<WasiDirectoryEntry> entries)
        {
            entries = [.. Enumerable.Range(1, 5).Select(i => new WasiDirectoryEntry(i.ToString(CultureInfo.InvariantCulture), (ulong)i, WasiFileType.RegularFile))];
            return WasiErrno.Success;
        }

        private sealed class Text(byte[] bytes) : WasiFile
        {
            public override WasiErrno GetStat(out WasiFileStat stat)
            {
                stat = new WasiFileStat(1, 2, WasiFileType.RegularFile, 1, (ulong)bytes.Length, 0, 0, 0);
                return WasiErrno.Success;
            }

            public override WasiErrno Read(ulong offset, Span<byte> buffer, out int read)
            {
                read = offset >= (ulong)bytes.Length ? 0 : Math.Min(buffer.Length, bytes.Length - (int)offset);
                bytes.AsSpan(read == 0 ? 0 : (int)offset, read).CopyTo(buffer);
                return WasiErrno.Success;
            }
        }
    }

    private sealed class Empty : Squares
    {
        public override WasiErrno OpenDirectory(string name, out WasiDirectory? directory)
        {
            directory = null;
            return WasiErrno.Success;
        }

        public override WasiErrno OpenFile(string name, WasiOpenFlags flags, out WasiFile? file)
        {
            file = null;
            return WasiErrno.Success;
        }
    }

    private sealed class Thrower(string exception) : WasiDirectory
    {
        public override WasiErrno GetStat(out WasiFileStat stat) => throw Make(exception);

        public override WasiErrno GetStat(string name, out WasiFileStat stat) => throw Make(exception);

        public override WasiErrno OpenDirectory(string name, out WasiDirectory? directory) => throw Make(exception);

        public override WasiErrno Reopen(out WasiDirectory? directory) => throw Make(exception);

        public override WasiErrno OpenFile(string name, WasiOpenFlags flags, out WasiFile? file) => throw Make(exception);

        public override WasiErrno ReadEntries(out IReadOnlyList<WasiDirectoryEntry> entries) => throw Make(exception);

        public override WasiErrno CreateDirectory(string name) => throw Make(exception);

        public override WasiErrno RemoveDirectory(string name) => throw Make(exception);

        public override WasiErrno UnlinkFile(string name) => throw Make(exception);

        public override WasiErrno CreateSymbolicLink(string name, string target) => throw Make(exception);

        public override WasiErrno Rename(string name, WasiDirectory targetDirectory, string targetName) => throw Make(exception);
    }

    private sealed class ThrowingStream(string exception) : MemoryStream
    {
        /// <summary>Cleared at a test's end: the context flushes what is left when it goes, which is not the guest's doing.</summary>
        public bool IsBroken { get; set; } = true;

        public override int Read(Span<byte> buffer) => throw Make(exception);

        public override int Read(byte[] buffer, int offset, int count) => throw Make(exception);

        public override void Write(ReadOnlySpan<byte> buffer) => throw Make(exception);

        public override void Write(byte[] buffer, int offset, int count) => throw Make(exception);

        public override void Flush()
        {
            if (IsBroken)
                throw Make(exception);
        }
    }
}

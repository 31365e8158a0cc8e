// What a guest can make the host hold on to. The capacity of an in-memory file system, the limit of descriptors: whatever the guest does within them, the host's memory
// stays within a small multiple of what they say. Memory is measured, not counted by the code under test.
using System.Text;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

/// <summary>A guest cannot take more of the host's memory than it was given.</summary>
[Collection(nameof(MemoryBombTests))]
[CollectionDefinition(nameof(MemoryBombTests), DisableParallelization = true)]
public sealed class MemoryBombTests
{
    private const int Work = 3;
    private const int Capacity = 4 << 20;

    [Fact]
    public void Files_that_are_cut_give_their_memory_back()
    {
        var files = new WasiMemoryFileSystem(Capacity);
        using RawGuest guest = GuestWith(files);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(WasiErrno.Success, guest.Open(Work, $"bomb{i}", out int fd, WasiOpenFlags.Create));
            Assert.Equal(WasiErrno.Success, guest.Call("fd_allocate", fd, 0, Capacity / 2));
            Fill(guest, fd, Capacity / 2);
            Assert.Equal(WasiErrno.Success, guest.Call("fd_filestat_set_size", fd, i % 2));
            Assert.Equal(WasiErrno.Success, guest.Call("fd_close", fd));
        }
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 2 * Capacity);
        GC.KeepAlive(files);
    }

    [Fact]
    public void Files_that_grow_take_what_they_are_long()
    {
        var files = new WasiMemoryFileSystem(Capacity);
        using RawGuest guest = GuestWith(files);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        // Just past a power of two, where an array that doubles would take the most.
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(WasiErrno.Success, guest.Open(Work, $"bomb{i}", out int fd, WasiOpenFlags.Create));
            Fill(guest, fd, (1 << 20) + 4096);
        }
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, 2 << 20, 4 << 20);
        GC.KeepAlive(files);
    }

    [Fact]
    public void Names_are_not_free()
    {
        var files = new WasiMemoryFileSystem(Capacity);
        using RawGuest guest = GuestWith(files);
        files.WriteFile("a", "");
        long before = GC.GetTotalMemory(forceFullCollection: true);
        WasiErrno errno = WasiErrno.Success;
        for (int i = 0; i < 300_000 && errno == WasiErrno.Success; i++)
            errno = guest.HardLink(Work, "a", Work, $"h{i:x}");
        Assert.Equal(WasiErrno.NoSpace, errno);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 2 * Capacity);
        GC.KeepAlive(files);
    }

    [Fact]
    public void Listings_of_many_descriptors_do_not_add_up()
    {
        var files = new WasiMemoryFileSystem();
        const int Files = 20_000;
        for (int i = 0; i < Files; i++)
            files.WriteFile($"{i}", "");
        using RawGuest guest = GuestWith(files);
        var open = new List<int>();
        for (int i = 0; i < 500; i++)
        {
            Assert.Equal(WasiErrno.Success, guest.Open(Work, ".", out int fd, WasiOpenFlags.Directory, WasiRights.ReadOnly));
            open.Add(fd);
        }
        long before = GC.GetTotalMemory(forceFullCollection: true);
        foreach (int fd in open)
            Assert.Equal(WasiErrno.Success, guest.Call("fd_readdir", fd, 8192, 100, 0, 512));
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 64 << 20);
        // And each still goes on where it was.
        foreach (int fd in open)
        {
            Assert.Equal(WasiErrno.Success, guest.Call("fd_readdir", fd, 8192, 100, Files + 1, 512));
            Assert.Equal(24 + "9999".Length, guest.Memory.Read<int>(512));
            Assert.Equal("9999", guest.Memory.ReadUtf8(8192 + 24, 4));
        }
    }

    [Theory]
    [InlineData(1L << 40)]
    [InlineData(int.MaxValue)]
    [InlineData(100L << 20)]
    [InlineData(long.MaxValue - 3)]
    public void Sizes_beyond_the_capacity_are_refused_wherever_they_are_asked_for(long size)
    {
        var files = new WasiMemoryFileSystem();
        using RawGuest guest = GuestWith(files);
        WasiErrno[] refusals = [WasiErrno.NoSpace, WasiErrno.FileTooBig];
        Assert.Equal(WasiErrno.Success, guest.Open(Work, "bomb", out int fd, WasiOpenFlags.Create));
        Assert.Contains(guest.Call("fd_filestat_set_size", fd, size), refusals);
        Assert.Contains(guest.Call("fd_allocate", fd, size, 1), refusals);
        Assert.Contains(guest.Call("fd_allocate", fd, 0, size), refusals);
        guest.Memory.Write(256, 4096);
        guest.Memory.Write(260, 1);
        Assert.Contains(guest.Call("fd_pwrite", fd, 256, 1, size, 264), refusals);
        Assert.Equal(WasiErrno.Success, guest.Call("fd_seek", fd, size, 0, 512));
        Assert.Contains(guest.WriteText(fd, "x"), refusals);
        Assert.Empty(files.ReadFile("bomb"));
    }

    [Fact]
    public void Contents_survive_growing_cutting_and_holes()
    {
        var files = new WasiMemoryFileSystem(8 << 20);
        using RawGuest guest = GuestWith(files);
        byte[] expected = [];
        var random = new Random(7);
        Assert.Equal(WasiErrno.Success, guest.Open(Work, "file", out int fd, WasiOpenFlags.Create));
        for (int step = 0; step < 400; step++)
        {
            int limit = step % 3 == 0 ? 3000 : 400_000;
            int at = random.Next(limit);
            if (random.Next(3) == 0)
            {
                Assert.Equal(WasiErrno.Success, guest.Call("fd_filestat_set_size", fd, at));
                Array.Resize(ref expected, at);
                continue;
            }
            int length = random.Next(1, 100_000);
            guest.Memory.Write(256, 8192);
            guest.Memory.Write(260, length);
            random.NextBytes(guest.Memory.AsSpan(8192, length));
            Assert.Equal(WasiErrno.Success, guest.Call("fd_pwrite", fd, 256, 1, at, 264));
            Array.Resize(ref expected, Math.Max(expected.Length, at + length));
            guest.Memory.AsSpan(8192, length).CopyTo(expected.AsSpan(at));
            int from = random.Next(expected.Length);
            guest.Memory.AsSpan(8192, length).Fill(0xee);
            Assert.Equal(WasiErrno.Success, guest.Call("fd_pread", fd, 256, 1, from, 264));
            int read = guest.Memory.Read<int>(264);
            Assert.Equal(Math.Min(length, expected.Length - from), read);
            Assert.True(expected.AsSpan(from, read).SequenceEqual(guest.Memory.AsSpan(8192, read)), $"step {step}");
        }
        Assert.True(expected.AsSpan().SequenceEqual(files.ReadFile("file")));
    }

    [Fact]
    public void Two_memory_file_systems_are_two_devices()
    {
        var one = new WasiMemoryFileSystem();
        var two = new WasiMemoryFileSystem();
        one.WriteFile("file", "one");
        two.WriteFile("file", "two");
        using var guest = new RawGuest(new WasiOptions { Preopens = [WasiPreopen.Memory(one, "/one"), WasiPreopen.Memory(two, "/two")] });
        int length = guest.Memory.WriteUtf8(1024, "file");
        var seen = new HashSet<(long, long)>();
        foreach (int directory in (int[])[3, 4])
        {
            Assert.Equal(WasiErrno.Success, guest.Call("path_filestat_get", directory, 0, 1024, length, 4096));
            // Programs that copy or compare take two files with the same device and number for one.
            Assert.True(seen.Add((guest.Memory.Read<long>(4096), guest.Memory.Read<long>(4104))), "two files look like one");
        }
    }

    [Fact]
    public void A_links_size_is_counted_in_bytes()
    {
        using RawGuest guest = GuestWith(new WasiMemoryFileSystem());
        Assert.Equal(WasiErrno.Success, guest.SymbolicLink("größe", Work, "link"));
        int length = guest.Memory.WriteUtf8(1024, "link");
        Assert.Equal(WasiErrno.Success, guest.Call("path_filestat_get", Work, 0, 1024, length, 4096));
        Assert.Equal(Encoding.UTF8.GetByteCount("größe"), guest.Memory.Read<long>(4096 + 32));
    }

    private static RawGuest GuestWith(WasiMemoryFileSystem files) => new(new WasiOptions { Preopens = [WasiPreopen.Memory(files, "/work")] });

    private static void Fill(RawGuest guest, int fd, int length)
    {
        const int Piece = 32 << 10;
        guest.Memory.Write(256, 65536);
        for (int done = 0; done < length; done += Piece)
        {
            guest.Memory.Write(260, Math.Min(Piece, length - done));
            Assert.Equal(WasiErrno.Success, guest.Call("fd_write", fd, 256, 1, 264));
        }
    }
}

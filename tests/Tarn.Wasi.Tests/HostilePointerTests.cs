// Every function of preview 1 with every kind of bad number: the answer is an error number, never an exception, and the guest goes on.
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

/// <summary>Pointers, lengths, counts and descriptors that no honest program would pass.</summary>
public sealed class HostilePointerTests : IDisposable
{
    private const int Work = 3;
    private readonly WasiMemoryFileSystem _files = new();
    private readonly RawGuest _guest;

    public HostilePointerTests()
    {
        _files.WriteFile("plain", "0123456789");
        _guest = new RawGuest(new WasiOptions
        {
            Preopens = [WasiPreopen.Memory(_files, "/work")],
            Arguments = ["program", "argument"],
            Environment = [new("NAME", "value")],
            StandardInput = new MemoryStream("input"u8.ToArray()),
            RandomSource = static bytes => bytes.Clear(),
        });
    }

    public static TheoryData<string> Functions => new(RawGuest.Signatures.Keys);

    public void Dispose() => _guest.Dispose();

    [Theory]
    [MemberData(nameof(Functions))]
    public void Any_numbers_get_an_answer(string name)
    {
        long[] numbers =
        [
            0, 1, 2, 3, 4, 8, 255, 1024, RawGuest.MemorySize - 1, RawGuest.MemorySize, RawGuest.MemorySize + 1, 65535, 65536, int.MaxValue, int.MinValue, -1, -2, -4, -8,
            0x80000000, 0xffffffff, long.MaxValue, long.MinValue,
        ];
        var random = new Random(name.Length * 7919);
        string signature = RawGuest.Signatures[name];
        long[] arguments = new long[signature.Length];
        int rounds = arguments.Length == 0 ? 1 : 3000;
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < arguments.Length; i++)
            {
                arguments[i] = random.Next(4) == 0 ? random.NextInt64() : numbers[random.Next(numbers.Length)];
                // Descriptors that exist, more often than chance would have it.
                if (i == 0 && random.Next(2) == 0)
                    arguments[i] = random.Next(6);
            }
            // Waiting for ever is not what is tested here: polls are of one clock that has rung.
            if (name == "poll_oneoff")
                _guest.Memory.AsSpan().Clear();
            // And the descriptors stay open, whatever a round closes.
            WasiErrno answer = Signalled(name, arguments);
            Assert.InRange((int)answer, 0, 76);
        }
    }

    [Theory]
    [InlineData("args_get", 0, RawGuest.MemorySize - 4)]
    [InlineData("args_get", RawGuest.MemorySize - 4, 0)]
    [InlineData("args_get", -1, 0)]
    [InlineData("args_sizes_get", RawGuest.MemorySize - 3, 0)]
    [InlineData("args_sizes_get", 0, RawGuest.MemorySize - 3)]
    [InlineData("environ_get", 0, -1)]
    [InlineData("environ_sizes_get", -4, -4)]
    [InlineData("clock_res_get", 0, RawGuest.MemorySize - 7)]
    [InlineData("fd_fdstat_get", 1, RawGuest.MemorySize - 23)]
    [InlineData("fd_filestat_get", Work, RawGuest.MemorySize - 63)]
    [InlineData("fd_prestat_get", Work, RawGuest.MemorySize - 7)]
    [InlineData("random_get", 1, RawGuest.MemorySize)]
    [InlineData("random_get", RawGuest.MemorySize + 1, 0)]
    [InlineData("random_get", -1, 2)]
    [InlineData("random_get", 0, -1)]
    public void A_result_that_does_not_fit_is_a_fault(string name, int first, int second) =>
        Assert.Equal(WasiErrno.Fault, _guest.Call(name, first, second));

    [Fact]
    public void Results_may_lie_at_the_very_end()
    {
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_filestat_get", Work, RawGuest.MemorySize - 64));
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_fdstat_get", 1, RawGuest.MemorySize - 24));
        Assert.Equal(WasiErrno.Success, _guest.Call("clock_time_get", 0, 0, RawGuest.MemorySize - 8));
        Assert.Equal(WasiErrno.Success, _guest.Call("random_get", 0, RawGuest.MemorySize));
        Assert.Equal(WasiErrno.Success, _guest.Call("random_get", RawGuest.MemorySize, 0));
    }

    [Theory]
    [InlineData("fd_read", 0)]
    [InlineData("fd_write", 1)]
    public void Lists_of_buffers_are_checked_whole(string name, int fd)
    {
        // The list beyond the end, wrapping, too long.
        Assert.Equal(WasiErrno.Fault, _guest.Call(name, fd, RawGuest.MemorySize - 7, 1, 0));
        Assert.Equal(WasiErrno.Fault, _guest.Call(name, fd, -8, 2, 0));
        Assert.Equal(WasiErrno.Invalid, _guest.Call(name, fd, 0, 1025, 0));
        Assert.Equal(WasiErrno.Invalid, _guest.Call(name, fd, 0, int.MaxValue, 0));
        Assert.Equal(WasiErrno.Invalid, _guest.Call(name, fd, 0, -1, 0));
        Assert.Equal(WasiErrno.Invalid, _guest.Call(name, fd, 0, 0x20000001, 0)); // times eight it would wrap to 8
        // A good buffer and one that ends one byte beyond the memory: nothing may happen, not even to the good one.
        _guest.Memory.Write(256, 4096);
        _guest.Memory.Write(260, 5);
        _guest.Memory.Write(264, RawGuest.MemorySize - 4);
        _guest.Memory.Write(268, 5);
        _guest.Memory.Write(4096, 0);
        Assert.Equal(WasiErrno.Fault, _guest.Call(name, fd, 256, 2, 0));
        Assert.Equal(0, _guest.Memory.Read<int>(4096));
        // Address and length whose sum wraps to inside.
        _guest.Memory.Write(264, -16);
        _guest.Memory.Write(268, 32);
        Assert.Equal(WasiErrno.Fault, _guest.Call(name, fd, 256, 2, 0));
        // No place for the result: input must not be lost.
        Assert.Equal(WasiErrno.Fault, _guest.Call(name, fd, 256, 1, RawGuest.MemorySize - 3));
        Assert.Equal(WasiErrno.Success, _guest.Call(name, fd, 256, 1, RawGuest.MemorySize - 4));
        Assert.Equal(5, _guest.Memory.Read<int>(RawGuest.MemorySize - 4));
    }

    [Fact]
    public void Lengths_that_add_up_to_too_much_are_refused()
    {
        // 1024 times the whole memory overlapping is 128 MiB, which a file takes; it only is too much for the file system.
        for (int i = 0; i < 1024; i++)
        {
            _guest.Memory.Write(8192 + (i * 8), 0);
            _guest.Memory.Write(8196 + (i * 8), RawGuest.MemorySize);
        }
        Assert.Equal(WasiErrno.Success, _guest.Open(Work, "large", out int fd, WasiOpenFlags.Create));
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_write", fd, 8192, 1024, 512));
        Assert.InRange(_guest.Memory.Read<uint>(512), 1u, (uint)WasiMemoryFileSystem.DefaultCapacity);
        WasiErrno more = WasiErrno.Success;
        for (int i = 0; i < 4 && more == WasiErrno.Success; i++)
            more = _guest.WriteText(fd, new string('x', RawGuest.MemorySize / 2));
        Assert.Equal(WasiErrno.NoSpace, more);
        Assert.True(_files.UsedBytes <= _files.Capacity);
    }

    [Fact]
    public void A_list_of_buffers_that_is_read_over_by_itself_harms_nobody()
    {
        // The file's bytes overwrite the second entry of the list with numbers beyond the memory while it is being worked through.
        _files.WriteFile("evil", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]);
        Assert.Equal(WasiErrno.Success, _guest.Open(Work, "evil", out int fd));
        _guest.Memory.Write(256, 264);
        _guest.Memory.Write(260, 8);
        _guest.Memory.Write(264, 4096);
        _guest.Memory.Write(268, 4);
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_read", fd, 256, 2, 512));
        Assert.Equal(8, _guest.Memory.Read<int>(512));
    }

    [Fact]
    public void Offsets_at_the_edges_of_64_bits()
    {
        Assert.Equal(WasiErrno.Success, _guest.Open(Work, "plain", out int fd));
        _guest.Memory.Write(256, 4096);
        _guest.Memory.Write(260, 4);
        Assert.Equal(WasiErrno.Invalid, _guest.Call("fd_pread", fd, 256, 1, -1, 512));
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_pread", fd, 256, 1, long.MaxValue, 512));
        Assert.Equal(0, _guest.Memory.Read<int>(512));
        Assert.Equal(WasiErrno.FileTooBig, _guest.Call("fd_pwrite", fd, 256, 1, long.MaxValue, 512));
        Assert.Equal(WasiErrno.FileTooBig, _guest.Call("fd_pwrite", fd, 256, 1, long.MaxValue - 2, 512));
        Assert.Equal(WasiErrno.Invalid, _guest.Call("fd_seek", fd, -1, 0, 512));
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_seek", fd, long.MaxValue, 0, 512));
        Assert.Equal(WasiErrno.Overflow, _guest.Call("fd_seek", fd, 1, 1, 512));
        Assert.Equal(WasiErrno.Overflow, _guest.Call("fd_seek", fd, long.MaxValue, 2, 512));
        Assert.Equal(WasiErrno.Invalid, _guest.Call("fd_seek", fd, long.MinValue, 1, 512));
        Assert.Equal(WasiErrno.Invalid, _guest.Call("fd_seek", fd, 0, 3, 512));
        Assert.Equal(WasiErrno.FileTooBig, _guest.Call("fd_allocate", fd, long.MaxValue, long.MaxValue));
        Assert.Equal(WasiErrno.FileTooBig, _guest.Call("fd_filestat_set_size", fd, long.MaxValue));
        Assert.Equal(WasiErrno.Invalid, _guest.Call("fd_filestat_set_size", fd, -1));
        Assert.Equal("0123456789", System.Text.Encoding.UTF8.GetString(_files.ReadFile("plain")));
    }

    [Fact]
    public void Descriptors_that_are_closed_foreign_or_of_another_kind()
    {
        Assert.Equal(WasiErrno.Success, _guest.Open(Work, "plain", out int fd));
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_close", fd));
        foreach (long bad in (long[])[fd, 99, -1, int.MaxValue, int.MinValue])
        {
            Assert.Equal(WasiErrno.BadDescriptor, _guest.Call("fd_close", bad));
            Assert.Equal(WasiErrno.BadDescriptor, _guest.Call("fd_read", bad, 256, 1, 512));
            Assert.Equal(WasiErrno.BadDescriptor, _guest.Call("fd_fdstat_get", bad, 512));
            Assert.Equal(WasiErrno.BadDescriptor, _guest.Call("fd_renumber", bad, 1));
            Assert.Equal(WasiErrno.BadDescriptor, _guest.Call("fd_renumber", 1, bad));
            Assert.Equal(WasiErrno.BadDescriptor, _guest.Call("fd_readdir", bad, 4096, 100, 0, 512));
            Assert.Equal(WasiErrno.BadDescriptor, _guest.OnPath("path_create_directory", (int)bad, "x"));
        }
        Assert.Equal(WasiErrno.NotDirectory, _guest.OnPath("path_create_directory", 1, "x"));
        Assert.Equal(WasiErrno.IsDirectory, _guest.Call("fd_read", Work, 256, 1, 512));
        Assert.Equal(WasiErrno.IllegalSeek, _guest.Call("fd_seek", 0, 0, 0, 512));
        Assert.Equal(WasiErrno.NotSocket, _guest.Call("sock_shutdown", Work, 3));
        Assert.Equal(WasiErrno.NotCapable, _guest.WriteText(0, "to standard input"));
        Assert.Equal(WasiErrno.BadDescriptor, _guest.Call("fd_prestat_get", 1, 512));
        // A descriptor closed and another opened has the number again; nothing of the old one is left.
        Assert.Equal(WasiErrno.Success, _guest.Open(Work, "plain", out int again));
        Assert.Equal(fd, again);
        Assert.Equal("0123456789", _guest.ReadText(again));
        // Over itself, over standard output: what was there is closed, what moved works on.
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_renumber", again, again));
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_renumber", again, 1));
        Assert.Equal(WasiErrno.BadDescriptor, _guest.Call("fd_tell", again, 512));
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_tell", 1, 512));
        Assert.Equal(10, _guest.Memory.Read<long>(512));
    }

    [Fact]
    public void Descriptors_run_out_politely()
    {
        using var guest = new RawGuest(new WasiOptions { Preopens = [WasiPreopen.Memory(_files, "/work")], MaximumDescriptors = 10 });
        for (int i = 4; i < 10; i++)
            Assert.Equal(WasiErrno.Success, guest.Open(Work, "plain", out _));
        Assert.Equal(WasiErrno.TooManyDescriptors, guest.Open(Work, "plain", out _));
        Assert.Equal(WasiErrno.TooManyDescriptors, guest.Open(Work, "not-made", out _, WasiOpenFlags.Create));
        Assert.Throws<FileNotFoundException>(() => _files.ReadFile("not-made"));
        Assert.Equal(WasiErrno.Success, guest.Call("fd_close", 5));
        Assert.Equal(WasiErrno.Success, guest.Open(Work, "plain", out int fd));
        Assert.Equal(5, fd);
    }

    [Fact]
    public void Directories_are_listed_into_any_small_buffer()
    {
        for (int i = 0; i < 20; i++)
            _files.WriteFile($"file{i}", "");
        foreach (int size in (int[])[0, 1, 23, 24, 25])
        {
            Assert.Equal(WasiErrno.Success, _guest.Call("fd_readdir", Work, RawGuest.MemorySize - size, size, 0, 512));
            Assert.Equal(size, _guest.Memory.Read<int>(512));
        }
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_readdir", Work, 4096, 8192, -1, 512));
        Assert.Equal(0, _guest.Memory.Read<int>(512));
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_readdir", Work, 4096, 8192, long.MaxValue, 512));
        Assert.Equal(0, _guest.Memory.Read<int>(512));
        Assert.Equal(WasiErrno.Fault, _guest.Call("fd_readdir", Work, RawGuest.MemorySize - 10, 11, 0, 512));
    }

    [Fact]
    public void Polls_of_nonsense_are_answered()
    {
        Assert.Equal(WasiErrno.Invalid, _guest.Call("poll_oneoff", 0, 0, 0, 0));
        Assert.Equal(WasiErrno.Invalid, _guest.Call("poll_oneoff", 0, 0, -1, 0));
        Assert.Equal(WasiErrno.Fault, _guest.Call("poll_oneoff", RawGuest.MemorySize - 47, 0, 1, 0));
        Assert.Equal(WasiErrno.Fault, _guest.Call("poll_oneoff", 0, RawGuest.MemorySize - 31, 1, 0));
        Assert.Equal(WasiErrno.Fault, _guest.Call("poll_oneoff", 0, 0, 1, RawGuest.MemorySize - 3));
        // Events written over the subscriptions: a clock that has rung, a bad clock, a bad descriptor.
        _guest.Memory.AsSpan(4096, 3 * 48).Clear();
        for (int i = 0; i < 3; i++)
            _guest.Memory.Write(4096 + (i * 48), 100L + i);
        _guest.Memory.Write(4096 + 48 + 16, 77);
        _guest.Memory.Write(4096 + 96 + 8, (byte)1);
        _guest.Memory.Write(4096 + 96 + 16, 55);
        Assert.Equal(WasiErrno.Success, _guest.Call("poll_oneoff", 4096, 4096, 3, 512));
        Assert.Equal(3, _guest.Memory.Read<int>(512));
        Assert.Equal([(100L, 0), (101L, (int)WasiErrno.Invalid), (102L, (int)WasiErrno.BadDescriptor)],
            Enumerable.Range(0, 3).Select(i => (_guest.Memory.Read<long>(4096 + (i * 32)), (int)_guest.Memory.Read<ushort>(4096 + (i * 32) + 8))));
    }

    [Fact]
    public void A_guest_without_a_memory_gets_faults()
    {
        using var context = new WasiContext(new WasiOptions());
        using Module module = Module.FromText(Guest.Engine, """
            (module
              (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
              (func (export "time") (result i32) (call $time (i32.const 0) (i64.const 0) (i32.const 0))))
            """);
        using Instance instance = new Linker(Guest.Engine).DefineWasi(context).Prepare(module).Instantiate();
        Assert.Equal((int)WasiErrno.Fault, instance.GetFunction("time").Invoke()[0].AsInt32());
    }

    // A signal that ends the program is an answer too.
    private WasiErrno Signalled(string name, long[] arguments)
    {
        try
        {
            return _guest.Call(name, arguments);
        }
        catch (WasiExitException exit) when (name == "proc_raise")
        {
            Assert.InRange(exit.ExitCode, 129, 128 + 30);
            return WasiErrno.Success;
        }
    }
}

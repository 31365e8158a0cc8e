// Guests whose memory is shared with other threads: functions do what they do in any memory, and whatever another thread writes while the host reads, nothing is checked in one state and used in another.
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

/// <summary>Preview 1 in shared memories.</summary>
public sealed class SharedMemoryTests : IDisposable
{
    private const int Work = 3;
    private readonly Engine _engine = new(new EngineOptions { Features = WasmFeatures.Wasm3 | WasmFeatures.Threads });
    private readonly WasiMemoryFileSystem _files = new();
    private readonly MemoryStream _output = new();
    private readonly RawGuest _guest;

    public SharedMemoryTests()
    {
        _files.WriteFile("plain", "0123456789");
        _files.WriteFile("other", "other");
        _files.WriteFile("large", new string('x', 200_000));
        _guest = new RawGuest(
            new WasiOptions
            {
                Preopens = [WasiPreopen.Memory(_files, "/work")],
                Arguments = ["program", "argument"],
                Environment = [new("NAME", "value")],
                StandardInput = new MemoryStream("input"u8.ToArray()),
                StandardOutput = _output,
                RandomSource = static bytes => bytes.Fill(7),
            },
            _engine,
            isShared: true);
    }

    public static TheoryData<string> Functions => new(RawGuest.Signatures.Keys);

    public void Dispose()
    {
        _guest.Dispose();
        _engine.Dispose();
    }

    [Fact]
    public void Functions_do_what_they_do_in_any_memory()
    {
        Memory memory = _guest.Memory;
        Assert.True(memory.IsShared);
        Assert.Equal(WasiErrno.Success, _guest.Open(Work, "plain", out int plain));
        Assert.Equal("0123456789", _guest.ReadText(plain));
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_filestat_get", plain, 4096));
        Assert.Equal((4, 10L), (memory.Read<byte>(4096 + 16), memory.Read<long>(4096 + 32)));
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_fdstat_get", plain, 4096));
        Assert.Equal(4, memory.Read<byte>(4096));
        Assert.Equal(WasiErrno.Success, _guest.Open(Work, "new", out int made, WasiOpenFlags.Create));
        Assert.Equal(WasiErrno.Success, _guest.WriteText(made, "written"));
        Assert.Equal("written"u8, _files.ReadFile("new"));
        Assert.Equal(WasiErrno.Success, _guest.WriteText(1, "to the output"));
        // More than the host copies at once, by one buffer.
        Assert.Equal(WasiErrno.Success, _guest.Open(Work, "large", out int large));
        memory.Write(256, 8192);
        memory.Write(260, 100_000);
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_read", large, 256, 1, 264));
        Assert.Equal(100_000, memory.Read<int>(264));
        Assert.Equal(new string('x', 100_000), memory.ReadUtf8(8192, 100_000));
        Assert.Equal(0, memory.Read<byte>(8192 + 100_000));
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_write", 1, 256, 1, 264));
        Assert.Equal("to the output".Length + 100_000, _output.Length);
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_write", made, 256, 1, 264));
        Assert.Equal(100_007, _files.ReadFile("new").Length);
        memory.CopyFrom(8192, new byte[110_000]);
        Assert.Equal(WasiErrno.Success, _guest.Call("random_get", 8192, 70_000));
        Assert.Equal((7, 7, 0), (memory.Read<byte>(8192), memory.Read<byte>(8192 + 69_999), memory.Read<byte>(8192 + 70_000)));
        Assert.Equal(WasiErrno.Success, _guest.Call("args_get", 16, 4096));
        Assert.Equal(("program", "argument"), (memory.ReadNullTerminatedUtf8(memory.Read<int>(16)), memory.ReadNullTerminatedUtf8(memory.Read<int>(20))));
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_readdir", Work, 8192, 4096, 0, 264));
        string listing = memory.ReadUtf8(8192, memory.Read<int>(264));
        foreach (string name in new[] { "plain", "other", "large", "new" })
            Assert.Contains(name, listing, StringComparison.Ordinal);
        Assert.Equal(WasiErrno.Success, _guest.SymbolicLink("plain", Work, "link"));
        _ = memory.WriteUtf8(1024, "link");
        Assert.Equal(WasiErrno.Success, _guest.Call("path_readlink", Work, 1024, 4, 4096, 3, 264));
        Assert.Equal((3, "pla"), (memory.Read<int>(264), memory.ReadUtf8(4096, 3)));
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_prestat_get", Work, 4096));
        Assert.Equal(5, memory.Read<int>(4100));
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_prestat_dir_name", Work, 4096, 5));
        Assert.Equal("/work", memory.ReadUtf8(4096, 5));
        // A clock that has rung.
        memory.CopyFrom(8192, new byte[48]);
        memory.Write(8192, 0x5EC2E7L);
        Assert.Equal(WasiErrno.Success, _guest.Call("poll_oneoff", 8192, 4096, 1, 264));
        Assert.Equal((1, 0x5EC2E7L), (memory.Read<int>(264), memory.Read<long>(4096)));
        // Standard input, through the buffer of a stream.
        memory.Write(256, 8192);
        memory.Write(260, 100);
        Assert.Equal(WasiErrno.Success, _guest.Call("fd_read", 0, 256, 1, 264));
        Assert.Equal("input", memory.ReadUtf8(8192, memory.Read<int>(264)));
    }

    [Theory]
    [MemberData(nameof(Functions))]
    public void Any_numbers_get_an_answer(string name)
    {
        long[] numbers = [0, 1, 4, 8, 1024, RawGuest.MemorySize - 1, RawGuest.MemorySize, RawGuest.MemorySize + 1, int.MaxValue, int.MinValue, -1, -8, 0xffffffff, long.MaxValue];
        var random = new Random(name.Length * 7919);
        long[] arguments = new long[RawGuest.Signatures[name].Length];
        for (int round = 0; round < 300; round++)
        {
            for (int i = 0; i < arguments.Length; i++)
                arguments[i] = i == 0 && random.Next(2) == 0 ? random.Next(6) : numbers[random.Next(numbers.Length)];
            if (name == "poll_oneoff")
                _guest.Memory.CopyFrom(0, new byte[RawGuest.MemorySize]);
            if (name != "proc_raise")
                Assert.InRange((int)_guest.Call(name, arguments), 0, 76);
        }
    }

    // Another thread turns a buffer's address and length, and a path, between good and bad while the host reads them. The answer is for one of the states, and what reaches the output and the
    // file system is what one of them says.
    [Fact]
    public async Task What_another_thread_changes_is_read_once()
    {
        using Module module = Module.FromText(_engine, """
            (module (import "g" "memory" (memory 2 2 shared))
              (func (export "flip")
                (loop $l
                  ;; "plain" and "other", at once; and 4 bytes in two different places, or far too many.
                  (i64.store (i32.const 1024) (i64.const 0x6e69616c70)) (i64.store (i32.const 1024) (i64.const 0x726568746f))
                  (i32.store (i32.const 256) (i32.const 8192)) (i32.store (i32.const 256) (i32.const 0x1fffe)) (i32.store (i32.const 256) (i32.const -1))
                  (i32.store (i32.const 260) (i32.const 4)) (i32.store (i32.const 260) (i32.const 2)) (i32.store (i32.const 260) (i32.const 0x7fffffff))
                  (br $l))))
            """);
        using Instance flipper = new Linker(_engine).DefineInstance("g", _guest.Instance).Prepare(module).Instantiate();
        _guest.Memory.Write(8192, 0x41414141);
        _guest.Memory.Write<short>(0x1fffe, 0x4141);
        Assert.Equal(WasiErrno.Success, _guest.Open(Work, "plain", out _));
        Task flipping = Task.Factory.StartNew(() => Assert.Throws<TrapException>(() => flipper.GetAction("flip").Invoke()), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        long end = Environment.TickCount64 + 1000;
        var answers = new Dictionary<(string, WasiErrno), int>();
        void Count(string what, WasiErrno errno) => answers[(what, errno)] = answers.GetValueOrDefault((what, errno)) + 1;
        long written = 0;
        while (Environment.TickCount64 < end)
        {
            WasiErrno errno = _guest.Call("fd_write", 1, 256, 1, 264);
            Count("write", errno);
            Assert.True(errno is WasiErrno.Success or WasiErrno.Fault, errno.ToString());
            if (errno == WasiErrno.Success)
            {
                int count = _guest.Memory.Read<int>(264);
                Assert.True(count is 2 or 4, $"{count} bytes");
                written += count;
                Assert.Equal(written, _output.Length);
            }
            errno = _guest.Call("path_open", Work, 0, 1024, 5, 0, (long)WasiRights.All, 0, 0, 512);
            Count("open", errno);
            Assert.Equal(WasiErrno.Success, errno);
            _guest.Call("fd_close", _guest.Memory.Read<int>(512));
        }
        flipper.Interrupt();
        await flipping;
        Assert.All(_output.ToArray(), b => Assert.Equal(0x41, b));
        // Both were seen, else nothing was tried.
        Assert.True(answers.ContainsKey(("write", WasiErrno.Success)) || answers.ContainsKey(("write", WasiErrno.Fault)));
    }
}

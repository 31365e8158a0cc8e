// wasi_unstable, the snapshot before preview 1: the same functions over the same descriptors, and three differences. Each is compared with preview 1, called by the same guest.
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

/// <summary>Guests built for wasi_unstable see it as it was.</summary>
public sealed class UnstableTests : IDisposable
{
    private const int Work = 3;

    // A clock may ring before or after its poll begins to wait.
    private static readonly Engine s_engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, EnableInterruption = true, BlockOnPendingHostFunctions = true });
    private readonly WasiMemoryFileSystem _memory = new();
    private readonly WasiContext _context;
    private readonly Instance _unstable;
    private readonly Instance _stable;
    private readonly Module _unstableModule;
    private readonly Module _stableModule;

    public UnstableTests()
    {
        _memory.WriteFile("file", "0123456789");
        _context = new WasiContext(new WasiOptions { Preopens = [WasiPreopen.Memory(_memory, "/")], TimeProvider = new ManualTime(DateTimeOffset.UnixEpoch.AddDays(1)) });
        Linker linker = new Linker(s_engine).DefineWasi(_context).DefineWasiUnstable(_context);
        _unstableModule = Module.FromText(s_engine, Text("wasi_unstable"));
        _stableModule = Module.FromText(s_engine, Text("wasi_snapshot_preview1"));
        _unstable = linker.Prepare(_unstableModule).Instantiate();
        _stable = linker.Prepare(_stableModule).Instantiate();
    }

    public void Dispose()
    {
        _unstable.Dispose();
        _stable.Dispose();
        _unstableModule.Dispose();
        _stableModule.Dispose();
        _context.Dispose();
    }

    [Fact]
    public void Seeking_counts_from_the_position_the_end_and_the_start()
    {
        int fd = Open(_unstable);
        Assert.Equal(7, Seek(_unstable, fd, 7, 2));
        Assert.Equal(6, Seek(_unstable, fd, -1, 0));
        Assert.Equal(8, Seek(_unstable, fd, -2, 1));
        Assert.Equal(7, Seek(_stable, fd, 7, 0));
        Assert.Equal(6, Seek(_stable, fd, -1, 1));
        Assert.Equal(8, Seek(_stable, fd, -2, 2));
        Assert.Equal(WasiErrno.Invalid, Call(_unstable, "fd_seek", fd, 0, 3, 512));
    }

    [Fact]
    public void Attributes_have_links_of_32_bits_and_are_56_bytes_long()
    {
        int fd = Open(_unstable);
        foreach (string function in (string[])["fd_filestat_get", "path_filestat_get"])
        {
            foreach (Instance guest in (Instance[])[_unstable, _stable])
            {
                guest.Memory.AsSpan(2048, 72).Fill(0xAA);
                int length = guest.Memory.WriteUtf8(1024, "file");
                Assert.Equal(WasiErrno.Success, function[0] == 'f' ? Call(guest, function, fd, 2048) : Call(guest, function, Work, 0, 1024, length, 2048));
            }
            Memory old = _unstable.Memory, stable = _stable.Memory;
            Assert.True(old.AsSpan(2048, 17).SequenceEqual(stable.AsSpan(2048, 17)));
            Assert.Equal(1, old.Read<int>(2048 + 20));
            Assert.Equal(1, stable.Read<long>(2048 + 24));
            Assert.True(old.AsSpan(2048 + 24, 32).SequenceEqual(stable.AsSpan(2048 + 32, 32)));
            Assert.Equal(10, old.Read<long>(2048 + 24));
            Assert.Equal(unchecked((long)0xAAAAAAAAAAAAAAAA), old.Read<long>(2048 + 56));
        }
        // The last that fits.
        Assert.Equal(WasiErrno.Success, Call(_unstable, "fd_filestat_get", fd, 65536 - 56));
        Assert.Equal(WasiErrno.Fault, Call(_unstable, "fd_filestat_get", fd, 65536 - 55));
    }

    [Fact]
    public void Subscriptions_are_56_bytes_long_and_clocks_begin_with_an_identifier()
    {
        Memory memory = _unstable.Memory;
        for (int i = 0; i < 2; i++)
        {
            memory.AsSpan(4096 + (i * 56), 56).Clear();
            memory.Write(4096L + (i * 56), 100L + i);
        }
        // A clock an hour ahead, and a file that can be read at once, behind it.
        memory.Write(4096L + 16, 0x1234L);
        memory.Write(4096L + 24, 1);
        memory.Write(4096L + 32, 3_600_000_000_000L);
        memory.Write<byte>(4096L + 56 + 8, 1);
        memory.Write(4096L + 56 + 16, Open(_unstable));
        Assert.Equal(WasiErrno.Success, Call(_unstable, "poll_oneoff", 4096, 8192, 2, 512));
        Assert.Equal((1, 101L), (memory.Read<int>(512), memory.Read<long>(8192)));
        // The clock alone, which the time of the test lets ring.
        Assert.Equal(WasiErrno.Success, Call(_unstable, "poll_oneoff", 4096, 8192, 1, 512));
        Assert.Equal((1, 100L, 0), (memory.Read<int>(512), memory.Read<long>(8192), memory.Read<short>(8200)));
        Assert.Equal(DateTimeOffset.UnixEpoch.AddDays(1).AddHours(1), _contextTime());

        DateTimeOffset _contextTime() => _context.Time.GetUtcNow();
    }

    [Fact]
    public void There_is_no_accepting_of_sockets()
    {
        using Module module = Module.FromText(s_engine, "(module (import \"wasi_unstable\" \"sock_accept\" (func (param i32 i32 i32) (result i32))))");
        Assert.Throws<LinkException>(() => new Linker(s_engine).DefineWasiUnstable().Prepare(module));
    }

    private static int Open(Instance guest)
    {
        int length = guest.Memory.WriteUtf8(1024, "file");
        Assert.Equal(WasiErrno.Success, Call(guest, "path_open", Work, 0, 1024, length, 0, (long)WasiRights.ReadOnly, 0, 0, 512));
        return guest.Memory.Read<int>(512);
    }

    private static long Seek(Instance guest, int fd, long offset, int whence)
    {
        Assert.Equal(WasiErrno.Success, Call(guest, "fd_seek", fd, offset, whence, 512));
        return guest.Memory.Read<long>(512);
    }

    private static WasiErrno Call(Instance guest, string name, params ReadOnlySpan<long> arguments)
    {
        string signature = RawGuest.Signatures[name];
        var values = new Value[arguments.Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = signature[i] == 'i' ? Value.FromInt32((int)arguments[i]) : Value.FromInt64(arguments[i]);
        return (WasiErrno)guest.GetFunction(name).Invoke(values)[0].AsInt32();
    }

    private static string Text(string module)
    {
        string[] names = ["fd_seek", "fd_filestat_get", "path_filestat_get", "poll_oneoff", "path_open"];
        string Types(string name) => string.Concat(RawGuest.Signatures[name].Select(c => c == 'i' ? " i32" : " i64"));
        return "(module " + string.Concat(names.Select(name => $"(import \"{module}\" \"{name}\" (func ${name} (param{Types(name)}) (result i32)))\n"))
            + "(memory (export \"memory\") 1)"
            + string.Concat(names.Select(name => $"(func (export \"{name}\") (param{Types(name)}) (result i32) (call ${name}{string.Concat(Enumerable.Range(0, RawGuest.Signatures[name].Length).Select(i => $" (local.get {i})"))}))\n")) + ")";
    }
}

// Functions whose work grows with what a guest asks for in one call: they do it in pieces, at each of which the guest can be stopped and pays. What is counted is bytes and calls, never time.

namespace Tarn.Wasi.Tests;

/// <summary>However much a guest asks for, it is stopped after the next piece and pays for what it gets.</summary>
public sealed class WorkBySizeTests
{
    private const int Piece = 1 << 20;
    private const int Asked = 48 << 20;

    // Calls a function with a buffer of 48 MiB at 64 KiB; vectors at 0, results at 16, the descriptor of a file at 48.
    private const string Text = """
        (module
          (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_pread" (func $pread (param i32 i32 i32 i64 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_pwrite" (func $pwrite (param i32 i32 i32 i64 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_readdir" (func $readdir (param i32 i32 i32 i64 i32) (result i32)))
          (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "path_filestat_get" (func $stat (param i32 i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 800)
          (data (i32.const 0) "\00\00\01\00\00\00\00\03")
          (func (export "random_get") (result i32) (call $random (i32.const 65536) (i32.const 50331648)))
          (func (export "fd_read") (result i32) (call $read (i32.load (i32.const 48)) (i32.const 0) (i32.const 1) (i32.const 16)))
          (func (export "fd_write") (result i32) (call $write (i32.load (i32.const 48)) (i32.const 0) (i32.const 1) (i32.const 16)))
          (func (export "fd_pread") (result i32) (call $pread (i32.load (i32.const 48)) (i32.const 0) (i32.const 1) (i64.const 0) (i32.const 16)))
          (func (export "fd_pwrite") (result i32) (call $pwrite (i32.load (i32.const 48)) (i32.const 0) (i32.const 1) (i64.const 0) (i32.const 16)))
          (func (export "standard_input") (result i32) (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))
          (func (export "standard_output") (result i32) (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
          (func (export "fd_readdir") (result i32) (call $readdir (i32.const 3) (i32.const 65536) (i32.const 0) (i64.const 0) (i32.const 16)))
          (func (export "poll_oneoff") (result i32) (call $poll (i32.const 65536) (i32.const 1048576) (i32.const 4000) (i32.const 16)))
          (func (export "stat") (param i32) (result i32) (call $stat (i32.const 3) (i32.const 1) (i32.const 65536) (local.get 0) (i32.const 1024))))
        """;

    private static readonly Engine s_engine = new(new EngineOptions { AllocationStrategy = AllocationStrategy.OnDemand, EnableInterruption = true, EnableFuel = true });
    private static readonly Lazy<Module> s_module = new(() => Module.FromText(s_engine, Text));

    public static TheoryData<string> Functions { get; } = ["random_get", "fd_read", "fd_write", "fd_pread", "fd_pwrite"];

    [Theory]
    [MemberData(nameof(Functions))]
    public void What_is_asked_for_in_one_call_is_done_and_paid_for(string function)
    {
        using var guest = new Counted();
        guest.Instance.Fuel = 1L << 40;
        Assert.Equal(0, guest.Call(function));
        Assert.Equal(Asked, guest.Bytes);
        long spent = (1L << 40) - guest.Instance.Fuel;
        Assert.InRange(spent, Asked, Asked + 1000);
    }

    [Theory]
    [MemberData(nameof(Functions))]
    public void Fuel_ends_it_within_a_piece(string function)
    {
        using var guest = new Counted();
        guest.Instance.Fuel = 5 * Piece;
        Assert.Equal(TrapCode.OutOfFuel, Assert.Throws<TrapException>(() => guest.Call(function)).Code);
        Assert.InRange(guest.Bytes, 0, 5 * Piece);
        Assert.Equal(0, guest.Instance.Fuel);
    }

    [Theory]
    [MemberData(nameof(Functions))]
    public void A_token_ends_it_within_a_piece(string function)
    {
        using var guest = new Counted();
        using var source = new CancellationTokenSource();
        guest.OnPiece = source.Cancel;
        Assert.ThrowsAny<OperationCanceledException>(() => guest.Call(function, source.Token));
        Assert.InRange(guest.Bytes, 1, Piece);
    }

    [Theory]
    [MemberData(nameof(Functions))]
    public void An_interruption_ends_it_within_a_piece(string function)
    {
        using var guest = new Counted();
        guest.OnPiece = guest.Instance.Interrupt;
        Assert.Equal(TrapCode.Interrupted, Assert.Throws<TrapException>(() => guest.Call(function)).Code);
        Assert.InRange(guest.Bytes, 1, Piece);
    }

    [Fact]
    public void A_large_buffer_for_a_small_file_costs_what_comes()
    {
        using var guest = new Counted { Most = 10 };
        Assert.InRange(guest.Cost("fd_read"), 10, 500);
        Assert.InRange(guest.Cost("fd_pread"), 0, 500);
        Assert.Equal(10, guest.Bytes);
    }

    [Fact]
    public void Streams_take_and_give_pieces()
    {
        using var input = new MemoryStream(new byte[4 * Piece]);
        using var output = new MemoryStream();
        using var guest = new Counted(new WasiOptions { StandardInput = input, StandardOutput = output });
        Assert.Equal(0, guest.Call("standard_input"));
        Assert.InRange(input.Position, 1, Piece);
        guest.Instance.Fuel = 5 * Piece;
        Assert.Equal(TrapCode.OutOfFuel, Assert.Throws<TrapException>(() => guest.Call("standard_output")).Code);
        Assert.InRange(output.Length, 0, 5 * Piece);
    }

    [Fact]
    public void Listings_polls_and_long_paths_cost_by_their_size()
    {
        using var guest = new Counted();
        for (int i = 0; i < 1000; i++)
            guest.Memory.WriteFile($"file {i}", "");
        Assert.InRange(guest.Cost("fd_readdir"), 64_000, 70_000);
        // 4,000 clocks that have rung: their time is 0.
        Assert.InRange(guest.Cost("poll_oneoff"), 4000 * 48, (4000 * 48) + 1000);
        guest.Memory.CreateDirectory("a");
        int length = guest.Instance.Memory.WriteUtf8(65536, string.Concat(Enumerable.Repeat("a/../", 700)) + "big");
        Assert.InRange(guest.Cost("stat", length), 1401 * 512, (1401 * 512) + 1000);
    }

    private sealed class Counted : IDisposable
    {
        private readonly WasiContext _context;
        private readonly InstanceTemplate _template;

        public Counted(WasiOptions? options = null)
        {
            Memory.WriteFile("big", "");
            _context = new WasiContext((options ?? new WasiOptions()) with
            {
                RandomSource = bytes => Count(bytes.Length),
                Preopens = [WasiPreopen.Memory(Memory, "/")],
            });
            _template = new Linker(s_engine).DefineWasi().Prepare(s_module.Value);
            Instance = _template.Instantiate(_context);
            Assert.Equal(WasiErrno.Success, _context.Descriptors.Add(new Descriptors.FileDescriptor(new CountedFile(this), WasiRights.All, WasiRights.None), out int number));
            Instance.Memory.Write(48, number);
        }

        public WasiMemoryFileSystem Memory { get; } = new();

        public Instance Instance { get; }

        public long Bytes { get; private set; }

        public Action? OnPiece { get; set; }

        /// <summary>How much the file has.</summary>
        public long Most { get; init; } = long.MaxValue;

        public int Call(string function, CancellationToken token = default) => Instance.GetFunction<int>(function).Invoke(token);

        public long Cost(string function, params ReadOnlySpan<int> arguments)
        {
            Instance.Fuel = 1L << 40;
            var values = new Value[arguments.Length];
            for (int i = 0; i < values.Length; i++)
                values[i] = arguments[i];
            Assert.Equal(0, Instance.GetFunction(function).Invoke(values)[0].AsInt32());
            return (1L << 40) - Instance.Fuel;
        }

        public void Count(int bytes)
        {
            Bytes += bytes;
            OnPiece?.Invoke();
        }

        public void Dispose()
        {
            Instance.Dispose();
            _template.Dispose();
            _context.Dispose();
        }
    }

    // As /dev/zero, which has as much as anybody wants, unless it is told otherwise.
    private sealed class CountedFile(Counted guest) : WasiFile
    {
        public override WasiErrno GetStat(out WasiFileStat stat)
        {
            stat = default;
            return WasiErrno.Success;
        }

        public override WasiErrno Read(ulong offset, Span<byte> buffer, out int read)
        {
            guest.Count(read = (int)Math.Min(buffer.Length, guest.Most - guest.Bytes));
            return WasiErrno.Success;
        }

        public override WasiErrno Write(ulong offset, ReadOnlySpan<byte> data, out int written)
        {
            guest.Count(written = data.Length);
            return WasiErrno.Success;
        }
    }
}

// Guests that wait hold no thread: many of them wait at the same time on a few threads, and can be stopped while they do.
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Tarn.Wasi.Tests.Support;

namespace Tarn.Wasi.Tests;

/// <summary>Waiting is asynchronous, and ends.</summary>
public sealed class WaitingTests
{
    [Fact]
    public async Task Hundreds_of_guests_wait_at_once()
    {
        const int Count = 300;
        using InstanceTemplate template = new Linker(Guest.Engine).DefineWasi().Prepare(Guest.Module("polling"));
        var input = new Pipe[Count];
        var output = new MemoryStream[Count];
        var runs = new Task<int>[Count];
        var open = new List<IDisposable>();
        for (int i = 0; i < Count; i++)
        {
            input[i] = new Pipe();
            output[i] = new MemoryStream();
            var context = new WasiContext(new WasiOptions { StandardInput = input[i].Reader.AsStream(), StandardOutput = output[i] });
            Instance instance = template.Instantiate(context);
            open.Add(instance);
            open.Add(context);
            // From one thread: a run that blocked would keep the next from starting.
            runs[i] = context.RunAsync(instance).AsTask();
        }
        Assert.DoesNotContain(runs, run => run.IsCompleted);
        for (int i = 0; i < Count; i++)
        {
            await input[i].Writer.WriteAsync(Encoding.UTF8.GetBytes($"{i}"));
            await input[i].Writer.CompleteAsync();
        }
        Assert.All(await Task.WhenAll(runs), status => Assert.Equal(0, status));
        for (int i = 0; i < Count; i++)
            Assert.StartsWith($"read {i}\n", Encoding.UTF8.GetString(output[i].ToArray()), StringComparison.Ordinal);
        foreach (IDisposable thing in open)
            thing.Dispose();
    }

    [Fact]
    public async Task A_guest_that_waits_can_be_cancelled()
    {
        var pipe = new Pipe();
        using var stop = new CancellationTokenSource();
        using var context = new WasiContext(new WasiOptions { StandardInput = pipe.Reader.AsStream(), Arguments = ["cat"] });
        using Instance instance = new Linker(Guest.Engine).DefineWasi(context).Prepare(Guest.Module("cat")).Instantiate();
        Task<int> run = context.RunAsync(instance, stop.Token).AsTask();
        Assert.False(run.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_guest_that_waits_for_ever_is_ended_by_its_time(bool onAClock)
    {
        const string Clock = "(i64.store (i32.const 24) (i64.const 0x7fffffffffffffff)) (drop (call $poll (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))";
        const string Input = "(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 1)) (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 200)))";
        using Module module = Module.FromText(Guest.Engine, $"""
            (module
              (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1)
              (func (export "_start") {(onAClock ? Clock : Input)}))
            """);
        using var context = new WasiContext(new WasiOptions { StandardInput = new Pipe().Reader.AsStream() });
        using Instance instance = new Linker(Guest.Engine).DefineWasi(context).Prepare(module).Instantiate();
        instance.CallTimeout = TimeSpan.FromMilliseconds(200);
        TrapException trap = await Assert.ThrowsAsync<TrapException>(async () => await context.RunAsync(instance, TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(TrapCode.Interrupted, trap.Code);
    }

    [Fact]
    public async Task Streams_that_only_know_asynchronous_calls_will_do()
    {
        // As those of a web server are.
        var input = new AsynchronousStream("what goes in"u8.ToArray());
        var output = new AsynchronousStream([]);
        var error = new AsynchronousStream([]);
        using (var context = new WasiContext(new WasiOptions { StandardInput = input, StandardOutput = output, StandardError = error, Arguments = ["cat"] }))
        {
            using Instance instance = new Linker(Guest.Engine).DefineWasi(context).Prepare(Guest.Module("cat")).Instantiate();
            Assert.Equal(0, await context.RunAsync(instance, TestContext.Current.CancellationToken));
        }
        Assert.Equal("what goes in", Encoding.UTF8.GetString(output.Contents));
        Assert.True(output.IsFlushed);
        Assert.Equal("12 bytes\n", Encoding.UTF8.GetString(error.Contents));

        using var guest = new RawGuest(new WasiOptions { StandardOutput = new AsynchronousStream([]), StandardInput = new AsynchronousStream([1]) });
        Assert.Equal(WasiErrno.Success, guest.WriteText(1, "x"));
        Assert.Equal(WasiErrno.Success, guest.Call("fd_sync", 1));
        Assert.Equal(WasiErrno.Success, guest.Call("fd_datasync", 1));
        guest.ReadText(0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_guest_whose_output_nobody_reads_can_be_stopped(bool byItsTime)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 16, resumeWriterThreshold: 8));
        var input = new MemoryStream(new byte[1 << 20]);
        using var context = new WasiContext(new WasiOptions { StandardInput = input, StandardOutput = pipe.Writer.AsStream(), Arguments = ["cat"] });
        using Instance instance = new Linker(Guest.Engine).DefineWasi(context).Prepare(Guest.Module("cat")).Instantiate();
        await AssertStopsAsync(context, instance, byItsTime, TimeSpan.FromSeconds(30));
        await Task.Run(context.Dispose, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Theory]
    [InlineData("fd_read", 0, true)]
    [InlineData("fd_read", 0, false)]
    [InlineData("fd_write", 1, true)]
    [InlineData("fd_write", 2, true)]
    [InlineData("fd_sync", 1, true)]
    public async Task A_stream_that_hears_no_cancellation_holds_no_guest(string function, int fd, bool byItsTime)
    {
        // A console's does not. What it is still reading into must not be given to anybody else meanwhile.
        string call = function == "fd_sync" ? $"(call $sync (i32.const {fd}))" : $"(call ${function} (i32.const {fd}) (i32.const 0) (i32.const 1) (i32.const 200))";
        using Module module = Module.FromText(Guest.Engine, $"""
            (module
              (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "fd_sync" (func $sync (param i32) (result i32)))
              (memory (export "memory") 1)
              (data (i32.const 0) "\40\00\00\00\10\00\00\00")
              (func (export "_start") (drop {call})))
            """);
        var stream = new DeafStream();
        using var context = new WasiContext(new WasiOptions { StandardInput = stream, StandardOutput = stream, StandardError = stream });
        using Instance instance = new Linker(Guest.Engine).DefineWasi(context).Prepare(module).Instantiate();
        await AssertStopsAsync(context, instance, byItsTime, TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData("fd_read", true)]
    [InlineData("fd_read", false)]
    [InlineData("fd_write", true)]
    [InlineData("poll_oneoff", true)]
    [InlineData("sock_recv", false)]
    [InlineData("sock_accept", true)]
    public async Task What_comes_after_a_call_was_stopped_reaches_no_memory(string function, bool byItsTime)
    {
        // The instance may be at something else by then, or its memory may be another's.
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        using Socket server = listener.Accept();
        string call = function switch
        {
            "poll_oneoff" => "(i32.const 1024) (i32.const 2048) (i32.const 1) (i32.const 200)",
            "sock_recv" => "(i32.const 4) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 200) (i32.const 204)",
            "sock_accept" => "(i32.const 3) (i32.const 0) (i32.const 200)",
            _ => $"(i32.const {(function == "fd_read" ? 0 : 1)}) (i32.const 0) (i32.const 1) (i32.const 200)",
        };
        string types = string.Concat(RawGuest.Signatures[function].Select(_ => " i32"));
        using Module module = Module.FromText(Guest.Engine, $"""
            (module
              (import "wasi_snapshot_preview1" "{function}" (func $call (param{types}) (result i32)))
              (memory (export "memory") 1)
              (data (i32.const 0) "\40\00\00\00\10\00\00\00")
              (data (i32.const 1032) "\01")
              (func (export "_start") (drop (call $call {call}))))
            """);
        var stream = new LateStream();
        using var context = new WasiContext(new WasiOptions { StandardInput = stream, StandardOutput = stream, Sockets = [listener, server] });
        using Instance instance = new Linker(Guest.Engine).DefineWasi(context).Prepare(module).Instantiate();
        using var stop = new CancellationTokenSource();
        if (byItsTime)
            instance.CallTimeout = TimeSpan.FromMilliseconds(200);
        else
            stop.CancelAfter(TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAnyAsync<Exception>(() => context.RunAsync(instance, stop.Token).AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
        // All but the list of buffers, which is looked at again.
        instance.Memory.AsSpan()[8..].Fill(0xee);
        stream.Complete();
        client.Send("late"u8);
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Equal(-1, instance.Memory.AsSpan()[8..].IndexOfAnyExcept((byte)0xee));
        Assert.False(context.Descriptors.TryGet(5, out _));
    }

    [Fact]
    public async Task Stopping_a_call_and_answering_it_at_the_same_time_is_one_or_the_other()
    {
        using Module module = Module.FromText(Guest.Engine, """
            (module
              (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1)
              (data (i32.const 0) "\40\00\00\00\00\80\00\00")
              (func (export "_start") (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 56)))))
            """);
        using InstanceTemplate template = new Linker(Guest.Engine).DefineWasi().Prepare(module);
        var random = new Random(1);
        int stopped = 0;
        int answered = 0;
        for (int i = 0; i < 2000; i++)
        {
            var stream = new LateStream();
            using var context = new WasiContext(new WasiOptions { StandardInput = stream });
            using Instance instance = template.Instantiate(context);
            using var stop = new CancellationTokenSource();
            Task<int> run = context.RunAsync(instance, stop.Token).AsTask();
            int head = random.Next(400);
            Task answer = Task.Run(() =>
            {
                Thread.SpinWait(head);
                stream.Complete();
            });
            Thread.SpinWait(random.Next(400));
            await stop.CancelAsync();
            try
            {
                await run;
                answered++;
            }
            catch (OperationCanceledException)
            {
                stopped++;
                instance.Memory.AsSpan()[8..].Fill(0xee);
                await answer;
                Assert.Equal(-1, instance.Memory.AsSpan()[8..].IndexOfAnyExcept((byte)0xee));
            }
            await answer;
        }
        Assert.True(stopped > 0 && answered > 0, $"{stopped} stopped, {answered} answered: no race took place");
    }

    [Fact]
    public async Task Who_stops_a_call_waits_for_what_touches_the_guest_at_that_moment()
    {
        using Module module = Module.FromText(Guest.Engine, """
            (module
              (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1)
              (data (i32.const 0) "\40\00\00\00\10\00\00\00")
              (data (i32.const 1032) "\01")
              (func (export "_start")
                (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 200)))
                (drop (call $poll (i32.const 1024) (i32.const 2048) (i32.const 1) (i32.const 200)))))
            """);
        // The poll waits for the flush. When that has come it goes on, on the thread that brought it, and looks at the input: there it is held up.
        using var input = new HeldUpStream();
        var output = new LateFlushStream();
        using var context = new WasiContext(new WasiOptions { StandardInput = input, StandardOutput = output });
        using Instance instance = new Linker(Guest.Engine).DefineWasi(context).Prepare(module).Instantiate();
        using var stop = new CancellationTokenSource();
        Task<int> run = context.RunAsync(instance, stop.Token).AsTask();
        Task flush = Task.Run(output.Complete, TestContext.Current.CancellationToken);
        await input.Entered.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Task cancel = Task.Run(stop.Cancel, TestContext.Current.CancellationToken);
        await Task.Delay(300, TestContext.Current.CancellationToken);
        Assert.False(run.IsCompleted, "the call has ended while its host function was at the guest's memory");
        input.Release.Set();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        await cancel;
        await flush;
    }

    [Fact]
    public async Task A_pipe_in_a_directory_is_waited_for_unless_it_must_not_be()
    {
        using var directory = new TemporaryDirectory();
        using (Process make = Process.Start("mkfifo", [directory["pipe"], directory["other"]]))
            await make.WaitForExitAsync(TestContext.Current.CancellationToken);
        using var engine = new Engine(new EngineOptions { BlockOnPendingHostFunctions = true, EnableInterruption = true });
        using var guest = new RawGuest(new WasiOptions { Preopens = [WasiPreopen.Host(directory.Path, "/")] }, engine);
        // Opened for both, so that neither side has to wait for the other to open it.
        await using FileStream ours = new(directory["pipe"], FileMode.Open, FileAccess.ReadWrite);
        Assert.Equal(WasiErrno.Success, guest.Open(3, "pipe", out int fd, rights: WasiRights.Read | WasiRights.SetFlags));
        Task writing = Task.Run(async () =>
        {
            await Task.Delay(300);
            await ours.WriteAsync("through a pipe"u8.ToArray());
            await ours.FlushAsync();
        });
        Assert.Equal("through a pipe", guest.ReadText(fd));
        await writing;
        Assert.Equal(WasiErrno.Success, guest.Call("fd_fdstat_set_flags", fd, 4));
        Assert.Equal(WasiErrno.Again, guest.Call("fd_read", fd, 256, 1, 264));

        // And one that is full.
        await using FileStream sink = new(directory["other"], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
        Assert.Equal(WasiErrno.Success, guest.Open(3, "other", out fd, rights: WasiRights.Write));
        Task<int> reading = Task.Run(async () =>
        {
            await Task.Delay(300);
            byte[] bytes = new byte[200_000];
            int read = 0;
            while (read < bytes.Length)
                read += await sink.ReadAsync(bytes.AsMemory(read));
            return read;
        });
        int sent = 0;
        guest.Memory.Write(256, 0);
        while (sent < 200_000)
        {
            guest.Memory.Write(260, Math.Min(50_000, 200_000 - sent));
            Assert.Equal(WasiErrno.Success, guest.Call("fd_write", fd, 256, 1, 264));
            sent += guest.Memory.Read<int>(264);
        }
        Assert.Equal(sent, await reading);
    }

    [Fact]
    public void Sockets_accept_receive_send_and_shut_down()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        client.Send("request"u8);
        // A synchronous call of a function that may wait: it need not, the connection and its bytes are there.
        using var engine = new Engine(new EngineOptions { BlockOnPendingHostFunctions = true });
        using var guest = new RawGuest(new WasiOptions { Sockets = [listener] }, engine);
        Assert.Equal(WasiErrno.Success, guest.Call("sock_accept", 3, 0, 512));
        int connection = guest.Memory.Read<int>(512);
        Assert.Equal(4, connection);
        guest.Memory.Write(256, 4096);
        guest.Memory.Write(260, 100);
        Assert.Equal(WasiErrno.Invalid, guest.Call("sock_recv", connection, 256, 1, 8, 512, 516));
        Assert.Equal(WasiErrno.Success, guest.Call("sock_recv", connection, 256, 1, 1, 512, 516)); // peek
        Assert.Equal(WasiErrno.Success, guest.Call("sock_recv", connection, 256, 1, 0, 512, 516));
        Assert.Equal("request", guest.Memory.ReadUtf8(4096, guest.Memory.Read<int>(512)));
        guest.Memory.Write(260, guest.Memory.WriteUtf8(4096, "response"));
        Assert.Equal(WasiErrno.Success, guest.Call("sock_send", connection, 256, 1, 0, 512));
        Assert.Equal(WasiErrno.Success, guest.Call("sock_shutdown", connection, 3));
        Assert.Equal(WasiErrno.Invalid, guest.Call("sock_shutdown", connection, 0));
        byte[] answer = new byte[100];
        Assert.Equal("response", Encoding.UTF8.GetString(answer, 0, client.Receive(answer)));
        Assert.Equal(0, client.Receive(answer));
        Assert.Equal(WasiErrno.NotSocket, guest.Call("sock_accept", 1, 0, 512));
    }

    // Hears no cancellation, and completes when it is told to.
    // Runs a program that does not end, and stops it by its time or by a token.
    private static async Task AssertStopsAsync(WasiContext context, Instance instance, bool byItsTime, TimeSpan within)
    {
        using var stop = new CancellationTokenSource();
        if (byItsTime)
            instance.CallTimeout = TimeSpan.FromMilliseconds(200);
        else
            stop.CancelAfter(TimeSpan.FromMilliseconds(200));
        Task<int> run = context.RunAsync(instance, stop.Token).AsTask();
        Exception end = await Assert.ThrowsAnyAsync<Exception>(() => run.WaitAsync(within));
        Assert.True(end is OperationCanceledException or TrapException { Code: TrapCode.Interrupted }, end.ToString());
    }

    private sealed class LateStream : OnlyAsynchronous
    {
        private readonly TaskCompletionSource _completion = new();

        public void Complete() => _completion.SetResult();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await _completion.Task;
            buffer.Span.Clear();
            return buffer.Length;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => await _completion.Task;

        public override Task FlushAsync(CancellationToken cancellationToken) => _completion.Task;
    }

    private sealed class LateFlushStream : OnlyAsynchronous
    {
        private readonly TaskCompletionSource _completion = new();

        public void Complete() => _completion.SetResult();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

        public override Task FlushAsync(CancellationToken cancellationToken) => _completion.Task;
    }

    private sealed class HeldUpStream : OnlyAsynchronous
    {
        public TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ManualResetEventSlim Release { get; } = new();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Entered.SetResult();
            Release.Wait(TimeSpan.FromSeconds(30), CancellationToken.None);
            return ValueTask.FromResult(0);
        }

        protected override void Dispose(bool disposing)
        {
            Release.Dispose();
            base.Dispose(disposing);
        }
    }

    private sealed class DeafStream : OnlyAsynchronous
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await new TaskCompletionSource().Task;
            return 0;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => await new TaskCompletionSource().Task;

        public override Task FlushAsync(CancellationToken cancellationToken) => new TaskCompletionSource().Task;
    }

    private sealed class AsynchronousStream(byte[] input) : OnlyAsynchronous
    {
        private readonly MemoryStream _input = new(input);
        private readonly MemoryStream _output = new();

        public byte[] Contents => _output.ToArray();

        public bool IsFlushed { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _input.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            IsFlushed = false;
            return _output.WriteAsync(buffer, cancellationToken);
        }

        public override Task FlushAsync(CancellationToken cancellationToken)
        {
            IsFlushed = true;
            return Task.CompletedTask;
        }
    }

    private abstract class OnlyAsynchronous : Stream
    {
        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new InvalidOperationException("synchronous operations are not allowed");

        public override void Write(byte[] buffer, int offset, int count) => throw new InvalidOperationException("synchronous operations are not allowed");

        public override void Flush() => throw new InvalidOperationException("synchronous operations are not allowed");

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}

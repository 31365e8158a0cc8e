// Guests that wait hold no thread: many of them wait at the same time on a few threads, and can be stopped while they do.
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
        using var stop = new CancellationTokenSource();
        if (byItsTime)
            instance.CallTimeout = TimeSpan.FromMilliseconds(200);
        else
            stop.CancelAfter(TimeSpan.FromMilliseconds(200));
        Task<int> run = context.RunAsync(instance, stop.Token).AsTask();
        Exception end = await Assert.ThrowsAnyAsync<Exception>(() => run.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.True(end is OperationCanceledException or TrapException { Code: TrapCode.Interrupted }, end.ToString());
        await Task.Run(context.Dispose, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30));
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

    private sealed class AsynchronousStream(byte[] input) : Stream
    {
        private readonly MemoryStream _input = new(input);
        private readonly MemoryStream _output = new();

        public byte[] Contents => _output.ToArray();

        public bool IsFlushed { get; private set; }

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

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

        public override int Read(byte[] buffer, int offset, int count) => throw new InvalidOperationException("synchronous operations are not allowed");

        public override void Write(byte[] buffer, int offset, int count) => throw new InvalidOperationException("synchronous operations are not allowed");

        public override void Flush() => throw new InvalidOperationException("synchronous operations are not allowed");

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}

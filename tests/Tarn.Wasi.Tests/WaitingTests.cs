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
}

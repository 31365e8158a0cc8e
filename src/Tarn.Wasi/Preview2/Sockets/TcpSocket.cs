// A TCP socket of a guest: the states of tcp.wit over a socket of the host. What waits is a task whose end the pollable waits for, and no thread does. A listening socket has one accept under way,
// so that it holds one connection at most that the guest has not asked for yet.
using System.Net;
using System.Net.Sockets;
using Tarn.Wasi.Preview2.Io;

namespace Tarn.Wasi.Preview2.Sockets;

/// <summary>The object behind a tcp-socket.</summary>
internal sealed class TcpSocket : IDisposable
{
    private enum State
    {
        Unbound,
        BindStarted,
        Bound,
        ListenStarted,
        Listening,
        Connecting,
        Connected,
        Closed,
    }

    private readonly GuestSockets _owner;
    private readonly SharedSocket _shared;
    private readonly CancellationTokenSource _stop = new();
    private State _state;
    private Task? _connecting;
    private Task<Socket>? _accepting;
    private TransferOutputStream? _output;
    private int _backlog = 128;

    private TcpSocket(GuestSockets owner, SharedSocket shared, AddressFamily family, State state)
    {
        _owner = owner;
        _shared = shared;
        Family = family;
        _state = state;
    }

    public AddressFamily Family { get; }

    public Socket Socket => _shared.Socket;

    public bool IsListening => _state == State.Listening;

    public bool IsUsable => _state != State.Closed;

    public IPEndPoint? Local => _state is State.Unbound or State.BindStarted or State.Closed ? null : (IPEndPoint?)Socket.LocalEndPoint;

    public IPEndPoint? Remote => _state == State.Connected ? (IPEndPoint?)Socket.RemoteEndPoint : null;

    public static TcpSocket Create(GuestSockets owner, AddressFamily family) =>
        new(owner, owner.Create(family, SocketType.Stream, ProtocolType.Tcp), family, State.Unbound);

    public void StartBind(IPEndPoint address)
    {
        Expect(State.Unbound);
        if (!SocketValues.IsUnicast(address.Address))
            throw new SocketRefusedException("invalid-argument");
        _owner.Check(WasiSocketUse.TcpBind, address);
        Socket.Bind(address);
        _state = State.BindStarted;
    }

    public void FinishBind()
    {
        InProgress(State.BindStarted);
        _state = State.Bound;
    }

    public void StartConnect(IPEndPoint address)
    {
        if (_state is not (State.Unbound or State.Bound))
            throw new SocketRefusedException("invalid-state");
        if (!SocketValues.IsUnicast(address.Address))
            throw new SocketRefusedException("invalid-argument");
        _owner.Check(WasiSocketUse.TcpConnect, address);
        _connecting = Socket.ConnectAsync(address, _stop.Token).AsTask();
        Observe(_connecting);
        _state = State.Connecting;
    }

    public (InputStream Input, OutputStream Output) FinishConnect()
    {
        InProgress(State.Connecting);
        if (!_connecting!.IsCompleted)
            throw new SocketRefusedException("would-block");
        Task connected = _connecting;
        _connecting = null;
        if (!connected.IsCompletedSuccessfully)
        {
            _state = State.Closed;
            throw connected.Exception?.InnerException ?? new SocketRefusedException("connection-aborted");
        }

        _state = State.Connected;
        return Streams();
    }

    public void StartListen()
    {
        Expect(State.Bound);
        Socket.Listen(_backlog);
        _state = State.ListenStarted;
    }

    public void FinishListen()
    {
        InProgress(State.ListenStarted);
        _state = State.Listening;
        BeginAccept();
    }

    public (TcpSocket Socket, InputStream Input, OutputStream Output) Accept()
    {
        Expect(State.Listening);
        BeginAccept();
        if (!_accepting!.IsCompleted)
            throw new SocketRefusedException("would-block");
        if (!_accepting.IsCompletedSuccessfully)
        {
            Exception failure = _accepting.Exception?.InnerException ?? new SocketRefusedException("connection-aborted");
            _accepting = null;
            throw failure;
        }

        // The connection stays where it is while the guest has as many sockets as it may.
        _owner.Reserve();
        Socket accepted = _accepting.Result;
        _accepting = null;
        BeginAccept();
        accepted.Blocking = false;
        TcpSocket socket = new(_owner, _owner.Keep(accepted), Family, State.Connected);
        (InputStream input, OutputStream output) = socket.Streams();
        return (socket, input, output);
    }

    public void SetBacklog(ulong value)
    {
        if (value == 0)
            throw new SocketRefusedException("invalid-argument");
        if (_state is State.ListenStarted or State.Listening)
            throw new SocketRefusedException("not-supported");
        if (_state is not (State.Unbound or State.BindStarted or State.Bound))
            throw new SocketRefusedException("invalid-state");
        _backlog = (int)Math.Min(value, 4096);
    }

    public void Shutdown(SocketShutdown how)
    {
        Expect(State.Connected);
        if (how is SocketShutdown.Send or SocketShutdown.Both && _output is { Pending: { IsCompleted: false } pending })
        {
            // What was written is sent first.
            Socket socket = Socket;
            _ = pending.ContinueWith(_ => TryShutdown(socket, SocketShutdown.Send), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            if (how == SocketShutdown.Send)
                return;
            how = SocketShutdown.Receive;
        }

        Socket.Shutdown(how);
    }

    public Pollable Subscribe() => new(
        () => _state switch
        {
            State.Connecting => _connecting!.IsCompleted,
            State.Listening => _accepting is null or { IsCompleted: true },
            _ => true,
        },
        async token =>
        {
            Task? pending = _state == State.Connecting ? _connecting : _state == State.Listening ? _accepting : null;
            if (pending is not null)
                await pending.WaitAsync(token).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
            token.ThrowIfCancellationRequested();
        });

    public void Dispose()
    {
        if (_state == State.Connecting || _accepting is not null)
            _stop.Cancel();
        _accepting?.ContinueWith(static accepted => accepted.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
        _state = State.Closed;
        _stop.Dispose();
        _shared.Release();
    }

    private static void TryShutdown(Socket socket, SocketShutdown how)
    {
        try
        {
            socket.Shutdown(how);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Closed meanwhile.
        }
    }

    private void BeginAccept()
    {
        if (_accepting is not null)
            return;
        _accepting = Socket.AcceptAsync(_stop.Token).AsTask();
        Observe(_accepting);
    }

    private (InputStream Input, OutputStream Output) Streams()
    {
        SharedSocket reading = _shared.AddUser(), writing = _shared.AddUser();
        TransferInputStream input = new((buffer, token) => reading.Socket.ReceiveAsync(buffer, SocketFlags.None, token), reading.Release);
        TransferOutputStream? output = null;
        // A pending write is still sent when the guest drops the stream; the socket counts until then, and ends with the context.
        output = new TransferOutputStream(
            bytes => SendAsync(writing.Socket, bytes),
            () => output!.Pending.ContinueWith(_ => writing.Release(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default));
        _output = output;
        return (input, output);
    }

    private static async ValueTask SendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None).ConfigureAwait(false)..];
    }

    private static void Observe(Task task) =>
        task.ContinueWith(static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    private void Expect(State state)
    {
        if (_state == state)
            return;
        throw new SocketRefusedException(_state is State.BindStarted or State.ListenStarted or State.Connecting ? "concurrency-conflict" : "invalid-state");
    }

    private void InProgress(State state)
    {
        if (_state != state)
            throw new SocketRefusedException("not-in-progress");
    }
}

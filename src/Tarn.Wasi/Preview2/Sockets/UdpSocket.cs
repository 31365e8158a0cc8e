// A UDP socket of a guest. Streams of datagrams belong to the remote address that they were made for: datagrams from others are dropped here, since a socket of the host cannot be released from
// an address again. One datagram is read ahead, and one send is pending, so that the host keeps no more than two datagrams of 64 KiB for each socket.
using System.Net;
using System.Net.Sockets;
using Tarn.Wasi.Preview2.Io;

namespace Tarn.Wasi.Preview2.Sockets;

/// <summary>The object behind a udp-socket.</summary>
internal sealed class UdpSocket : IDisposable
{
    private readonly SharedSocket _shared;
    private bool _isStarted;
    private bool _isBound;

    private UdpSocket(GuestSockets owner, SharedSocket shared, AddressFamily family)
    {
        Owner = owner;
        _shared = shared;
        Family = family;
    }

    public GuestSockets Owner { get; }

    public AddressFamily Family { get; }

    public Socket Socket => _shared.Socket;

    public IPEndPoint? Local => _isBound ? (IPEndPoint?)Socket.LocalEndPoint : null;

    public IPEndPoint? Remote { get; private set; }

    public static UdpSocket Create(GuestSockets owner, AddressFamily family) => new(owner, owner.Create(family, SocketType.Dgram, ProtocolType.Udp), family);

    public void StartBind(IPEndPoint address)
    {
        if (_isStarted)
            throw new SocketRefusedException(_isBound ? "invalid-state" : "concurrency-conflict");
        Owner.Check(WasiSocketUse.UdpBind, address);
        Socket.Bind(address);
        _isStarted = true;
    }

    public void FinishBind()
    {
        if (!_isStarted || _isBound)
            throw new SocketRefusedException("not-in-progress");
        _isBound = true;
    }

    /// <summary>Makes the streams of datagrams, for one remote address or for all.</summary>
    public (IncomingDatagrams Incoming, OutgoingDatagrams Outgoing) Streams(IPEndPoint? remote)
    {
        if (!_isBound)
            throw new SocketRefusedException("invalid-state");
        if (remote is not null)
            Owner.Check(WasiSocketUse.UdpConnect, remote);
        Remote = remote;
        return (new IncomingDatagrams(_shared.AddUser(), Family, remote), new OutgoingDatagrams(_shared.AddUser(), Owner, Family, remote));
    }

    public void Dispose() => _shared.Release();
}

/// <summary>The object behind an incoming-datagram-stream.</summary>
internal sealed class IncomingDatagrams(SharedSocket shared, AddressFamily family, IPEndPoint? remote) : IDisposable
{
    /// <summary>Datagrams that one call returns at most.</summary>
    public const int MostDatagrams = 16;

    private const int MostBytes = 64 << 10;

    private readonly CancellationTokenSource _stop = new();
    private readonly byte[] _buffer = new byte[MostBytes];
    private Task<SocketReceiveFromResult>? _pending;

    /// <summary>Takes what has arrived.</summary>
    public List<(byte[] Data, IPEndPoint From)> Receive(ulong most)
    {
        List<(byte[], IPEndPoint)> result = [];
        int limit = (int)Math.Min(most, MostDatagrams);
        int total = 0;
        while (result.Count < limit && total < MostBytes)
        {
            Begin();
            if (!_pending!.IsCompleted)
                break;
            Task<SocketReceiveFromResult> received = _pending;
            _pending = null;
            if (!received.IsCompletedSuccessfully)
            {
                // An answer to something sent earlier. It is reported unless a datagram can be.
                if (result.Count > 0)
                    break;
                throw received.Exception?.InnerException ?? new SocketRefusedException("connection-aborted");
            }

            result.Add((_buffer.AsSpan(0, received.Result.ReceivedBytes).ToArray(), (IPEndPoint)received.Result.RemoteEndPoint));
            total += received.Result.ReceivedBytes;
        }

        return result;
    }

    public Pollable Subscribe() => new(
        () =>
        {
            Begin();
            return _pending!.IsCompleted;
        },
        async token =>
        {
            Begin();
            await _pending!.WaitAsync(token).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
            token.ThrowIfCancellationRequested();
        });

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
        shared.Release();
    }

    private void Begin()
    {
        if (_pending is not null)
            return;
        _pending = ReceiveAsync(_stop.Token);
        _ = _pending.ContinueWith(static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    // The next datagram of the address that the stream is for. Others are dropped here, so that they neither make the stream ready nor take time of the guest's thread.
    private async Task<SocketReceiveFromResult> ReceiveAsync(CancellationToken stop)
    {
        IPEndPoint any = new(family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        while (true)
        {
            SocketReceiveFromResult received = await shared.Socket.ReceiveFromAsync(_buffer, SocketFlags.None, any, stop).ConfigureAwait(false);
            if (remote is null || remote.Equals(received.RemoteEndPoint))
                return received;
            await Task.Yield();
        }
    }
}

/// <summary>The object behind an outgoing-datagram-stream.</summary>
internal sealed class OutgoingDatagrams(SharedSocket shared, GuestSockets owner, AddressFamily family, IPEndPoint? remote) : IDisposable
{
    /// <summary>Datagrams that may be sent at once.</summary>
    public const int MostDatagrams = 16;

    private Task? _pending;

    public AddressFamily Family => family;

    public int Permitted { get; private set; }

    public int Check() => Permitted = _pending is null or { IsCompleted: true } ? MostDatagrams : 0;

    /// <summary>Sends a datagram if no send is pending.</summary>
    /// <returns>Whether it was sent.</returns>
    public bool Send(byte[] data, IPEndPoint? target)
    {
        if (_pending is { IsCompleted: false })
            return false;
        // A stream for one address sends to that one alone, whether it is named again or not.
        if (remote is not null && target is not null && !remote.Equals(target))
            throw new SocketRefusedException("invalid-argument");
        IPEndPoint to = target ?? remote ?? throw new SocketRefusedException("invalid-argument");
        owner.Check(WasiSocketUse.UdpSend, to);
        Task<int> sending = shared.Socket.SendToAsync((ReadOnlyMemory<byte>)data, SocketFlags.None, to).AsTask();
        Permitted--;
        if (!sending.IsCompleted)
        {
            _pending = sending;
            _ = sending.ContinueWith(static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            return true;
        }

        if (sending.Exception?.InnerException is Exception failure)
            throw failure;
        return true;
    }

    public Pollable Subscribe() => new(
        () => _pending is null or { IsCompleted: true },
        async token =>
        {
            if (_pending is Task pending)
                await pending.WaitAsync(token).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
            token.ThrowIfCancellationRequested();
        });

    public void Dispose() => shared.Release();
}

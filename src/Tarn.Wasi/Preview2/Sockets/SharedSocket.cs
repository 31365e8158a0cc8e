// A socket of the host that several resources of a guest use: the socket itself and its streams. It is closed with the last of them, or with the context, and until then counts against the limit.
using System.Net.Sockets;

namespace Tarn.Wasi.Preview2.Sockets;

/// <summary>A socket with a count of users.</summary>
internal sealed class SharedSocket
{
    private readonly GuestSockets _owner;
    private int _users = 1;
    private int _isClosed;

    public SharedSocket(GuestSockets owner, Socket socket)
    {
        _owner = owner;
        Socket = socket;
    }

    public Socket Socket { get; }

    public SharedSocket AddUser()
    {
        Interlocked.Increment(ref _users);
        return this;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            Close();
    }

    public void Close()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) != 0)
            return;
        Socket.Dispose();
        _owner.Remove(this);
    }
}

/// <summary>The sockets of a guest.</summary>
/// <param name="options">What it may do, or null for nothing.</param>
internal sealed class GuestSockets(WasiNetworkOptions? options) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly HashSet<SharedSocket> _open = [];
    private readonly SharedCounter _count = new();
    private bool _isDisposed;

    public WasiNetworkOptions? Options => options;

    /// <summary>Counts a socket or a lookup.</summary>
    /// <exception cref="SocketRefusedException">There are as many as there may be, or there may be none.</exception>
    public void Reserve()
    {
        if (options is null)
            throw new SocketRefusedException("access-denied");
        if (!_count.TryAdd(options.MaximumSockets))
            throw new SocketRefusedException("new-socket-limit");
    }

    public void Unreserve() => _count.Remove();

    /// <summary>Makes a socket.</summary>
    public SharedSocket Create(AddressFamily family, SocketType type, ProtocolType protocol)
    {
        Reserve();
        try
        {
            Socket socket = new(family, type, protocol) { Blocking = false };
            if (family == AddressFamily.InterNetworkV6)
                socket.DualMode = false;
            return Keep(socket);
        }
        catch
        {
            Unreserve();
            throw;
        }
    }

    /// <summary>Keeps a socket whose place is reserved.</summary>
    public SharedSocket Keep(Socket socket)
    {
        SharedSocket shared = new(this, socket);
        lock (_lock)
        {
            if (!_isDisposed)
            {
                _open.Add(shared);
                return shared;
            }
        }

        socket.Dispose();
        throw new SocketRefusedException("invalid-state");
    }

    /// <summary>Refuses what the filter does not permit.</summary>
    public void Check(WasiSocketUse use, System.Net.IPEndPoint address)
    {
        if (options is null || !options.Filter(use, address))
            throw new SocketRefusedException("access-denied");
    }

    public void Remove(SharedSocket socket)
    {
        lock (_lock)
            _open.Remove(socket);
        _count.Remove();
    }

    public void Dispose()
    {
        SharedSocket[] open;
        lock (_lock)
        {
            _isDisposed = true;
            open = [.. _open];
        }

        foreach (SharedSocket socket in open)
            socket.Close();
    }
}

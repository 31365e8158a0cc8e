// What a guest may do with sockets. Nothing is granted unless it is given here: without options a guest gets the error access-denied for every socket and name.
using System.Net;

namespace Tarn.Wasi;

/// <summary>What a guest wants to use an address for.</summary>
public enum WasiSocketUse
{
    /// <summary>To bind a TCP socket to a local address; a socket that listens is bound first.</summary>
    TcpBind,

    /// <summary>To connect a TCP socket to a remote address.</summary>
    TcpConnect,

    /// <summary>To bind a UDP socket to a local address.</summary>
    UdpBind,

    /// <summary>To restrict a UDP socket to a remote address.</summary>
    UdpConnect,

    /// <summary>To send a datagram to a remote address.</summary>
    UdpSend,
}

/// <summary>Decides whether a guest may use an address. Asked for each operation, before anything is sent.</summary>
/// <param name="use">The operation.</param>
/// <param name="address">The address and port; for a bind, port 0 is a port that the system chooses.</param>
/// <returns>Whether the operation is permitted.</returns>
public delegate bool WasiSocketFilter(WasiSocketUse use, IPEndPoint address);

/// <summary>Represents what a guest may do with sockets.</summary>
public sealed record WasiNetworkOptions
{
    /// <summary>Gets the filter of addresses.</summary>
    public required WasiSocketFilter Filter { get; init; }

    /// <summary>
    /// Gets the filter of names that the guest may have resolved, or <see langword="null"/> for none. To know the addresses of a name does not permit their use: <see cref="Filter"/> decides on that.
    /// </summary>
    public Func<string, bool>? NameFilter { get; init; }

    /// <summary>Gets the number of sockets, accepted connections among them, and of lookups that a guest may have at once. One more fails with the error new-socket-limit. The default is 64.</summary>
    public int MaximumSockets { get; init; } = 64;
}

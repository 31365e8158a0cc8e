// Addresses and errors of wasi:sockets as values, both ways.
using System.Net;
using System.Net.Sockets;
using Tarn.Components;

namespace Tarn.Wasi.Preview2.Sockets;

internal static class SocketValues
{
    public static ComponentValue Fail(string code) => ComponentValue.Error(ComponentValue.FromEnum(code));

    public static ComponentValue Fail(Exception exception) => Fail(Code(exception));

    /// <summary>The error code of a failure.</summary>
    public static string Code(Exception exception) => exception switch
    {
        SocketRefusedException refused => refused.Code,
        SocketException socket => Code(socket.SocketErrorCode),
        IOException { InnerException: SocketException socket } => Code(socket.SocketErrorCode),
        ObjectDisposedException => "invalid-state",
        OutOfMemoryException => "out-of-memory",
        OperationCanceledException => "connection-aborted",
        _ => "unknown",
    };

    public static ComponentValue OfAddress(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        if (length == 4)
            return ComponentValue.FromVariant("ipv4", ComponentValue.FromTuple(Byte(bytes[0]), Byte(bytes[1]), Byte(bytes[2]), Byte(bytes[3])));
        var parts = new ComponentValue[8];
        for (int i = 0; i < parts.Length; i++)
            parts[i] = ComponentValue.FromUInt16((ushort)((bytes[2 * i] << 8) | bytes[(2 * i) + 1]));
        return ComponentValue.FromVariant("ipv6", ComponentValue.FromTuple(parts));
    }

    public static ComponentValue OfEndPoint(EndPoint? endPoint)
    {
        if (endPoint is not IPEndPoint address)
            throw new SocketRefusedException("invalid-state");
        ComponentValue port = ComponentValue.FromUInt16((ushort)address.Port);
        ComponentValue inner = OfAddress(address.Address);
        return address.AddressFamily == AddressFamily.InterNetwork
            ? ComponentValue.FromVariant("ipv4", ComponentValue.FromRecord(("port", port), ("address", inner.Payload!)))
            : ComponentValue.FromVariant("ipv6", ComponentValue.FromRecord(
                ("port", port), ("flow-info", ComponentValue.FromUInt32(0)), ("address", inner.Payload!), ("scope-id", ComponentValue.FromUInt32((uint)address.Address.ScopeId))));
    }

    /// <summary>An address that a socket of a family can use.</summary>
    /// <exception cref="SocketRefusedException">It cannot.</exception>
    public static IPEndPoint EndPoint(ComponentValue value, AddressFamily family)
    {
        bool isVersion4 = value.Case == "ipv4";
        if (isVersion4 != (family == AddressFamily.InterNetwork))
            throw new SocketRefusedException("invalid-argument");
        ComponentValue record = value.Payload!;
        ComponentValue parts = record["address"];
        Span<byte> bytes = stackalloc byte[isVersion4 ? 4 : 16];
        for (int i = 0; i < parts.Count; i++)
        {
            if (isVersion4)
                bytes[i] = parts[i].AsUInt8();
            else
                (bytes[2 * i], bytes[(2 * i) + 1]) = ((byte)(parts[i].AsUInt16() >> 8), (byte)parts[i].AsUInt16());
        }

        IPAddress address = isVersion4 ? new IPAddress(bytes) : new IPAddress(bytes, record["scope-id"].AsUInt32());
        // A socket of IPv6 is of IPv6 alone (network.wit), so that a filter need not know two forms of one address.
        if (address.IsIPv4MappedToIPv6)
            throw new SocketRefusedException("invalid-argument");
        return new IPEndPoint(address, record["port"].AsUInt16());
    }

    /// <summary>The same, for where something is sent to.</summary>
    public static IPEndPoint Remote(ComponentValue value, AddressFamily family)
    {
        IPEndPoint address = EndPoint(value, family);
        if (address.Port == 0 || address.Address.Equals(IPAddress.Any) || address.Address.Equals(IPAddress.IPv6Any))
            throw new SocketRefusedException("invalid-argument");
        return address;
    }

    /// <summary>Whether an address is that of one host.</summary>
    public static bool IsUnicast(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        return length == 4 ? bytes[0] < 224 : bytes[0] != 0xFF;
    }

    private static ComponentValue Byte(byte value) => ComponentValue.FromUInt8(value);

    private static string Code(SocketError error) => error switch
    {
        SocketError.AccessDenied => "access-denied",
        SocketError.AddressAlreadyInUse => "address-in-use",
        SocketError.AddressNotAvailable => "address-not-bindable",
        SocketError.ConnectionRefused => "connection-refused",
        SocketError.ConnectionReset => "connection-reset",
        SocketError.ConnectionAborted or SocketError.OperationAborted or SocketError.Shutdown => "connection-aborted",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.NetworkDown or SocketError.HostDown => "remote-unreachable",
        SocketError.InvalidArgument or SocketError.AddressFamilyNotSupported => "invalid-argument",
        SocketError.IsConnected or SocketError.NotConnected => "invalid-state",
        SocketError.MessageSize => "datagram-too-large",
        SocketError.NoBufferSpaceAvailable => "out-of-memory",
        SocketError.OperationNotSupported or SocketError.ProtocolNotSupported or SocketError.ProtocolOption or SocketError.SocketNotSupported => "not-supported",
        SocketError.TimedOut => "timeout",
        SocketError.TooManyOpenSockets => "new-socket-limit",
        SocketError.HostNotFound or SocketError.NoData => "name-unresolvable",
        SocketError.TryAgain => "temporary-resolver-failure",
        SocketError.NoRecovery => "permanent-resolver-failure",
        SocketError.WouldBlock or SocketError.InProgress => "would-block",
        _ => "unknown",
    };
}

/// <summary>An operation that is refused with an error code.</summary>
internal sealed class SocketRefusedException(string code) : Exception(code)
{
    public string Code { get; } = code;
}

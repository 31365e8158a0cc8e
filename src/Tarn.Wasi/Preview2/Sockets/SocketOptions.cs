// Options that TCP and UDP have in common.
using System.Net.Sockets;
using Tarn.Components;

namespace Tarn.Wasi.Preview2.Sockets;

internal static class SocketOptions
{
    // The kernel bounds buffers too, but by what one process may have, and these are many.
    private const int MostBufferBytes = 1 << 20;

    public static ComponentValue HopLimit(Socket socket) => ComponentValue.FromUInt8((byte)socket.Ttl);

    public static ComponentValue? SetHopLimit(Socket socket, ComponentValue value)
    {
        if (value.AsUInt8() == 0)
            throw new SocketRefusedException("invalid-argument");
        socket.Ttl = value.AsUInt8();
        return null;
    }

    // Linux returns twice what was set, since it counts its own bookkeeping (socket(7)).
    public static ComponentValue BufferSize(Socket socket, bool isReceive)
    {
        int size = isReceive ? socket.ReceiveBufferSize : socket.SendBufferSize;
        return ComponentValue.FromUInt64((ulong)(OperatingSystem.IsLinux() ? size / 2 : size));
    }

    public static ComponentValue? SetBufferSize(Socket socket, bool isReceive, ComponentValue value)
    {
        if (value.AsUInt64() == 0)
            throw new SocketRefusedException("invalid-argument");
        int size = (int)Math.Min(value.AsUInt64(), MostBufferBytes);
        if (isReceive)
            socket.ReceiveBufferSize = size;
        else
            socket.SendBufferSize = size;
        return null;
    }
}

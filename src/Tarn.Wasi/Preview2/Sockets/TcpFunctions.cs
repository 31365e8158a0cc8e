// wasi:sockets/tcp and tcp-create-socket.
using System.Net.Sockets;
using Tarn.Components;
using Tarn.Wasi.Preview2.Io;

namespace Tarn.Wasi.Preview2.Sockets;

internal static class TcpFunctions
{
    private const string Tcp = "wasi:sockets/tcp";
    private const ulong Second = 1_000_000_000;

    private delegate ComponentValue? Operation(in Preview2Call call, TcpSocket socket);

    public static void DefineIn(Preview2Binder binder)
    {
        binder.Define("wasi:sockets/tcp-create-socket", "create-tcp-socket", static (in Preview2Call call) =>
        {
            try
            {
                return ComponentValue.Ok(WasiResources.Give(call.Resources.TcpSocket, TcpSocket.Create(call.Context.Sockets, Family(call[0]))));
            }
            catch (Exception e) when (e is not ComponentTrapException)
            {
                return SocketValues.Fail(e);
            }
        });
        binder.Define(Tcp, "tcp-socket", binder.Resources.TcpSocket);
        Define(binder, "start-bind", static (in Preview2Call call, TcpSocket socket) =>
        {
            socket.StartBind(SocketValues.EndPoint(call[2], socket.Family));
            return null;
        });
        Define(binder, "finish-bind", static (in Preview2Call _, TcpSocket socket) => Do(socket.FinishBind));
        Define(binder, "start-connect", static (in Preview2Call call, TcpSocket socket) =>
        {
            socket.StartConnect(SocketValues.Remote(call[2], socket.Family));
            return null;
        });
        Define(binder, "finish-connect", static (in Preview2Call call, TcpSocket socket) =>
        {
            (InputStream input, OutputStream output) = socket.FinishConnect();
            return ComponentValue.FromTuple(WasiResources.Give(call.Resources.InputStream, input), WasiResources.Give(call.Resources.OutputStream, output));
        });
        Define(binder, "start-listen", static (in Preview2Call _, TcpSocket socket) => Do(socket.StartListen));
        Define(binder, "finish-listen", static (in Preview2Call _, TcpSocket socket) => Do(socket.FinishListen));
        Define(binder, "accept", static (in Preview2Call call, TcpSocket socket) =>
        {
            (TcpSocket accepted, InputStream input, OutputStream output) = socket.Accept();
            return ComponentValue.FromTuple(
                WasiResources.Give(call.Resources.TcpSocket, accepted), WasiResources.Give(call.Resources.InputStream, input), WasiResources.Give(call.Resources.OutputStream, output));
        });
        Define(binder, "local-address", static (in Preview2Call _, TcpSocket socket) => SocketValues.OfEndPoint(socket.Local));
        Define(binder, "remote-address", static (in Preview2Call _, TcpSocket socket) => SocketValues.OfEndPoint(socket.Remote));
        binder.Define(Tcp, "[method]tcp-socket.is-listening", static (in Preview2Call call) => ComponentValue.FromBoolean(call.Target<TcpSocket>(0).IsListening));
        binder.Define(Tcp, "[method]tcp-socket.address-family", static (in Preview2Call call) => OfFamily(call.Target<TcpSocket>(0).Family));
        Define(binder, "set-listen-backlog-size", static (in Preview2Call call, TcpSocket socket) =>
        {
            socket.SetBacklog(call[1].AsUInt64());
            return null;
        });
        Define(binder, "keep-alive-enabled", static (in Preview2Call _, TcpSocket socket) =>
            ComponentValue.FromBoolean((int)socket.Socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive)! != 0));
        Define(binder, "set-keep-alive-enabled", static (in Preview2Call call, TcpSocket socket) =>
        {
            socket.Socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, call[1].AsBoolean());
            return null;
        });
        DefineSeconds(binder, "keep-alive-idle-time", SocketOptionName.TcpKeepAliveTime);
        DefineSeconds(binder, "keep-alive-interval", SocketOptionName.TcpKeepAliveInterval);
        Define(binder, "keep-alive-count", static (in Preview2Call _, TcpSocket socket) =>
            ComponentValue.FromUInt32((uint)(int)socket.Socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount)!));
        Define(binder, "set-keep-alive-count", static (in Preview2Call call, TcpSocket socket) =>
        {
            socket.Socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, (int)Math.Min(Positive(call[1].AsUInt32()), 127));
            return null;
        });
        Define(binder, "hop-limit", static (in Preview2Call _, TcpSocket socket) => SocketOptions.HopLimit(socket.Socket));
        Define(binder, "set-hop-limit", static (in Preview2Call call, TcpSocket socket) => SocketOptions.SetHopLimit(socket.Socket, call[1]));
        Define(binder, "receive-buffer-size", static (in Preview2Call _, TcpSocket socket) => SocketOptions.BufferSize(socket.Socket, isReceive: true));
        Define(binder, "set-receive-buffer-size", static (in Preview2Call call, TcpSocket socket) => SocketOptions.SetBufferSize(socket.Socket, isReceive: true, call[1]));
        Define(binder, "send-buffer-size", static (in Preview2Call _, TcpSocket socket) => SocketOptions.BufferSize(socket.Socket, isReceive: false));
        Define(binder, "set-send-buffer-size", static (in Preview2Call call, TcpSocket socket) => SocketOptions.SetBufferSize(socket.Socket, isReceive: false, call[1]));
        binder.Define(Tcp, "[method]tcp-socket.subscribe", static (in Preview2Call call) => WasiResources.Give(call.Resources.Pollable, call.Target<TcpSocket>(0).Subscribe()));
        Define(binder, "shutdown", static (in Preview2Call call, TcpSocket socket) =>
        {
            socket.Shutdown(call[1].Case switch { "receive" => SocketShutdown.Receive, "send" => SocketShutdown.Send, _ => SocketShutdown.Both });
            return null;
        });
    }

    /// <summary>A family of addresses.</summary>
    public static AddressFamily Family(ComponentValue value) => value.Case == "ipv4" ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;

    public static ComponentValue OfFamily(AddressFamily family) => ComponentValue.FromEnum(family == AddressFamily.InterNetwork ? "ipv4" : "ipv6");

    private static ulong Positive(ulong value) => value > 0 ? value : throw new SocketRefusedException("invalid-argument");

    private static ComponentValue? Do(Action action)
    {
        action();
        return null;
    }

    // An option in whole seconds, which are nanoseconds to the guest and are rounded up.
    private static void DefineSeconds(Preview2Binder binder, string name, SocketOptionName option)
    {
        Define(binder, name, (in Preview2Call _, TcpSocket socket) =>
            ComponentValue.FromUInt64((ulong)(int)socket.Socket.GetSocketOption(SocketOptionLevel.Tcp, option)! * Second));
        Define(binder, "set-" + name, (in Preview2Call call, TcpSocket socket) =>
        {
            ulong nanoseconds = Positive(call[1].AsUInt64());
            ulong seconds = (nanoseconds / Second) + (nanoseconds % Second == 0 ? 0UL : 1);
            socket.Socket.SetSocketOption(SocketOptionLevel.Tcp, option, (int)Math.Min(seconds, 32767));
            return null;
        });
    }

    private static void Define(Preview2Binder binder, string name, Operation operation) =>
        binder.Define(Tcp, "[method]tcp-socket." + name, (in Preview2Call call) =>
        {
            TcpSocket socket = call.Target<TcpSocket>(0);
            try
            {
                return ComponentValue.Ok(socket.IsUsable ? operation(call, socket) : throw new SocketRefusedException("invalid-state"));
            }
            catch (Exception e) when (e is SocketException or SocketRefusedException or ObjectDisposedException)
            {
                return SocketValues.Fail(e);
            }
        });
}

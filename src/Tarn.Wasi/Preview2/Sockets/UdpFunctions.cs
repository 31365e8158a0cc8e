// wasi:sockets/udp and udp-create-socket.
using System.Net;
using System.Net.Sockets;
using Tarn.Components;

namespace Tarn.Wasi.Preview2.Sockets;

internal static class UdpFunctions
{
    private const string Udp = "wasi:sockets/udp";

    private delegate ComponentValue? Operation<T>(in Preview2Call call, T target);

    public static void DefineIn(Preview2Binder binder)
    {
        binder.Define("wasi:sockets/udp-create-socket", "create-udp-socket", static (in Preview2Call call) =>
        {
            try
            {
                return ComponentValue.Ok(WasiResources.Give(call.Resources.UdpSocket, UdpSocket.Create(call.Context.Sockets, TcpFunctions.Family(call[0]))));
            }
            catch (Exception e) when (e is not ComponentTrapException)
            {
                return SocketValues.Fail(e);
            }
        });
        binder.Define(Udp, "udp-socket", binder.Resources.UdpSocket);
        binder.Define(Udp, "incoming-datagram-stream", binder.Resources.IncomingDatagramStream);
        binder.Define(Udp, "outgoing-datagram-stream", binder.Resources.OutgoingDatagramStream);
        Define<UdpSocket>(binder, "udp-socket.start-bind", static (in Preview2Call call, UdpSocket socket) =>
        {
            socket.StartBind(SocketValues.EndPoint(call[2], socket.Family));
            return null;
        });
        Define<UdpSocket>(binder, "udp-socket.finish-bind", static (in Preview2Call _, UdpSocket socket) =>
        {
            socket.FinishBind();
            return null;
        });
        Define<UdpSocket>(binder, "udp-socket.stream", static (in Preview2Call call, UdpSocket socket) =>
        {
            IPEndPoint? remote = call[1].Payload is ComponentValue address ? SocketValues.Remote(address, socket.Family) : null;
            (IncomingDatagrams incoming, OutgoingDatagrams outgoing) = socket.Streams(remote);
            return ComponentValue.FromTuple(WasiResources.Give(call.Resources.IncomingDatagramStream, incoming), WasiResources.Give(call.Resources.OutgoingDatagramStream, outgoing));
        });
        Define<UdpSocket>(binder, "udp-socket.local-address", static (in Preview2Call _, UdpSocket socket) => SocketValues.OfEndPoint(socket.Local));
        Define<UdpSocket>(binder, "udp-socket.remote-address", static (in Preview2Call _, UdpSocket socket) => SocketValues.OfEndPoint(socket.Remote));
        binder.Define(Udp, "[method]udp-socket.address-family", static (in Preview2Call call) => TcpFunctions.OfFamily(call.Target<UdpSocket>(0).Family));
        Define<UdpSocket>(binder, "udp-socket.unicast-hop-limit", static (in Preview2Call _, UdpSocket socket) => SocketOptions.HopLimit(socket.Socket));
        Define<UdpSocket>(binder, "udp-socket.set-unicast-hop-limit", static (in Preview2Call call, UdpSocket socket) => SocketOptions.SetHopLimit(socket.Socket, call[1]));
        Define<UdpSocket>(binder, "udp-socket.receive-buffer-size", static (in Preview2Call _, UdpSocket socket) => SocketOptions.BufferSize(socket.Socket, isReceive: true));
        Define<UdpSocket>(binder, "udp-socket.set-receive-buffer-size", static (in Preview2Call call, UdpSocket socket) => SocketOptions.SetBufferSize(socket.Socket, isReceive: true, call[1]));
        Define<UdpSocket>(binder, "udp-socket.send-buffer-size", static (in Preview2Call _, UdpSocket socket) => SocketOptions.BufferSize(socket.Socket, isReceive: false));
        Define<UdpSocket>(binder, "udp-socket.set-send-buffer-size", static (in Preview2Call call, UdpSocket socket) => SocketOptions.SetBufferSize(socket.Socket, isReceive: false, call[1]));
        binder.Define(Udp, "[method]udp-socket.subscribe", static (in Preview2Call call) => WasiResources.Give(call.Resources.Pollable, Io.Pollable.Ready));

        Define<IncomingDatagrams>(binder, "incoming-datagram-stream.receive", Receive);
        binder.Define(Udp, "[method]incoming-datagram-stream.subscribe", static (in Preview2Call call) => WasiResources.Give(call.Resources.Pollable, call.Target<IncomingDatagrams>(0).Subscribe()));
        Define<OutgoingDatagrams>(binder, "outgoing-datagram-stream.check-send", static (in Preview2Call _, OutgoingDatagrams stream) => ComponentValue.FromUInt64((ulong)stream.Check()));
        Define<OutgoingDatagrams>(binder, "outgoing-datagram-stream.send", Send);
        binder.Define(Udp, "[method]outgoing-datagram-stream.subscribe", static (in Preview2Call call) => WasiResources.Give(call.Resources.Pollable, call.Target<OutgoingDatagrams>(0).Subscribe()));
    }

    private static ComponentValue Receive(in Preview2Call call, IncomingDatagrams stream)
    {
        call.Work.BeginPiece(0);
        List<ComponentValue> datagrams = [];
        int bytes = 0;
        foreach ((byte[] data, IPEndPoint from) in stream.Receive(call[1].AsUInt64()))
        {
            bytes += data.Length;
            datagrams.Add(ComponentValue.FromRecord(("data", ComponentValue.FromBytes(data)), ("remote-address", SocketValues.OfEndPoint(from))));
        }

        call.Work.Charge(bytes);
        return ComponentValue.FromList([.. datagrams]);
    }

    private static ComponentValue Send(in Preview2Call call, OutgoingDatagrams stream)
    {
        ComponentValue datagrams = call[1];
        if (datagrams.Count > stream.Permitted)
            throw new ComponentTrapException(ComponentTrapCode.NotSupported, $"the guest sent {datagrams.Count} datagrams at once, and {stream.Permitted} were permitted");
        int sent = 0;
        try
        {
            for (; sent < datagrams.Count; sent++)
            {
                ComponentValue datagram = datagrams[sent];
                IPEndPoint? target = datagram["remote-address"].Payload is ComponentValue address ? SocketValues.Remote(address, stream.Family) : null;
                byte[] data = datagram["data"].AsBytes();
                call.Work.BeginPiece(data.Length);
                if (!stream.Send(data, target))
                    break;
            }
        }
        catch (Exception e) when (sent > 0 && (e is SocketException or SocketRefusedException))
        {
            // The number that was sent before is returned; the datagram that failed is the first of the next call.
        }

        return ComponentValue.FromUInt64((ulong)sent);
    }

    private static void Define<T>(Preview2Binder binder, string name, Operation<T> operation)
        where T : class =>
        binder.Define(Udp, "[method]" + name, (in Preview2Call call) =>
        {
            try
            {
                return ComponentValue.Ok(operation(call, call.Target<T>(0)));
            }
            catch (Exception e) when (e is SocketException or SocketRefusedException or ObjectDisposedException)
            {
                return SocketValues.Fail(e);
            }
        });
}

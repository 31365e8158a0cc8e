// sock_*: the few things that preview 1 can do with sockets, all of them on sockets that the embedder opened or that were accepted from those.
using System.Buffers;
using System.Net.Sockets;
using Tarn.Wasi.Descriptors;

namespace Tarn.Wasi.Preview1;

internal static class SocketFunctions
{
    public static void DefineIn(Binder binder)
    {
        if (!binder.IsUnstable)
            binder.DefineBlocking<int, int, int>("sock_accept", Accept);
        binder.DefineBlocking<int, int, int, int, int, int>("sock_recv", Receive);
        binder.DefineBlocking<int, int, int, int, int>("sock_send", Send);
        binder.Define<int, int>("sock_shutdown", Shutdown);
    }

    private static WasiErrno Get(in WasiCall call, int fd, WasiRights needed, out SocketDescriptor socket)
    {
        WasiErrno errno = call.Context.Descriptors.Get(fd, WasiRights.None, out Descriptor descriptor);
        socket = (descriptor as SocketDescriptor)!;
        if (errno != WasiErrno.Success)
            return errno;
        return socket is null ? WasiErrno.NotSocket : (socket.Rights & needed) == needed ? WasiErrno.Success : WasiErrno.NotCapable;
    }

    private static async ValueTask<WasiErrno> Accept(WasiCall call, int fd, int flags, int result)
    {
        WasiErrno errno = Get(call, fd, WasiRights.AcceptSocket, out SocketDescriptor listener);
        if (errno != WasiErrno.Success)
            return errno;
        if ((flags & ~(int)DescriptorFlags.All) != 0)
            return WasiErrno.Invalid;
        if (!call.CanWrite(result, sizeof(uint)))
            return WasiErrno.Fault;
        if (!call.Context.Descriptors.HasRoom())
            return WasiErrno.TooManyDescriptors;
        using CancellationTokenRegistration watch = GuestTurn.Watch(call);
        var descriptor = new SocketDescriptor(await listener.AcceptAsync(call.CancellationToken), ownsSocket: true) { Flags = (DescriptorFlags)flags };
        bool added = false;
        try
        {
            using GuestTurn turn = GuestTurn.Take(call);
            errno = call.Context.Descriptors.Add(descriptor, out int number);
            added = errno == WasiErrno.Success;
            return added ? call.Write(result, (uint)number) : errno;
        }
        finally
        {
            if (!added)
                descriptor.Dispose();
        }
    }

    private static async ValueTask<WasiErrno> Receive(WasiCall call, int fd, int vectors, int count, int flags, int result, int resultFlags)
    {
        const int Peek = 1;
        const int WaitAll = 2;
        const uint Largest = 64 << 10;
        WasiErrno errno = Get(call, fd, WasiRights.Read, out SocketDescriptor socket);
        if (errno != WasiErrno.Success)
            return errno;
        if ((flags & ~(Peek | WaitAll)) != 0)
            return WasiErrno.Invalid;
        errno = TransferFunctions.Check(call, vectors, count, result, out uint length);
        if (errno != WasiErrno.Success)
            return errno;
        if (!call.CanWrite(resultFlags, sizeof(ushort)))
            return WasiErrno.Fault;
        int wanted = (int)Math.Min(length, Largest);
        if (wanted == 0)
            return Answer(call, result, 0, resultFlags, truncated: false);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(wanted);
        try
        {
            int read = 0;
            bool truncated = false;
            using CancellationTokenRegistration watch = GuestTurn.Watch(call);
            try
            {
                do
                {
                    int more = await socket.ReceiveAsync(buffer.AsMemory(read, wanted - read), (flags & Peek) != 0 ? SocketFlags.Peek : SocketFlags.None, call.CancellationToken);
                    read += more;
                    if (more == 0)
                        break;
                }
                while ((flags & (WaitAll | Peek)) == WaitAll && read < wanted);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.MessageSize)
            {
                read = wanted;
                truncated = true;
            }
            using GuestTurn turn = GuestTurn.Take(call);
            call.Charge(read);
            errno = TransferFunctions.Deliver(call, vectors, count, buffer.AsSpan(0, read));
            return errno == WasiErrno.Success ? Answer(call, result, read, resultFlags, truncated) : errno;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static WasiErrno Answer(in WasiCall call, int result, int read, int resultFlags, bool truncated)
    {
        const byte Truncated = 1;
        return call.TryCopyIn((uint)resultFlags, [truncated ? Truncated : (byte)0, 0]) ? call.Write(result, (uint)read) : WasiErrno.Fault;
    }

    private static ValueTask<WasiErrno> Send(WasiCall call, int fd, int vectors, int count, int flags, int result)
    {
        WasiErrno errno = Get(call, fd, WasiRights.Write, out SocketDescriptor socket);
        if (errno == WasiErrno.Success && flags != 0)
            errno = WasiErrno.Invalid;
        return errno == WasiErrno.Success ? TransferFunctions.WriteStream(call, socket, vectors, count, result) : ValueTask.FromResult(errno);
    }

    private static WasiErrno Shutdown(in WasiCall call, int fd, int how)
    {
        const int Reading = 1;
        const int Writing = 2;
        WasiErrno errno = Get(call, fd, WasiRights.ShutdownSocket, out SocketDescriptor socket);
        if (errno != WasiErrno.Success)
            return errno;
        if (how is < Reading or > (Reading | Writing))
            return WasiErrno.Invalid;
        socket.Socket.Shutdown(how == Reading ? SocketShutdown.Receive : how == Writing ? SocketShutdown.Send : SocketShutdown.Both);
        return WasiErrno.Success;
    }
}

// A socket that the embedder gave, or one accepted from such a one.
using System.Net.Sockets;

namespace Tarn.Wasi.Descriptors;

internal sealed class SocketDescriptor(Socket socket, bool ownsSocket) : StreamDescriptor(
    WasiRights.Read | WasiRights.Write | WasiRights.SetFlags | WasiRights.GetStat | WasiRights.Poll | WasiRights.ShutdownSocket | WasiRights.AcceptSocket)
{
    public Socket Socket { get; } = socket;

    public override bool IsSynchronous => false;

    public override WasiFileType FileType => Socket.SocketType == SocketType.Dgram ? WasiFileType.DatagramSocket : WasiFileType.StreamSocket;

    private bool NonBlocking => (Flags & DescriptorFlags.NonBlocking) != 0;

    public async Task<Socket> AcceptAsync(CancellationToken cancellationToken)
    {
        ThrowIfWouldBlock(forWriting: false);
        return await Socket.AcceptAsync(cancellationToken);
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken) => ReceiveAsync(buffer, SocketFlags.None, cancellationToken);

    public ValueTask<int> ReceiveAsync(Memory<byte> buffer, SocketFlags flags, CancellationToken cancellationToken)
    {
        ThrowIfWouldBlock(forWriting: false);
        return Socket.ReceiveAsync(buffer, flags, cancellationToken);
    }

    public override ValueTask<int> WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        ThrowIfWouldBlock(forWriting: true);
        return Socket.SendAsync(data, cancellationToken);
    }

    public override bool IsReady(bool forWriting, out ulong bytes)
    {
        bool ready = Socket.Poll(0, forWriting ? SelectMode.SelectWrite : SelectMode.SelectRead);
        bytes = forWriting ? 1UL : (ulong)Socket.Available;
        return ready;
    }

    public override bool IsHungUp => !IsListening() && Socket.SocketType == SocketType.Stream && Socket.Available == 0 && Socket.Poll(0, SelectMode.SelectRead);

    public override async Task WaitAsync(bool forWriting, CancellationToken cancellationToken)
    {
        if (!forWriting && !IsListening())
        {
            // A read of nothing completes when there is something to read.
            _ = await Socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellationToken);
            return;
        }
        // .NET has no way to await writability or a waiting connection without taking it.
        const int Milliseconds = 5;
        while (!IsReady(forWriting, out _))
            await Task.Delay(Milliseconds, cancellationToken);
    }

    public override void Dispose()
    {
        if (ownsSocket)
            Socket.Dispose();
    }

    private bool IsListening() => Socket.SocketType == SocketType.Stream && !Socket.Connected;

    private void ThrowIfWouldBlock(bool forWriting)
    {
        if (NonBlocking && !IsReady(forWriting, out _))
            throw new SocketException((int)SocketError.WouldBlock);
    }
}

// What a guest is told when a stream, a file system or a socket throws.
using System.Net.Sockets;
using Tarn.Wasi.Host;

namespace Tarn.Wasi.Preview1;

internal static class ExceptionErrno
{
    public static WasiErrno From(Exception exception) => exception switch
    {
        ErrnoException known => known.Errno,
        SocketException socket => From(socket.SocketErrorCode),
        IOException { InnerException: SocketException socket } => From(socket.SocketErrorCode),
        FileNotFoundException or DirectoryNotFoundException => WasiErrno.NoEntry,
        UnauthorizedAccessException => WasiErrno.AccessDenied,
        NotSupportedException => WasiErrno.NotSupported,
        ObjectDisposedException => WasiErrno.BadDescriptor,
        OutOfMemoryException => WasiErrno.NoMemory,
        TimeoutException => WasiErrno.TimedOut,
        OperationCanceledException => WasiErrno.Canceled,
        _ => WasiErrno.InputOutput,
    };

    private static WasiErrno From(SocketError error) => error switch
    {
        SocketError.WouldBlock or SocketError.TryAgain => WasiErrno.Again,
        SocketError.ConnectionReset => WasiErrno.ConnectionReset,
        SocketError.ConnectionAborted => WasiErrno.ConnectionAborted,
        SocketError.ConnectionRefused => WasiErrno.ConnectionRefused,
        SocketError.NotConnected => WasiErrno.NotConnected,
        SocketError.Shutdown => WasiErrno.BrokenPipe,
        SocketError.MessageSize => WasiErrno.MessageSize,
        SocketError.InvalidArgument => WasiErrno.Invalid,
        SocketError.NotSocket => WasiErrno.NotSocket,
        SocketError.OperationNotSupported => WasiErrno.NotSupported,
        SocketError.TimedOut => WasiErrno.TimedOut,
        SocketError.HostUnreachable => WasiErrno.HostUnreachable,
        SocketError.NetworkUnreachable => WasiErrno.NetworkUnreachable,
        SocketError.NetworkDown => WasiErrno.NetworkDown,
        _ => WasiErrno.InputOutput,
    };
}

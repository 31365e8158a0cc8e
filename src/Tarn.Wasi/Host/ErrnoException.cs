// An error number on its way through an interface that speaks in exceptions.
namespace Tarn.Wasi.Host;

internal sealed class ErrnoException(WasiErrno errno) : IOException($"the system reports {errno}")
{
    public WasiErrno Errno { get; } = errno;
}

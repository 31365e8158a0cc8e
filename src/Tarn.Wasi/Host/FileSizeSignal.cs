// Writing beyond the process's limit for sizes of files (RLIMIT_FSIZE, ulimit -f) is EFBIG, but before that a signal, which ends the process unless somebody takes it: no guest
// may do that. A handler that does nothing takes it; ignoring it would be passed on to programs that the process starts.
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Tarn.Wasi.Host;

[UnsupportedOSPlatform("windows")]
internal static class FileSizeSignal
{
    private const int FileSizeExceeded = 25; // SIGXFSZ, on every architecture that Linux and .NET share
    private static PosixSignalRegistration? s_taken;

    /// <summary>To be called before a guest can write to a file of the host.</summary>
    public static void Take()
    {
        if (Volatile.Read(ref s_taken) is null)
            Volatile.Write(ref s_taken, PosixSignalRegistration.Create((PosixSignal)FileSizeExceeded, static context => context.Cancel = true));
    }
}

// Error numbers of Linux in WASI's numbering. What is not listed cannot come from the calls in Libc and reads as EIO.
using System.Runtime.InteropServices;

namespace Tarn.Wasi.Host;

internal static class LinuxErrno
{
    public const int Interrupted = 4;
    public const int IllegalSeek = 29;

    /// <summary>The error of the last call.</summary>
    public static WasiErrno Last() => From(Marshal.GetLastPInvokeError());

    /// <summary>What a call that returns a negative number on failure came to.</summary>
    public static WasiErrno Of(int result) => result < 0 ? Last() : WasiErrno.Success;

    public static WasiErrno From(int number) => number switch
    {
        0 => WasiErrno.Success,
        1 => WasiErrno.NotPermitted,
        2 => WasiErrno.NoEntry,
        3 => WasiErrno.NoProcess,
        4 => WasiErrno.Interrupted,
        5 => WasiErrno.InputOutput,
        6 => WasiErrno.NoSuchDevice,
        7 => WasiErrno.ArgumentListTooLong,
        9 => WasiErrno.BadDescriptor,
        11 => WasiErrno.Again,
        12 => WasiErrno.NoMemory,
        13 => WasiErrno.AccessDenied,
        14 => WasiErrno.Fault,
        16 => WasiErrno.Busy,
        17 => WasiErrno.Exists,
        18 => WasiErrno.CrossDevice,
        19 => WasiErrno.NoDevice,
        20 => WasiErrno.NotDirectory,
        21 => WasiErrno.IsDirectory,
        22 => WasiErrno.Invalid,
        23 => WasiErrno.TooManyFilesInSystem,
        24 => WasiErrno.TooManyDescriptors,
        25 => WasiErrno.NotTerminal,
        26 => WasiErrno.TextBusy,
        27 => WasiErrno.FileTooBig,
        28 => WasiErrno.NoSpace,
        29 => WasiErrno.IllegalSeek,
        30 => WasiErrno.ReadOnlyFileSystem,
        31 => WasiErrno.TooManyLinks,
        32 => WasiErrno.BrokenPipe,
        33 => WasiErrno.Domain,
        34 => WasiErrno.Range,
        36 => WasiErrno.NameTooLong,
        38 => WasiErrno.NotImplemented,
        39 => WasiErrno.NotEmpty,
        40 => WasiErrno.Loop,
        75 => WasiErrno.Overflow,
        84 => WasiErrno.IllegalSequence,
        95 => WasiErrno.NotSupported,
        98 => WasiErrno.AddressInUse,
        103 => WasiErrno.ConnectionAborted,
        104 => WasiErrno.ConnectionReset,
        105 => WasiErrno.NoBuffers,
        106 => WasiErrno.IsConnected,
        107 => WasiErrno.NotConnected,
        110 => WasiErrno.TimedOut,
        111 => WasiErrno.ConnectionRefused,
        113 => WasiErrno.HostUnreachable,
        116 => WasiErrno.Stale,
        122 => WasiErrno.QuotaExceeded,
        125 => WasiErrno.Canceled,
        _ => WasiErrno.InputOutput,
    };
}

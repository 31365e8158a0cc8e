// The error codes of wasi:filesystem. They have no word for what preview 1 calls a missing capability: it is not permitted.
using Tarn.Components;

namespace Tarn.Wasi.Preview2.Filesystem;

internal static class ErrorCode
{
    /// <summary>The result of a failed operation.</summary>
    public static ComponentValue Error(WasiErrno errno) => ComponentValue.Error(Of(errno));

    /// <summary>A result without a value.</summary>
    public static ComponentValue Result(WasiErrno errno) => errno == WasiErrno.Success ? ComponentValue.Ok() : Error(errno);

    /// <summary>The code of an error number.</summary>
    public static ComponentValue Of(WasiErrno errno) => ComponentValue.FromEnum(errno switch
    {
        WasiErrno.AccessDenied => "access",
        WasiErrno.Again => "would-block",
        WasiErrno.Already => "already",
        WasiErrno.BadDescriptor => "bad-descriptor",
        WasiErrno.Busy => "busy",
        WasiErrno.Deadlock => "deadlock",
        WasiErrno.QuotaExceeded => "quota",
        WasiErrno.Exists => "exist",
        WasiErrno.FileTooBig => "file-too-large",
        WasiErrno.IllegalSequence => "illegal-byte-sequence",
        WasiErrno.InProgress => "in-progress",
        WasiErrno.Interrupted => "interrupted",
        WasiErrno.Invalid => "invalid",
        WasiErrno.IsDirectory => "is-directory",
        WasiErrno.Loop => "loop",
        WasiErrno.TooManyLinks => "too-many-links",
        WasiErrno.MessageSize => "message-size",
        WasiErrno.NameTooLong => "name-too-long",
        WasiErrno.NoDevice => "no-device",
        WasiErrno.NoEntry => "no-entry",
        WasiErrno.NoLocks => "no-lock",
        WasiErrno.NoMemory or WasiErrno.TooManyDescriptors => "insufficient-memory",
        WasiErrno.NoSpace => "insufficient-space",
        WasiErrno.NotDirectory => "not-directory",
        WasiErrno.NotEmpty => "not-empty",
        WasiErrno.NotRecoverable => "not-recoverable",
        WasiErrno.NotSupported => "unsupported",
        WasiErrno.NotTerminal => "no-tty",
        WasiErrno.NoSuchDevice => "no-such-device",
        WasiErrno.Overflow => "overflow",
        WasiErrno.NotPermitted or WasiErrno.NotCapable => "not-permitted",
        WasiErrno.BrokenPipe => "pipe",
        WasiErrno.ReadOnlyFileSystem => "read-only",
        WasiErrno.IllegalSeek => "invalid-seek",
        WasiErrno.TextBusy => "text-file-busy",
        WasiErrno.CrossDevice => "cross-device",
        _ => "io",
    });
}

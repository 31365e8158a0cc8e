// The error numbers of WASI preview 1. They are what guests see, so values are fixed by the interface; names are spelt out as .NET has it, the
// POSIX name stands in each summary.
namespace Tarn.Wasi;

/// <summary>What a WASI call answers: an error number, or success.</summary>
public enum WasiErrno
{
    /// <summary>The call did what it should.</summary>
    Success = 0,

    /// <summary>E2BIG: argument list too long.</summary>
    ArgumentListTooLong = 1,

    /// <summary>EACCES: permission denied.</summary>
    AccessDenied = 2,

    /// <summary>EADDRINUSE: address in use.</summary>
    AddressInUse = 3,

    /// <summary>EADDRNOTAVAIL: address not available.</summary>
    AddressNotAvailable = 4,

    /// <summary>EAFNOSUPPORT: address family not supported.</summary>
    AddressFamilyNotSupported = 5,

    /// <summary>EAGAIN: resource unavailable for now, or the operation would block.</summary>
    Again = 6,

    /// <summary>EALREADY: connection already in progress.</summary>
    Already = 7,

    /// <summary>EBADF: no such file descriptor.</summary>
    BadDescriptor = 8,

    /// <summary>EBADMSG: bad message.</summary>
    BadMessage = 9,

    /// <summary>EBUSY: device or resource busy.</summary>
    Busy = 10,

    /// <summary>ECANCELED: operation cancelled.</summary>
    Canceled = 11,

    /// <summary>ECHILD: no child processes.</summary>
    NoChild = 12,

    /// <summary>ECONNABORTED: connection aborted.</summary>
    ConnectionAborted = 13,

    /// <summary>ECONNREFUSED: connection refused.</summary>
    ConnectionRefused = 14,

    /// <summary>ECONNRESET: connection reset.</summary>
    ConnectionReset = 15,

    /// <summary>EDEADLK: resource deadlock would occur.</summary>
    Deadlock = 16,

    /// <summary>EDESTADDRREQ: destination address required.</summary>
    DestinationAddressRequired = 17,

    /// <summary>EDOM: argument out of a function's domain.</summary>
    Domain = 18,

    /// <summary>EDQUOT: quota exceeded.</summary>
    QuotaExceeded = 19,

    /// <summary>EEXIST: file exists.</summary>
    Exists = 20,

    /// <summary>EFAULT: bad address.</summary>
    Fault = 21,

    /// <summary>EFBIG: file too large.</summary>
    FileTooBig = 22,

    /// <summary>EHOSTUNREACH: host unreachable.</summary>
    HostUnreachable = 23,

    /// <summary>EIDRM: identifier removed.</summary>
    IdentifierRemoved = 24,

    /// <summary>EILSEQ: illegal byte sequence.</summary>
    IllegalSequence = 25,

    /// <summary>EINPROGRESS: operation in progress.</summary>
    InProgress = 26,

    /// <summary>EINTR: interrupted function.</summary>
    Interrupted = 27,

    /// <summary>EINVAL: invalid argument.</summary>
    Invalid = 28,

    /// <summary>EIO: input/output error.</summary>
    InputOutput = 29,

    /// <summary>EISCONN: socket is connected.</summary>
    IsConnected = 30,

    /// <summary>EISDIR: is a directory.</summary>
    IsDirectory = 31,

    /// <summary>ELOOP: too many levels of symbolic links.</summary>
    Loop = 32,

    /// <summary>EMFILE: too many open descriptors.</summary>
    TooManyDescriptors = 33,

    /// <summary>EMLINK: too many links.</summary>
    TooManyLinks = 34,

    /// <summary>EMSGSIZE: message too large.</summary>
    MessageSize = 35,

    /// <summary>EMULTIHOP: reserved.</summary>
    MultiHop = 36,

    /// <summary>ENAMETOOLONG: name too long.</summary>
    NameTooLong = 37,

    /// <summary>ENETDOWN: network is down.</summary>
    NetworkDown = 38,

    /// <summary>ENETRESET: connection aborted by the network.</summary>
    NetworkReset = 39,

    /// <summary>ENETUNREACH: network unreachable.</summary>
    NetworkUnreachable = 40,

    /// <summary>ENFILE: too many files open in the system.</summary>
    TooManyFilesInSystem = 41,

    /// <summary>ENOBUFS: no buffer space available.</summary>
    NoBuffers = 42,

    /// <summary>ENODEV: no such device.</summary>
    NoDevice = 43,

    /// <summary>ENOENT: no such file or directory.</summary>
    NoEntry = 44,

    /// <summary>ENOEXEC: executable file format error.</summary>
    NotExecutable = 45,

    /// <summary>ENOLCK: no locks available.</summary>
    NoLocks = 46,

    /// <summary>ENOLINK: reserved.</summary>
    NoLink = 47,

    /// <summary>ENOMEM: not enough memory.</summary>
    NoMemory = 48,

    /// <summary>ENOMSG: no message of the desired type.</summary>
    NoMessage = 49,

    /// <summary>ENOPROTOOPT: protocol not available.</summary>
    NoProtocolOption = 50,

    /// <summary>ENOSPC: no space left.</summary>
    NoSpace = 51,

    /// <summary>ENOSYS: function not supported.</summary>
    NotImplemented = 52,

    /// <summary>ENOTCONN: socket is not connected.</summary>
    NotConnected = 53,

    /// <summary>ENOTDIR: not a directory, or a symbolic link to one.</summary>
    NotDirectory = 54,

    /// <summary>ENOTEMPTY: directory not empty.</summary>
    NotEmpty = 55,

    /// <summary>ENOTRECOVERABLE: state not recoverable.</summary>
    NotRecoverable = 56,

    /// <summary>ENOTSOCK: not a socket.</summary>
    NotSocket = 57,

    /// <summary>ENOTSUP: not supported.</summary>
    NotSupported = 58,

    /// <summary>ENOTTY: inappropriate I/O control operation.</summary>
    NotTerminal = 59,

    /// <summary>ENXIO: no such device or address.</summary>
    NoSuchDevice = 60,

    /// <summary>EOVERFLOW: value too large for its type.</summary>
    Overflow = 61,

    /// <summary>EOWNERDEAD: previous owner died.</summary>
    OwnerDead = 62,

    /// <summary>EPERM: operation not permitted.</summary>
    NotPermitted = 63,

    /// <summary>EPIPE: broken pipe.</summary>
    BrokenPipe = 64,

    /// <summary>EPROTO: protocol error.</summary>
    Protocol = 65,

    /// <summary>EPROTONOSUPPORT: protocol not supported.</summary>
    ProtocolNotSupported = 66,

    /// <summary>EPROTOTYPE: wrong type of protocol for the socket.</summary>
    WrongProtocolType = 67,

    /// <summary>ERANGE: result too large.</summary>
    Range = 68,

    /// <summary>EROFS: read-only file system.</summary>
    ReadOnlyFileSystem = 69,

    /// <summary>ESPIPE: illegal seek.</summary>
    IllegalSeek = 70,

    /// <summary>ESRCH: no such process.</summary>
    NoProcess = 71,

    /// <summary>ESTALE: stale handle.</summary>
    Stale = 72,

    /// <summary>ETIMEDOUT: timed out.</summary>
    TimedOut = 73,

    /// <summary>ETXTBSY: text file busy.</summary>
    TextBusy = 74,

    /// <summary>EXDEV: link across devices.</summary>
    CrossDevice = 75,

    /// <summary>ENOTCAPABLE: the descriptor lacks the right, or a path leaves its directory.</summary>
    NotCapable = 76,
}

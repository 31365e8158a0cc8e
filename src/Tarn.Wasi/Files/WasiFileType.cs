// File types as WASI preview 1 numbers them.
namespace Tarn.Wasi;

/// <summary>What a file is.</summary>
public enum WasiFileType : byte
{
    /// <summary>Something else, a pipe for example.</summary>
    Unknown = 0,

    /// <summary>A block device.</summary>
    BlockDevice = 1,

    /// <summary>A character device; standard streams that are terminals.</summary>
    CharacterDevice = 2,

    /// <summary>A directory.</summary>
    Directory = 3,

    /// <summary>A regular file.</summary>
    RegularFile = 4,

    /// <summary>A datagram socket.</summary>
    DatagramSocket = 5,

    /// <summary>A stream socket.</summary>
    StreamSocket = 6,

    /// <summary>A symbolic link.</summary>
    SymbolicLink = 7,
}

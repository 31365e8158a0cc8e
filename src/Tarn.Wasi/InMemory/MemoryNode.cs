// What a name in an in-memory file system stands for. All fields are guarded by the file system's lock.
namespace Tarn.Wasi.InMemory;

internal abstract class MemoryNode(ulong inode, ulong now)
{
    /// <summary>What a node takes of the capacity besides its contents, in bytes, so that empty files are not free.</summary>
    public const long Overhead = 256;

    /// <summary>What each name takes besides its text.</summary>
    public const long NameOverhead = 128;

    public ulong Inode { get; } = inode;

    public ulong AccessTime { get; set; } = now;

    public ulong ModificationTime { get; set; } = now;

    public ulong ChangeTime { get; set; } = now;

    /// <summary>Names that stand for this node.</summary>
    public int Links { get; set; }

    /// <summary>Open handles. The node's bytes count until there is neither a name nor a handle.</summary>
    public int Handles { get; set; }

    public abstract WasiFileType FileType { get; }

    /// <summary>Sets those times that are to be changed; under the file system's lock.</summary>
    public WasiErrno SetTimes(WasiTime access, WasiTime modification, ulong now)
    {
        if (!access.IsUnchanged)
            AccessTime = access.Nanoseconds;
        if (!modification.IsUnchanged)
            ModificationTime = modification.Nanoseconds;
        ChangeTime = now;
        return WasiErrno.Success;
    }

    public abstract long Size { get; }

    /// <summary>Attributes, on the file system's device.</summary>
    public WasiFileStat StatOn(ulong device) => new(device, Inode, FileType, (ulong)Links, (ulong)Size, AccessTime, ModificationTime, ChangeTime);
}

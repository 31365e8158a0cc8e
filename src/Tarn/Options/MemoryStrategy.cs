// The two ways, and the choice of the platform, in which accesses to linear memories are kept inside their bounds.
namespace Tarn;

/// <summary>How accesses to linear memories are kept inside their bounds.</summary>
public enum MemoryStrategy
{
    /// <summary>
    /// A reservation of 4 GiB and a guard region for each memory: accesses need no check, since wild ones fault. Fastest code; takes
    /// address space, of which there is enough for about twenty thousand memories. An instance from a pool whose memory grows costs two system calls: what it
    /// grew into must be out of bounds for the next.
    /// </summary>
    Guarded = 0,

    /// <summary>
    /// An explicit comparison for each access: dense, so that a process can hold a million memories; and growth costs nothing, so that instances that live for
    /// microseconds and grow, as those of Rust's allocator do at once, are several times cheaper.
    /// </summary>
    Checked = 1,

    /// <summary>Guarded where machine code is executed and faults of guests are caught, checked elsewhere.</summary>
    Default = 2,
}

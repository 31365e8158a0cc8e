// Why: what the signal handler knows of one pool slot, and what it tells about it. A guest's touch of an accessible but closed page opens the granule
// that holds it, appends its page number to the log and continues. Invariants: AccessibleBytes is the memory's current length, or 0 when
// the slot is not to be touched; only the thread that runs the slot's guest faults in it, so the log needs no lock (shared memories are
// never learned); LogCount counts past LogCapacity once, which says that everything below AccessibleBytes was opened. Whoever closes pages clears LastGranule:
// the handler takes a second fault on one granule for a page that cannot be opened, and lets the guest trap instead of faulting for ever.
//
//   0x00 AccessibleBytes  u64
//   0x08 LogCount         u32
//   0x0C LogCapacity      u32
//   0x10 Log              u64   array of u32: offset in the slot / 4096, of the granule's start
//   0x18 LastGranule      u64   address opened last, or 0
//   0x20 Error            i32   negative errno of an mprotect that failed, or 0
//   0x24 reserved
using System.Runtime.InteropServices;

namespace Tarn.Platform;

[StructLayout(LayoutKind.Sequential, Size = Size)]
internal unsafe struct FaultSlotRecord
{
    public const int Size = 0x40;
    public const int AccessibleBytesOffset = 0x00;
    public const int LogCountOffset = 0x08;
    public const int LogCapacityOffset = 0x0C;
    public const int LogOffset = 0x10;
    public const int LastGranuleOffset = 0x18;
    public const int ErrorOffset = 0x20;

    /// <summary>log2 of the unit of the log.</summary>
    public const int LogUnitShift = 12;

    public nuint AccessibleBytes;
    public int LogCount;
    public int LogCapacity;
    public uint* Log;
    public nuint LastGranule;
    public int Error;
}

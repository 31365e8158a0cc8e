// Why: tells the emitted signal handler which slabs have slots whose pages it may open, and where each slot's record is. The handler scans
// the table while any thread changes it, for slabs of other engines come and go while a guest faults in its own. So an entry has a version, odd while the
// entry changes: the handler takes what it read only if the version was even before and is the same after, and otherwise continues to the next entry. It never
// misses its own slab that way, since that one's entry cannot change while a guest runs in it. Without versions an old base could be seen with a new length, and
// a fault be taken for one in a slab that it is not in. Both structures are read and written by machine code (FaultHandlerCode); the offsets are these
// constants, asserted in the constructor.
//
// Table: 64 bytes of header (u32 count of entries ever used), then entries of 64 bytes
//   0x00 Base          u64   where slot 0's memory starts
//   0x08 Length        u64   bytes covered; 0 = entry unused
//   0x10 SlotStride    u64   bytes from slot to slot
//   0x18 Records       u64   slot 0's record
//   0x20 RecordStride  u64   bytes from record to record
//   0x28 GranuleMask   u64   granule − 1; a granule (power of two, page multiple) is what one fault opens
//   0x30 Version       u32   odd while the entry changes
using System.Runtime.InteropServices;

namespace Tarn.Platform;

internal sealed unsafe class FaultRangeTable
{
    public const int HeaderSize = 64;
    public const int Capacity = 255;
    public const int TotalSize = HeaderSize + (Capacity * EntrySize);
    public const int EntrySize = 64;

    public const int BaseOffset = 0x00;
    public const int LengthOffset = 0x08;
    public const int SlotStrideOffset = 0x10;
    public const int RecordsOffset = 0x18;
    public const int RecordStrideOffset = 0x20;
    public const int GranuleMaskOffset = 0x28;
    public const int VersionOffset = 0x30;

    private readonly Lock _lock = new();
    private readonly byte* _table;
    private readonly bool[] _taken = new bool[Capacity];

    public FaultRangeTable(byte* table)
    {
        Entry entry = default;
        byte* start = (byte*)&entry;
        FaultSlotRecord record = default;
        byte* slot = (byte*)&record;
        bool asAssumed = sizeof(Entry) == EntrySize
            && (byte*)&entry.Base - start == BaseOffset
            && (byte*)&entry.Length - start == LengthOffset
            && (byte*)&entry.SlotStride - start == SlotStrideOffset
            && (byte*)&entry.Records - start == RecordsOffset
            && (byte*)&entry.RecordStride - start == RecordStrideOffset
            && (byte*)&entry.GranuleMask - start == GranuleMaskOffset
            && (byte*)&entry.Version - start == VersionOffset
            && sizeof(FaultSlotRecord) == FaultSlotRecord.Size
            && (byte*)&record.AccessibleBytes - slot == FaultSlotRecord.AccessibleBytesOffset
            && (byte*)&record.LogCount - slot == FaultSlotRecord.LogCountOffset
            && (byte*)&record.LogCapacity - slot == FaultSlotRecord.LogCapacityOffset
            && (byte*)&record.Log - slot == FaultSlotRecord.LogOffset
            && (byte*)&record.LastGranule - slot == FaultSlotRecord.LastGranuleOffset
            && (byte*)&record.Error - slot == FaultSlotRecord.ErrorOffset;
        if (!asAssumed)
        {
            throw new InvalidOperationException("Fault range structures are not laid out as the signal handler assumes.");
        }

        _table = table;
    }

    public nint Address => (nint)_table;

    /// <summary>Takes an entry of the table, for <see cref="Set"/>.</summary>
    /// <returns>Whether there was one: a process with very many pools has to reset some in another way.</returns>
    public bool TryTake(out int index)
    {
        lock (_lock)
        {
            index = _taken.AsSpan().IndexOf(false);
            if (index < 0)
                return false;
            _taken[index] = true;
            return true;
        }
    }

    /// <summary>Takes an entry and sets it.</summary>
    public int Add(byte* start, nuint length, nuint slotStride, FaultSlotRecord* records, nuint recordStride, nuint granule)
    {
        if (!TryTake(out int index))
            throw new InvalidOperationException($"There are more than {Capacity} memory slabs with learned reset in the process.");
        Set(index, start, length, slotStride, records, recordStride, granule);
        return index;
    }

    /// <summary>Lets the handler open pages in a slab; <paramref name="records"/> stays valid until <see cref="Remove"/>.</summary>
    public void Set(int index, byte* start, nuint length, nuint slotStride, FaultSlotRecord* records, nuint recordStride, nuint granule)
    {
        if (granule == 0 || (granule & (granule - 1)) != 0 || slotStride % granule != 0 || length % slotStride != 0 || recordStride < FaultSlotRecord.Size)
        {
            throw new ArgumentException($"Slab of {length:N0} bytes with stride {slotStride:N0}, granule {granule:N0} and record stride {recordStride:N0} does not fit together.");
        }

        lock (_lock)
        {
            // Interlocked: a full fence keeps the fields between the two versions.
            Entry* entry = At(index);
            Interlocked.Increment(ref entry->Version);
            entry->Base = start;
            entry->SlotStride = slotStride;
            entry->Records = records;
            entry->RecordStride = recordStride;
            entry->GranuleMask = granule - 1;
            entry->Length = length;
            Interlocked.Increment(ref entry->Version);
            int* count = (int*)_table;
            Volatile.Write(ref *count, Math.Max(*count, index + 1));
        }
    }

    /// <summary>Gives an entry back, set or not. No guest may be running in the slab.</summary>
    public void Remove(int index)
    {
        lock (_lock)
        {
            Entry* entry = At(index);
            Interlocked.Increment(ref entry->Version);
            entry->Length = 0;
            Interlocked.Increment(ref entry->Version);
            _taken[index] = false;
        }
    }

    private Entry* At(int index) => (Entry*)(_table + HeaderSize + (index * EntrySize));

    [StructLayout(LayoutKind.Sequential, Size = EntrySize)]
    private struct Entry
    {
        public byte* Base;
        public nuint Length;
        public nuint SlotStride;
        public FaultSlotRecord* Records;
        public nuint RecordStride;
        public nuint GranuleMask;
        public uint Version;
    }
}

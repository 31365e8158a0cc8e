// The address space of one heap: what compiled code can reach with a reference of 32 bits and an offset within an object, whatever the reference is (ObjectLayout). So a wrong reference reads or
// writes the guest's own heap, or faults; it never leaves this reservation. That, and not the collector being right, is what keeps guests apart.
//
//   | object starts, 4 bytes a card | card table, 1 byte a card | base: null zone | nursery | old space: two halves | guard |
//
// Everything is inaccessible until committed. The null zone and the guard never are.
using Tarn.Compiler.Abi;
using Tarn.Platform;

namespace Tarn.Heaps;

internal sealed unsafe class HeapSpace
{
    /// <summary>Where the second half of old space starts.</summary>
    public const uint Middle = 0x8000_0000;

    /// <summary>Where old space ends: a sum of an offset and the size of any object does not wrap in 32 bits.</summary>
    public const uint End = 0xFFF0_0000;

    private const nuint StartTableBytes = (nuint)ObjectLayout.CardTableBytes * sizeof(uint);
    private const nuint CommitStep = 1 << 18;

    private readonly byte* _reservation;
    private readonly nuint _reserved;
    private uint _nurseryCommitted = ObjectLayout.NurseryStart;
    private readonly uint[] _committed = [ObjectLayout.NurseryEnd, Middle];

    /// <summary>Reserves the address space.</summary>
    /// <exception cref="PlatformException">The system refuses it.</exception>
    public HeapSpace()
    {
        VirtualMemory memory = VirtualMemory.Current;
        _reserved = memory.RoundUp(StartTableBytes + ObjectLayout.CardTableBytes + unchecked((nuint)(1UL << 32)) + ObjectLayout.GuardBytes);
        _reservation = memory.Reserve(_reserved);
        Base = _reservation + StartTableBytes + ObjectLayout.CardTableBytes;
    }

    /// <summary>What references count from.</summary>
    public byte* Base { get; }

    /// <summary>For each card whether a reference was stored in it.</summary>
    public byte* Cards => Base - ObjectLayout.CardTableBytes;

    /// <summary>For each card of old space the object that covers its first byte.</summary>
    public uint* Starts => (uint*)_reservation;

    /// <summary>Bytes that have been made accessible and not released, tables aside.</summary>
    public long CommittedBytes => (_nurseryCommitted - ObjectLayout.NurseryStart) + (_committed[0] - (long)ObjectLayout.NurseryEnd) + (_committed[1] - (long)Middle);

    /// <summary>Whether an address is one that compiled code can form from a reference.</summary>
    public bool Contains(nint address) => (nuint)(address - (nint)Base) < unchecked((nuint)(1UL << 32)) + ObjectLayout.GuardBytes;

    /// <summary>Makes the nursery accessible up to an offset.</summary>
    /// <exception cref="PlatformException">The system refuses it.</exception>
    public void CommitNursery(uint end)
    {
        if (end <= _nurseryCommitted)
            return;
        VirtualMemory.Current.Commit(Base + _nurseryCommitted, end - _nurseryCommitted);
        _nurseryCommitted = end;
    }

    /// <summary>Makes a half of old space and its tables accessible up to an offset.</summary>
    /// <exception cref="PlatformException">The system refuses it.</exception>
    public void CommitOld(int half, uint end)
    {
        ref uint committed = ref _committed[half];
        if (end <= committed)
            return;
        VirtualMemory memory = VirtualMemory.Current;
        // Steps grow with what there is, so that commits stay few.
        nuint step = Math.Max(CommitStep, (nuint)((committed - StartOf(half)) / 2)) & ~(CommitStep - 1);
        uint to = (uint)Math.Min((ulong)EndOf(half), Math.Max(((ulong)end + CommitStep - 1) & ~(CommitStep - 1), committed + step));
        memory.Commit(Base + committed, to - committed);
        Table(Cards, committed, to, 1);
        Table((byte*)Starts, committed, to, sizeof(uint));
        committed = to;
    }

    /// <summary>Up to where a half of old space is accessible.</summary>
    public uint CommittedOf(int half) => _committed[half];

    /// <summary>Gives a half's memory back but for some bytes, which stay accessible with whatever is in them.</summary>
    public void Trim(int half, uint keep)
    {
        uint start = StartOf(half) + keep;
        if (_committed[half] <= start)
            return;
        VirtualMemory.Current.Discard(Base + start, _committed[half] - start);
    }

    /// <summary>Gives the nursery's memory back but for some bytes.</summary>
    public void TrimNursery(uint keep)
    {
        uint start = ObjectLayout.NurseryStart + keep;
        if (_nurseryCommitted > start)
            VirtualMemory.Current.Discard(Base + start, _nurseryCommitted - start);
    }

    /// <summary>Gives the address space back.</summary>
    public void Release() => VirtualMemory.Current.Release(_reservation, _reserved);

    /// <summary>Where a half of old space starts.</summary>
    public static uint StartOf(int half) => half == 0 ? ObjectLayout.NurseryEnd : Middle;

    /// <summary>Where a half of old space ends.</summary>
    public static uint EndOf(int half) => half == 0 ? Middle : End;

    // A table's part for a range of the heap; pages that an earlier range has made accessible already do no harm.
    private static void Table(byte* table, uint from, uint to, nuint entry)
    {
        VirtualMemory memory = VirtualMemory.Current;
        nuint start = (from >> ObjectLayout.CardShift) * entry & ~(memory.PageSize - 1);
        nuint end = memory.RoundUp(((to - 1 >> ObjectLayout.CardShift) + 1) * entry);
        memory.Commit(table + start, end - start);
    }
}

// The arithmetic of one slab: a reservation cut into slots at a fixed stride, with guards where asked. Pure, so that it can
// be tested with any numbers; all sums are exact (128 bits) and a slab that does not fit 64-bit addresses is refused
// here, never wrapped around. If this were wrong, slots would overlap and one guest would read another's memory.
//
//   base                                                            base + TotalBytes
//   | lead | slot 0: usable | guard | slot 1: usable | guard | … | slot n-1: usable | guard |
//          |<------ stride ------->|
namespace Tarn.Platform;

/// <summary>Positions of the slots of a slab. All numbers are bytes and multiples of the page size.</summary>
internal readonly record struct SlabLayout
{
    /// <summary>No slab may be larger: user space has 47 bits. What of it is free, the system says.</summary>
    public const ulong MaximumBytes = 1UL << 47;

    private SlabLayout(int slots, ulong usable, ulong guard, ulong lead)
    {
        Slots = slots;
        UsableBytes = usable;
        GuardBytes = guard;
        LeadBytes = lead;
    }

    public int Slots { get; }

    /// <summary>Bytes of a slot that its user may touch.</summary>
    public ulong UsableBytes { get; }

    /// <summary>Inaccessible bytes after each slot.</summary>
    public ulong GuardBytes { get; }

    /// <summary>Inaccessible bytes before the first slot.</summary>
    public ulong LeadBytes { get; }

    public ulong Stride => UsableBytes + GuardBytes;

    public ulong TotalBytes => Slots == 0 ? 0 : LeadBytes + ((ulong)Slots * Stride);

    /// <summary>Offset of a slot's first usable byte from the start of the reservation.</summary>
    public ulong OffsetOf(int slot)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(slot);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(slot, Slots);
        return LeadBytes + ((ulong)slot * Stride);
    }

    /// <summary>The slot whose usable bytes or guard contain an offset, or −1.</summary>
    public int SlotOf(ulong offset)
    {
        if (offset < LeadBytes || offset >= TotalBytes)
            return -1;
        return (int)((offset - LeadBytes) / Stride);
    }

    /// <summary>Computes a layout; sizes are rounded up to pages.</summary>
    /// <returns>Whether it fits; otherwise <paramref name="bytesWanted"/> says how much it would have taken (saturated).</returns>
    public static bool TryCreate(int slots, ulong usable, ulong guard, ulong lead, ulong pageSize, out SlabLayout layout, out ulong bytesWanted)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(slots);
        ArgumentOutOfRangeException.ThrowIfZero(pageSize);
        UInt128 roundedUsable = RoundUp(usable, pageSize);
        UInt128 roundedGuard = RoundUp(guard, pageSize);
        UInt128 roundedLead = RoundUp(lead, pageSize);
        UInt128 total = slots == 0 ? 0 : roundedLead + ((roundedUsable + roundedGuard) * (uint)slots);
        bytesWanted = total > ulong.MaxValue ? ulong.MaxValue : (ulong)total;
        if (total > MaximumBytes)
        {
            layout = default;
            return false;
        }
        layout = slots == 0 ? default : new SlabLayout(slots, (ulong)roundedUsable, (ulong)roundedGuard, (ulong)roundedLead);
        return true;
    }

    /// <summary>The most slots that fit a number of bytes; for error messages that say what would work.</summary>
    public static int LargestCount(ulong available, ulong usable, ulong guard, ulong lead, ulong pageSize)
    {
        UInt128 stride = RoundUp(usable, pageSize) + RoundUp(guard, pageSize);
        UInt128 roundedLead = RoundUp(lead, pageSize);
        ulong limit = Math.Min(available, MaximumBytes);
        if (limit < roundedLead)
            return 0;
        if (stride == 0)
            return int.MaxValue;
        UInt128 count = (limit - roundedLead) / stride;
        return count > int.MaxValue ? int.MaxValue : (int)count;
    }

    private static UInt128 RoundUp(ulong value, ulong pageSize) => ((UInt128)value + pageSize - 1) / pageSize * pageSize;
}

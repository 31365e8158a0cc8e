// One linear memory (core specification, "Memory instances"). The bytes are in a reservation that never moves, so that
// compiled code may keep its base; growing makes more of the reservation accessible and then publishes the new length.
//
// Invariants:
//   - [Base, Base + Record->ByteLength) is readable and writable, whatever follows up to the reservation's end is not;
//   - the reservation is at least 4 GiB + guard where the memory is guarded (docs/abi.md, "Bounds of linear memory");
//   - a shared memory (Shared is not null) is read and written by other threads at any time: the host copies (SharedBytes) and takes no view of it;
//   - ByteLength never shrinks. Guarded code relies on the first and second, checked code on the length alone.
using System.Runtime.InteropServices;
using Tarn.Platform;

namespace Tarn.Memories;

/// <summary>What compiled code sees of a memory: 16 bytes in the owner's VM context.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal unsafe struct MemoryRecord
{
    /// <summary>First byte; in the record of an importing instance too.</summary>
    public byte* Base;

    /// <summary>The owner's record: accessible bytes.</summary>
    public ulong ByteLength;
}

/// <summary>A linear memory and its reservation.</summary>
internal sealed unsafe class MemoryInstance
{
    private readonly Lock _growth = new();
    private PageImage? _origin;

    /// <summary>Wraps a reservation whose first <paramref name="initialBytes"/> are accessible and zero.</summary>
    public MemoryInstance(
        CoreMemoryType type, byte* reservation, ulong reservedBytes, ulong initialBytes, ulong capacityBytes, MemoryRecord* record, MemorySlot? slot = null)
    {
        Slot = slot;
        Type = type;
        Base = reservation;
        ReservedBytes = reservedBytes;
        CapacityBytes = capacityBytes;
        Record = record;
        record->Base = reservation;
        record->ByteLength = initialBytes;
    }

    /// <summary>The pool's slot that it lives in, or null outside of the pools.</summary>
    public MemorySlot? Slot { get; }

    /// <summary>What counts the users of a shared memory; <see langword="null"/> for any other, which belongs to its store.</summary>
    public SharedMemoryCore? Shared { get; set; }

    public CoreMemoryType Type { get; }

    /// <summary>What the memory held when its instance began, as far as it is not zero and is not written page by page; null for nothing.</summary>
    public PageImage? Origin => Slot is MemorySlot slot ? slot.Origin : _origin;

    public byte* Base { get; }

    public ulong ReservedBytes { get; }

    /// <summary>What the memory may grow to: the least of its declared maximum, the engine's limits and the reservation.</summary>
    public ulong CapacityBytes { get; }

    /// <summary>What sets <see cref="CapacityBytes"/> where the declared maximum does not.</summary>
    public required string CapacityLimit { get; init; }

    public MemoryRecord* Record { get; }

    public ulong ByteLength => Volatile.Read(ref Record->ByteLength);

    public ulong Pages => ByteLength >> Type.PageSizeLog2;

    /// <summary>Describes the memory, with its current size.</summary>
    public MemoryType Describe() => TypeDescriptions.Of(Type with { Limits = Type.Limits with { Minimum = Pages } });

    /// <summary>A view of a range. Of a shared memory only to write to.</summary>
    public Span<byte> Bytes(ulong offset, ulong count)
    {
        ulong length = ByteLength;
        if (offset > length || count > length - offset || count > int.MaxValue)
            ThrowOutOfRange(offset, count, length);
        // Pages of a pooled memory may be closed, and neither managed code nor system calls have our signal handler's help.
        Slot?.Open(offset, count);
        return new Span<byte>(Base + offset, (int)count);
    }

    /// <summary>As <see cref="Bytes"/>, to be read only: a pool's slot then stays as it is.</summary>
    public ReadOnlySpan<byte> BytesToRead(ulong offset, ulong count)
    {
        ulong length = ByteLength;
        if (offset > length || count > length - offset || count > int.MaxValue)
            ThrowOutOfRange(offset, count, length);
        Slot?.OpenForReading(offset, count);
        return new ReadOnlySpan<byte>(Base + offset, (int)count);
    }

    /// <summary>Why the memory cannot grow by so many pages, in words.</summary>
    public string DescribeRefusal(ulong deltaPages)
    {
        ulong pages = Pages;
        ulong most = CapacityBytes >> Type.PageSizeLog2;
        if (deltaPages <= most - pages)
            return $"the memory of {pages} pages cannot grow by {deltaPages}: the system refuses to make them accessible (no memory left, or too many mappings)";
        string limit = Type.Limits.HasMaximum && Type.Limits.Maximum <= most ? "its declared maximum" : CapacityLimit;
        return $"the memory of {pages} pages cannot grow by {deltaPages}: it may have {most} pages at most ({limit})";
    }

    /// <summary>Where a range of a shared memory begins.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the memory.</exception>
    public byte* Locate(long offset, long count)
    {
        ulong length = ByteLength;
        if (offset < 0 || (ulong)offset > length || (ulong)count > length - (ulong)offset)
            ThrowOutOfRange((ulong)offset, (ulong)count, length);
        return Base + offset;
    }

    /// <summary>Fills a memory that was just made, and is zero.</summary>
    /// <exception cref="PlatformException">The system refuses.</exception>
    public void Load(PageImage image)
    {
        if (Slot is MemorySlot slot)
        {
            slot.Load(image);
            return;
        }
        _origin = image;
        if (image.Pages.IsEmpty || image.TryMap(Base, MemoryProtection.ReadWrite))
            return;
        for (int i = 0; i < image.Pages.Length; i++)
            Buffer.MemoryCopy(image.At(i), Base + ((long)image.Pages[i] * image.PageSize), image.PageSize, image.PageSize);
    }

    /// <summary>Adds the pages that may differ from <see cref="Origin"/>, in any order; all of them can be read.</summary>
    public void ListTouched(List<int> pages)
    {
        if (Slot is MemorySlot slot)
            slot.ListTouched(pages, ByteLength);
        else
            ListResident(Base, ByteLength, pages);
    }

    /// <summary>Adds the pages of accessible memory that hold anything, as far as the system can be asked; otherwise all of them.</summary>
    public static void ListResident(byte* start, ulong bytes, List<int> pages)
    {
        VirtualMemory memory = VirtualMemory.Current;
        int pageSize = (int)memory.PageSize;
        byte* end = start + memory.RoundUp((nuint)bytes);
        if (!memory.CanFindResident)
        {
            for (byte* page = start; page < end; page += pageSize)
                pages.Add((int)((page - start) / pageSize));
            return;
        }
        Span<PageRange> ranges = stackalloc PageRange[64];
        for (byte* at = start; at < end;)
        {
            int found = memory.FindResident(at, end, ranges, out byte* next);
            foreach (PageRange range in ranges[..found])
            {
                for (byte* page = range.Start; page < range.End; page += pageSize)
                    pages.Add((int)((page - start) / pageSize));
            }
            if (next <= at)
                throw new InvalidOperationException("The system's list of resident pages does not end.");
            at = next;
        }
    }

    /// <summary>Whether a range is within the memory.</summary>
    public bool Contains(ulong offset, ulong count)
    {
        ulong length = ByteLength;
        return offset <= length && count <= length - offset;
    }

    /// <summary>Grows by pages.</summary>
    /// <returns>The size before, in pages, or −1 if the memory cannot grow that much.</returns>
    public long Grow(ulong deltaPages)
    {
        lock (_growth)
            return GrowCore(deltaPages);
    }

    /// <summary>As <see cref="Grow"/>, if the memory still has the size that a limiter was asked about.</summary>
    /// <returns>Whether it has; otherwise nothing has happened.</returns>
    public bool TryGrow(ulong byteLength, ulong deltaPages, out long before)
    {
        lock (_growth)
        {
            bool isSame = Record->ByteLength == byteLength;
            before = isSame ? GrowCore(deltaPages) : -1;
            return isSame;
        }
    }

    private long GrowCore(ulong deltaPages)
    {
        ulong old = Record->ByteLength;
        int log2 = Type.PageSizeLog2;
        if (deltaPages > (CapacityBytes - old) >> log2)
            return -1;
        ulong grown = old + (deltaPages << log2);
        if (!TryCommit(old, grown))
            return -1;
        Volatile.Write(ref Record->ByteLength, grown);
        return (long)(old >> log2);
    }

    private bool TryCommit(ulong from, ulong to)
    {
        if (Slot is MemorySlot slot)
            return TryGrow(slot, from, to);
        VirtualMemory memory = VirtualMemory.Current;
        ulong pageSize = memory.PageSize;
        ulong start = (from + pageSize - 1) & ~(pageSize - 1);
        ulong end = (to + pageSize - 1) & ~(pageSize - 1);
        if (start >= end)
            return true;
        try
        {
            memory.Commit(Base + start, (nuint)(end - start));
            return true;
        }
        catch (PlatformException)
        {
            // The system refuses: to the guest that is memory.grow returning −1, as the specification allows.
            return false;
        }
    }

    private static bool TryGrow(MemorySlot slot, ulong from, ulong to)
    {
        try
        {
            slot.Grow(from, to);
            return true;
        }
        catch (PlatformException)
        {
            return false;
        }
    }

    internal static void ThrowOutOfRange(ulong offset, ulong count, ulong length) => throw new ArgumentOutOfRangeException(
        nameof(offset), $"{count} bytes at offset {offset} are not within the memory's {length} bytes");
}

// One table (core specification, "Table instances"): references of eight bytes in a reservation that never moves, so that
// compiled code may keep its base.
//
// Invariants: the first Length elements are valid references of the table's type (null is 0), everything that has not been
// grown into yet is zero; Length never shrinks and is published after the new elements are written.
using System.Runtime.InteropServices;
using Tarn.Platform;

namespace Tarn.Tables;

/// <summary>What compiled code sees of a table: 16 bytes in the owner's VM context.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal unsafe struct TableRecord
{
    /// <summary>First element; in the record of an importing instance too.</summary>
    public ulong* Elements;

    /// <summary>The owner's record: number of elements.</summary>
    public ulong Length;
}

/// <summary>A table and its reservation.</summary>
internal sealed unsafe class TableInstance
{
    /// <summary>Wraps a zeroed reservation whose first <paramref name="length"/> elements are accessible.</summary>
    public TableInstance(CoreTableType type, ulong* elements, ulong reservedBytes, ulong length, ulong capacity, TableRecord* record)
    {
        Type = type;
        Elements = elements;
        ReservedBytes = reservedBytes;
        Capacity = capacity;
        Record = record;
        record->Elements = elements;
        record->Length = length;
    }

    /// <summary>The declared type; its element type is canonical.</summary>
    public CoreTableType Type { get; }

    public ulong* Elements { get; }

    public ulong ReservedBytes { get; }

    /// <summary>What the table may grow to: the least of its declared maximum, the engine's limits and the reservation.</summary>
    public ulong Capacity { get; }

    public TableRecord* Record { get; }

    public ulong Length => Record->Length;

    /// <summary>Whether managed code wrote to it since the pool last looked. Stores by compiled code are not noticed: the pool knows which modules have any.</summary>
    public bool IsDirty { get; set; }

    /// <summary>What sets <see cref="Capacity"/> where the declared maximum does not.</summary>
    public required string CapacityLimit { get; init; }

    /// <summary>Describes the table, with its current length.</summary>
    public TableType Describe(TypeRegistry types) => TypeDescriptions.Table(types, Type with { Limits = Type.Limits with { Minimum = Length } });

    /// <summary>Why the table cannot grow by so many elements, in words.</summary>
    public string DescribeRefusal(ulong delta)
    {
        if (delta <= Capacity - Length)
            return $"the table of {Length} elements cannot grow by {delta}: the system refuses to make them accessible";
        string limit = Type.Limits.HasMaximum && Type.Limits.Maximum <= Capacity ? "its declared maximum" : CapacityLimit;
        return $"the table of {Length} elements cannot grow by {delta}: it may have {Capacity} at most ({limit})";
    }

    /// <summary>Whether a range is within the table.</summary>
    public bool Contains(ulong index, ulong count)
    {
        ulong length = Length;
        return index <= length && count <= length - index;
    }

    /// <summary>Grows by elements, all set to one value.</summary>
    /// <returns>The length before, or −1 if the table cannot grow that much.</returns>
    public long Grow(ulong delta, ulong value)
    {
        ulong old = Length;
        if (delta > Capacity - old || !TryCommit(old * 8, (old + delta) * 8))
            return -1;
        IsDirty = true;
        if (value != 0)
            new Span<ulong>(Elements + old, (int)delta).Fill(value);
        Record->Length = old + delta;
        return (long)old;
    }

    public void Fill(ulong index, ulong value, ulong count)
    {
        IsDirty = true;
        new Span<ulong>(Elements + index, checked((int)count)).Fill(value);
    }

    /// <summary>A table in the pool: everything it may grow to is accessible from the start.</summary>
    public bool IsPooled { get; init; }

    private bool TryCommit(ulong from, ulong to)
    {
        if (IsPooled)
            return true;
        VirtualMemory memory = VirtualMemory.Current;
        ulong pageSize = memory.PageSize;
        ulong start = (from + pageSize - 1) & ~(pageSize - 1);
        ulong end = (to + pageSize - 1) & ~(pageSize - 1);
        if (start >= end)
            return true;
        try
        {
            memory.Commit((byte*)Elements + start, (nuint)(end - start));
            return true;
        }
        catch (PlatformException)
        {
            return false;
        }
    }
}

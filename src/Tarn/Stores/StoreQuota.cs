// What memories and tables of a store may take. Asked where something is made or grows; a store without limits pays a comparison.
using Tarn.Heaps;
using Tarn.Memories;
using Tarn.Tables;

namespace Tarn.Stores;

internal static class StoreQuota
{
    /// <summary>Asks whether a memory of an instance may be made.</summary>
    /// <exception cref="InstantiationException">It may not.</exception>
    public static void RequireMemory(StoreCore store, in CoreMemoryType type, ulong capacity = long.MaxValue)
    {
        if (store.Limits is not StoreLimits limits)
            return;
        UInt128 minimum = (UInt128)type.Limits.Minimum << type.PageSizeLog2;
        UInt128 maximum = type.Limits.HasMaximum ? UInt128.Min((UInt128)type.Limits.Maximum << type.PageSizeLog2, capacity) : capacity;
        if (!limits.Allow(new ResourceRequest(ResourceKind.Memory, 0, Clamp(minimum), Clamp(maximum), store.State)))
            throw new InstantiationException($"The store's limits refuse a memory of {minimum} bytes (StoreLimits.MaximumMemoryBytes = {Describe(limits.MaximumMemoryBytes)}).");
    }

    /// <summary>Asks whether a table of an instance may be made.</summary>
    /// <exception cref="InstantiationException">It may not.</exception>
    public static void RequireTable(StoreCore store, in CoreTableType type, ulong capacity = long.MaxValue)
    {
        if (store.Limits is not StoreLimits limits)
            return;
        ulong maximum = type.Limits.HasMaximum ? Math.Min(type.Limits.Maximum, capacity) : capacity;
        if (!limits.Allow(new ResourceRequest(ResourceKind.Table, 0, Clamp(type.Limits.Minimum), Clamp(maximum), store.State)))
            throw new InstantiationException($"The store's limits refuse a table of {type.Limits.Minimum} elements (StoreLimits.MaximumTableElements = {Describe(limits.MaximumTableElements)}).");
    }

    /// <summary>Asks whether the store's heap may be made, or whether one that is there may begin another life.</summary>
    /// <exception cref="InstantiationException">It may not.</exception>
    public static void RequireHeap(StoreCore store, ManagedHeap heap)
    {
        if (heap.MaximumBytes < ManagedHeap.FewestBytes)
            throw new InstantiationException($"A heap of managed objects takes {ManagedHeap.FewestBytes} bytes at least, and {heap.DescribeLimit()}.");
        if (store.Limits is not StoreLimits limits)
            return;
        heap.BeginLimits();
        if (!limits.Allow(new ResourceRequest(ResourceKind.Heap, 0, heap.GrantedBytes, heap.MaximumBytes, store.State)))
            throw new InstantiationException($"The store's limiter refuses a heap of managed objects, which begins with {heap.GrantedBytes} bytes.");
    }

    /// <summary>Grows a memory as far as engine and store allow.</summary>
    /// <returns>The size before, in pages, or −1.</returns>
    public static long Grow(StoreCore store, MemoryInstance memory, ulong pages)
    {
        if (store.Limits is StoreLimits limits && pages != 0)
        {
            ulong bytes = memory.ByteLength;
            UInt128 desired = bytes + ((UInt128)pages << memory.Type.PageSizeLog2);
            // What the engine refuses is no question.
            if (desired > memory.CapacityBytes || !limits.Allow(new ResourceRequest(ResourceKind.Memory, (long)bytes, (long)desired, Clamp(memory.CapacityBytes), store.State)))
                return -1;
        }
        return memory.Grow(pages);
    }

    /// <summary>Grows a table as far as engine and store allow.</summary>
    /// <returns>The length before, or −1.</returns>
    public static long Grow(StoreCore store, TableInstance table, ulong count, ulong value)
    {
        if (store.Limits is StoreLimits limits && count != 0)
        {
            ulong length = table.Length;
            UInt128 desired = length + (UInt128)count;
            // The limiter is the host's: it may do what makes the collector run, which moves what the value refers to.
            using var kept = new TemporaryRoot(store, table.Type.Element, value);
            if (desired > table.Capacity || !limits.Allow(new ResourceRequest(ResourceKind.Table, (long)length, (long)desired, Clamp(table.Capacity), store.State)))
                return -1;
            value = kept.Value;
        }
        return table.Grow(count, value);
    }

    /// <summary>The trap for one object of the host too many.</summary>
    public static TrapException TooManyReferences(StoreCore store, int count) => store.Trap(
        TrapCode.AllocationTooLarge,
        $"guests of the store have been given {count} objects of the host as externref, and its limits do not allow one more (StoreLimits.MaximumHostReferences = {Describe(store.Limits?.MaximumHostReferences)})");

    /// <summary>The trap of a guest that asks for the reference of one exception too many.</summary>
    public static TrapException TooManyExceptions(StoreCore store, int count) => store.Trap(
        TrapCode.AllocationTooLarge,
        $"guests of the store have references to {count} exceptions, and its limits do not allow one more (StoreLimits.MaximumExceptionBytes = {StoreLimits.ExceptionBytes(store.Limits)})");

    /// <summary>Why a memory did not grow. The limiter is not asked again: it may count what it is asked.</summary>
    public static string DescribeRefusal(StoreCore store, MemoryInstance memory, ulong pages) =>
        store.Limits is not null && pages <= (memory.CapacityBytes >> memory.Type.PageSizeLog2) - memory.Pages
            ? $"the memory of {memory.Pages} pages cannot grow by {pages}: the limits of its store do not allow it, or the system has no room"
            : memory.DescribeRefusal(pages);

    /// <summary>Why a table did not grow.</summary>
    public static string DescribeRefusal(StoreCore store, TableInstance table, ulong count) =>
        store.Limits is not null && count <= (ulong)(table.Capacity - table.Length)
            ? $"the table of {table.Length} elements cannot grow by {count}: the limits of its store do not allow it"
            : table.DescribeRefusal(count);

    private static long Clamp(UInt128 value) => value > long.MaxValue ? long.MaxValue : (long)value;

    private static string Describe(long? limit) => limit?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none, so its limiter refused";
}

// What a store may take and for how long its guests may run. All of it is looked at where something grows or a call begins from outside; a store
// without limits pays a comparison.
using Tarn.Instances;
using Tarn.Memories;
using Tarn.Scheduling;
using Tarn.Tables;

namespace Tarn.Stores;

internal sealed unsafe partial class StoreCore
{
    private long _timeoutMilliseconds;

    /// <summary>What its memories and tables may take; see <see cref="Store.Limits"/>.</summary>
    public StoreLimits? Limits { get; set; }

    /// <summary>How long a call from outside may take; see <see cref="Store.CallTimeout"/>.</summary>
    public TimeSpan CallTimeout
    {
        get => _timeoutMilliseconds == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(_timeoutMilliseconds);
        set
        {
            long milliseconds = CheckedTimeout(value);
            if (milliseconds != 0)
                RequireInterruption("A timeout for calls");
            using StoreUse use = Enter();
            _timeoutMilliseconds = milliseconds;
        }
    }

    // A limit that the engine's compiled code cannot honour is refused where it is set, never ignored.
    private void RequireInterruption(string what)
    {
        if (!Engine.Options.EnableInterruption)
            throw new InvalidOperationException($"{what} cannot be honoured: the engine was made with EngineOptions.EnableInterruption = false, so its code does not look whether it shall stop. Make the engine with EnableInterruption = true.");
    }

    private void RequireFuel()
    {
        if (!Engine.Options.EnableFuel)
            throw new InvalidOperationException("Fuel cannot be honoured: the engine was made with EngineOptions.EnableFuel = false, so its code does not count. Make the engine with EnableFuel = true.");
    }

    /// <summary>A timeout in milliseconds, 0 where it is infinite.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is neither infinite nor between a millisecond and 24 days.</exception>
    internal static long CheckedTimeout(TimeSpan value)
    {
        if (value == Timeout.InfiniteTimeSpan)
            return 0;
        ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.FromMilliseconds(1));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromMilliseconds(int.MaxValue));
        return (long)value.TotalMilliseconds;
    }

    /// <summary>Sets the limits of a store before anything is made in it.</summary>
    internal void BeginLimits(StoreLimits? limits)
    {
        Limits = limits;
        if (limits?.Fuel is long fuel)
        {
            RequireFuel();
            Execution->Fuel = fuel;
        }
        if (limits?.CallTimeout is TimeSpan timeout)
        {
            long milliseconds = CheckedTimeout(timeout);
            if (milliseconds != 0)
                RequireInterruption("A timeout for calls");
            _timeoutMilliseconds = milliseconds;
        }
    }

    /// <summary>Sets the limits of an instance from a pool, whose memories and tables are there already.</summary>
    /// <exception cref="InstantiationException">They are larger than the limits allow.</exception>
    internal void BeginLimits(StoreLimits limits, InstanceData data)
    {
        BeginLimits(limits);
        WasmModule wasm = data.Module.Wasm;
        for (int i = wasm.ImportedMemoryCount; i < data.Memories.Length; i++)
            RequireMemory(data.Memories[i].Type, data.Memories[i].CapacityBytes);
        for (int i = wasm.ImportedTableCount; i < data.Tables.Length; i++)
            RequireTable(data.Tables[i].Type, data.Tables[i].Capacity);
    }

    /// <summary>Asks whether a memory of an instance may be made.</summary>
    /// <exception cref="InstantiationException">It may not.</exception>
    internal void RequireMemory(in CoreMemoryType type, ulong capacity = long.MaxValue)
    {
        if (Limits is not StoreLimits limits)
            return;
        UInt128 minimum = (UInt128)type.Limits.Minimum << type.PageSizeLog2;
        UInt128 maximum = type.Limits.HasMaximum ? UInt128.Min((UInt128)type.Limits.Maximum << type.PageSizeLog2, capacity) : capacity;
        if (!limits.Allow(new ResourceRequest(ResourceKind.Memory, 0, Clamp(minimum), Clamp(maximum), State)))
            throw new InstantiationException($"the store's limits refuse a memory of {minimum} bytes (StoreLimits.MaximumMemoryBytes = {Describe(limits.MaximumMemoryBytes)})");
    }

    /// <summary>Asks whether a table of an instance may be made.</summary>
    /// <exception cref="InstantiationException">It may not.</exception>
    internal void RequireTable(in CoreTableType type, ulong capacity = long.MaxValue)
    {
        if (Limits is not StoreLimits limits)
            return;
        ulong maximum = type.Limits.HasMaximum ? Math.Min(type.Limits.Maximum, capacity) : capacity;
        if (!limits.Allow(new ResourceRequest(ResourceKind.Table, 0, Clamp(type.Limits.Minimum), Clamp(maximum), State)))
            throw new InstantiationException($"the store's limits refuse a table of {type.Limits.Minimum} elements (StoreLimits.MaximumTableElements = {Describe(limits.MaximumTableElements)})");
    }

    /// <summary>Grows a memory as far as engine and store allow.</summary>
    /// <returns>The size before, in pages, or −1.</returns>
    internal long Grow(MemoryInstance memory, ulong pages)
    {
        if (Limits is StoreLimits limits && pages != 0)
        {
            ulong bytes = memory.ByteLength;
            UInt128 desired = bytes + ((UInt128)pages << memory.Type.PageSizeLog2);
            // What the engine refuses is no question.
            if (desired > memory.CapacityBytes || !limits.Allow(new ResourceRequest(ResourceKind.Memory, (long)bytes, (long)desired, Clamp(memory.CapacityBytes), State)))
                return -1;
        }
        return memory.Grow(pages);
    }

    /// <summary>Grows a table as far as engine and store allow.</summary>
    /// <returns>The length before, or −1.</returns>
    internal long Grow(TableInstance table, ulong count, ulong value)
    {
        if (Limits is StoreLimits limits && count != 0)
        {
            ulong length = table.Length;
            UInt128 desired = length + (UInt128)count;
            if (desired > table.Capacity || !limits.Allow(new ResourceRequest(ResourceKind.Table, (long)length, (long)desired, Clamp(table.Capacity), State)))
                return -1;
        }
        return table.Grow(count, value);
    }

    /// <summary>The trap of whoever hands guests one object of the host too many.</summary>
    internal TrapException TooManyReferences(int count) => _driver.Trap(
        TrapCode.AllocationTooLarge,
        $"guests of the store have been given {count} objects of the host as externref, and its limits do not allow one more (StoreLimits.MaximumHostReferences = {Describe(Limits?.MaximumHostReferences)})");

    /// <summary>Why a memory did not grow. The limiter is not asked again: it may count what it is asked.</summary>
    internal string DescribeRefusal(MemoryInstance memory, ulong pages) =>
        Limits is not null && pages <= (memory.CapacityBytes >> memory.Type.PageSizeLog2) - memory.Pages
            ? $"the memory of {memory.Pages} pages cannot grow by {pages}: the limits of its store do not allow it, or the system has no room"
            : memory.DescribeRefusal(pages);

    /// <summary>Why a table did not grow.</summary>
    internal string DescribeRefusal(TableInstance table, ulong count) =>
        Limits is not null && count <= (ulong)(table.Capacity - table.Length)
            ? $"the table of {table.Length} elements cannot grow by {count}: the limits of its store do not allow it"
            : table.DescribeRefusal(count);

    private static long Clamp(UInt128 value) => value > long.MaxValue ? long.MaxValue : (long)value;

    private static string Describe(long? limit) => limit?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none, so its limiter refused";
}

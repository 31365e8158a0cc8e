// What code is compiled for, apart from the module: everything that changes the emitted bytes is here, so that equal descriptions and
// equal modules give equal code, and a cache may be keyed by it.
namespace Tarn.Compiler;

/// <summary>How accesses to linear memory are kept within bounds.</summary>
internal enum MemoryStrategy : byte
{
    /// <summary>A 32-bit memory is in a reservation of 4 GiB followed by a guard region; the hardware checks.</summary>
    Guarded,

    /// <summary>Each access is compared with the memory's length, as far as it is not known to be within.</summary>
    Checked,
}

/// <summary>Options of the generated code.</summary>
internal sealed record TargetDescription
{
    /// <summary>Guarded memories, no interruption, no fuel.</summary>
    public static TargetDescription Default { get; } = new();

    /// <summary>How accesses to linear memory are kept within bounds.</summary>
    public MemoryStrategy MemoryStrategy { get; init; } = MemoryStrategy.Guarded;

    /// <summary>
    /// Accesses of null in the heap of managed objects are found by the fault that they are, on a processor, or by the check that takes its place. Without it there is a comparison before each.
    /// </summary>
    public bool CatchesFaults { get; init; } = true;

    /// <summary>With guarded memories: bytes behind the 4 GiB that fault. Accesses with offset + size up to this need no check.</summary>
    public ulong GuardBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>No 32-bit memory has more bytes than this, whatever the module says: address arithmetic below it is known not to wrap.</summary>
    public ulong MaximumMemoryBytes { get; init; } = 1UL << 32;

    /// <summary>Loops and function entries look for a requested interruption.</summary>
    public bool Interruption { get; init; }

    /// <summary>Instructions are counted down from the store's fuel.</summary>
    public bool Fuel { get; init; }

    /// <summary>What they cost, where fuel is counted.</summary>
    public FuelTable FuelTable { get; init; } = FuelTable.Default;

    /// <summary>NaNs are canonical and relaxed operations have one result: equal bits on every target.</summary>
    public bool Deterministic { get; init; }

    /// <summary>Optimise; else translate only, which helps to find out what is to blame.</summary>
    public bool Optimize { get; init; } = true;
}

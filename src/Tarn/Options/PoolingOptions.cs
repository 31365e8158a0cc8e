// Everything about the pools that an embedder can set. Faults are found all at once and each is worded so that it can
// be fixed without reading this file.
namespace Tarn;

/// <summary>How the pools are laid out and how slots are reused.</summary>
public sealed record PoolingOptions
{
    /// <summary>The largest size of one instance's runtime structures that <see cref="InstanceLimits.Size"/> may name: 1 GiB.</summary>
    public const long MaximumInstanceSize = 1L << 30;

    /// <summary>The smallest size of one instance's runtime structures: what an instance of the empty module takes, in bytes.</summary>
    public const long MinimumInstanceSize = 128;

    /// <summary>The largest guest stack: 1 GiB.</summary>
    public const long MaximumStackSize = 1L << 30;

    /// <summary>The most slots that a pool may have: about sixteen million.</summary>
    public const int MaximumSlots = 1 << 24;

    /// <summary>The limits that size every pool.</summary>
    public InstanceLimits Limits { get; init; } = InstanceLimits.Default;

    /// <summary>Memory slots in the pool; <see langword="null"/> for <c>Count × Memories</c>.</summary>
    public int? TotalMemories { get; init; }

    /// <summary>Table slots in the pool; <see langword="null"/> for <c>Count × Tables</c>.</summary>
    public int? TotalTables { get; init; }

    /// <summary>Guest stacks in the pool; <see langword="null"/> for <c>Count</c>.</summary>
    public int? TotalStacks { get; init; }

    /// <summary>Heaps of managed objects that may be in use at the same time; <see langword="null"/> for <c>Count</c>. Their address space is reserved when they are first needed.</summary>
    public int? TotalHeaps { get; init; }

    /// <summary>
    /// Unused slots that keep their last module's image ready, besides the one that each thread keeps for each module. Beyond it the least recently used is released
    /// to the system.
    /// </summary>
    public int MaximumWarmSlots { get; init; } = 100;

    /// <summary>Bytes of a memory slot that may stay resident after a reset.</summary>
    public long MemoryKeepResident { get; init; } = 1 << 20;

    /// <summary>Bytes of a table slot that may stay resident after a reset.</summary>
    public long TableKeepResident { get; init; } = 64 << 10;

    /// <summary>Bytes of a guest stack that may stay resident when its instance has ended.</summary>
    public long StackKeepResident { get; init; } = 64 << 10;

    /// <summary>Bytes of a heap of managed objects that may stay resident when its instance has ended.</summary>
    public long HeapKeepResident { get; init; } = 1 << 20;

    /// <summary>How many memory slots that are no longer used wait for each other, to be returned to the system together: one call for those side by side.</summary>
    public int DecommitBatchSize { get; init; } = 1;

    /// <summary>How a slot is made fresh.</summary>
    public ResetStrategy ResetStrategy { get; init; }

    /// <summary>Bytes of one guest stack, guard page excluded.</summary>
    public long StackSize { get; init; } = 1 << 20;

    /// <summary>
    /// Address space for one memory slot, in bytes, guard excluded; <see langword="null"/> for 4 GiB where memories are guarded and for just
    /// <see cref="InstanceLimits.MemoryPages"/> where they are checked.
    /// </summary>
    public long? MemoryReservation { get; init; }

    /// <summary>What happens when no slot is free.</summary>
    public PoolExhaustion Exhaustion { get; init; }

    /// <summary>
    /// Creates options for components as toolchains make them: a component consists of several core instances, most of which have neither a memory nor code of any size, and language runtimes
    /// such as those for JavaScript begin with more memory than the limits for core modules allow.
    /// </summary>
    /// <param name="count">How many instances of components there may be at the same time; at least 1. Each may have 16 core instances, those of the adapters between its parts included, 2 memories of 64 MiB and 4 tables on average.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is less than 1, or more than <see cref="MaximumSlots"/> allows.</exception>
    public static PoolingOptions ForComponents(int count = 100)
    {
        const int CoreInstances = 16, Memories = 2, Tables = 4, MemoryPages = 1024, TableElements = 20_000;
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, MaximumSlots / CoreInstances);
        return new PoolingOptions
        {
            Limits = InstanceLimits.Default with { Count = count * CoreInstances, Memories = Memories, MemoryPages = MemoryPages, Tables = Tables, TableElements = TableElements },
            TotalMemories = count * Memories,
            TotalTables = count * Tables,
            TotalStacks = count,
        };
    }

    /// <summary>Finds every fault of these options.</summary>
    /// <returns>One sentence for each fault; empty when the options are sound.</returns>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        InstanceLimits limits = Limits;
        AtLeast(faults, "Limits.Count", limits.Count, 1);
        AtMost(faults, "Limits.Count", limits.Count);
        AtMost(faults, nameof(TotalMemories), TotalMemories ?? 0);
        AtMost(faults, nameof(TotalTables), TotalTables ?? 0);
        AtMost(faults, nameof(TotalStacks), TotalStacks ?? 0);
        AtMost(faults, nameof(TotalHeaps), TotalHeaps ?? 0);
        AtLeast(faults, nameof(TotalHeaps), TotalHeaps ?? 0, 0);
        AtLeast(faults, nameof(HeapKeepResident), HeapKeepResident, 0);
        AtLeast(faults, "Limits.Size", limits.Size, MinimumInstanceSize);
        if (limits.Size > MaximumInstanceSize)
            faults.Add($"Limits.Size is {limits.Size} bytes; it may be {MaximumInstanceSize} at most");
        AtLeast(faults, "Limits.Tables", limits.Tables, 0);
        AtLeast(faults, "Limits.TableElements", limits.TableElements, 0);
        AtLeast(faults, "Limits.Memories", limits.Memories, 0);
        AtLeast(faults, "Limits.MemoryPages", limits.MemoryPages, 0);
        const int MostPages = 65536;
        if (limits.MemoryPages > MostPages)
            faults.Add($"Limits.MemoryPages is {limits.MemoryPages}; it may be {MostPages} (4 GiB) at most");
        AtLeast(faults, nameof(TotalMemories), TotalMemories ?? 0, 0);
        AtLeast(faults, nameof(TotalTables), TotalTables ?? 0, 0);
        AtLeast(faults, nameof(TotalStacks), TotalStacks ?? 1, 1);
        AtLeast(faults, nameof(MaximumWarmSlots), MaximumWarmSlots, 0);
        AtLeast(faults, nameof(MemoryKeepResident), MemoryKeepResident, 0);
        AtLeast(faults, nameof(TableKeepResident), TableKeepResident, 0);
        AtLeast(faults, nameof(StackKeepResident), StackKeepResident, 0);
        AtLeast(faults, nameof(DecommitBatchSize), DecommitBatchSize, 1);
        AtLeast(faults, nameof(StackSize), StackSize, EngineOptions.MinimumStackSize);
        if (StackSize > MaximumStackSize)
            faults.Add($"StackSize is {StackSize} bytes; it may be {MaximumStackSize} at most");
        if (!Enum.IsDefined(ResetStrategy))
            faults.Add($"ResetStrategy has no value {(int)ResetStrategy}");
        if (!Enum.IsDefined(Exhaustion))
            faults.Add($"Exhaustion has no value {(int)Exhaustion}");
        if (MemoryReservation is long reservation)
        {
            if (reservation < 0 || (reservation & 0xFFFF) != 0)
                faults.Add($"MemoryReservation is {reservation} bytes; it must be a multiple of 65536");
            else if (limits.MemoryPages >= 0 && limits.MemoryPages * 65536L > reservation)
                faults.Add($"Limits.MemoryPages is {limits.MemoryPages} ({limits.MemoryPages * 65536L} bytes), which does not fit MemoryReservation = {reservation} bytes; lower the first or raise the second");
        }
        return faults;
    }

    private static void AtMost(List<string> faults, string name, long value)
    {
        if (value > MaximumSlots)
            faults.Add($"{name} is {value}; it may be {MaximumSlots} at most");
    }

    private static void AtLeast(List<string> faults, string name, long value, long least)
    {
        if (value < least)
            faults.Add($"{name} is {value}; it must be at least {least}");
    }
}

// What one pooled instance may take, and how many there are. These six numbers size every slab of the pool, so the
// engine can reserve all of it when it is built and allocate nothing afterwards.
namespace Tarn;

/// <summary>
/// The limits that size the pools. A module that needs more than a slot offers fails to instantiate with an error that says what it
/// needed. Imported memories and tables do not count. Two values are equal when all their limits are.
/// </summary>
public readonly record struct InstanceLimits
{
    /// <summary>Makes limits with the default values.</summary>
    public InstanceLimits()
    {
    }

    /// <summary>1000 instances of up to 1 MiB, one table of 10,000 elements and one memory of 160 pages (10 MiB) each.</summary>
    public static InstanceLimits Default => new();

    /// <summary>How many instances may live at the same time. Sizes the instance, memory, table and stack pools.</summary>
    public int Count { get; init; } = 1000;

    /// <summary>Bytes for one instance's runtime structures: context, globals, function references, segment states.</summary>
    public long Size { get; init; } = 1 << 20;

    /// <summary>How many tables a module may define.</summary>
    public int Tables { get; init; } = 1;

    /// <summary>Elements of a table. A minimum above it fails instantiation; it caps a larger or absent maximum.</summary>
    public int TableElements { get; init; } = 10_000;

    /// <summary>How many linear memories a module may define.</summary>
    public int Memories { get; init; } = 1;

    /// <summary>Pages of 64 KiB of a linear memory. A minimum above it fails instantiation; it caps a larger or absent maximum.</summary>
    public int MemoryPages { get; init; } = 160;

    /// <summary>The limits in one line.</summary>
    public override string ToString() =>
        $"InstanceLimits {{ Count = {Count}, Size = {Size} bytes, Tables = {Tables}, TableElements = {TableElements}, Memories = {Memories}, MemoryPages = {MemoryPages} (64 KiB each) }}";
}

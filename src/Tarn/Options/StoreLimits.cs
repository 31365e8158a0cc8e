// What one store may take, on top of what its engine allows. Unlike the engine's limits they cost address space nothing and can differ from one
// instance to the next. They hold from the first instruction on: a start function has run before the embedder gets the instance.
using System.Runtime.CompilerServices;

namespace Tarn;

/// <summary>Limits for the memories, tables and managed objects of one store, as they are made and as they grow, and for what its guests execute.</summary>
public sealed record StoreLimits
{
    /// <summary>
    /// Gets the bytes that each linear memory may have; <see langword="null"/> for no limit of the store. A checked memory outside of the pools reserves no more address
    /// space than this when it is made, so that it cannot grow beyond it even if the store is given a larger limit later.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public long? MaximumMemoryBytes
    {
        get;
        init => field = NotNegative(value);
    }

    /// <summary>Gets the elements that each table may have; <see langword="null"/> for no limit of the store.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public long? MaximumTableElements
    {
        get;
        init => field = NotNegative(value);
    }

    /// <summary>
    /// Gets the bytes that managed objects may take, at most <see cref="EngineOptions.MaximumHeapBytes"/>; <see langword="null"/> for no limit of the store. A quarter of a small limit is the
    /// nursery. A collection may take as many bytes again while it runs. An instance of a module that has such objects is refused where the limit is less than 64 KiB; an allocation for which
    /// there is no room after a collection traps with <see cref="TrapCode.AllocationTooLarge"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public long? MaximumHeapBytes
    {
        get;
        init => field = NotNegative(value);
    }

    /// <summary>
    /// Gets how many different objects of the host the store's guests may be given as <c>externref</c>; <see langword="null"/> for no limit. Each costs the host some 90 bytes
    /// until a collection finds that no guest still holds it. The call that would make one more traps with <see cref="TrapCode.AllocationTooLarge"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public long? MaximumHostReferences
    {
        get;
        init => field = NotNegative(value);
    }

    /// <summary>
    /// Gets the bytes that exceptions may take to which the store's guests have references (<c>exnref</c>): 96 for each, and 16 for each of its values. An exception is kept
    /// until a collection finds that no guest holds a reference to it. The handler for whose reference there is no room is not entered: the call traps with
    /// <see cref="TrapCode.AllocationTooLarge"/>. <see langword="null"/>, the default, for 64 MiB.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public long? MaximumExceptionBytes
    {
        get;
        init => field = NotNegative(value);
    }

    /// <summary>
    /// Gets who is asked after the limits, whenever a memory, table or heap is made by an instance or is to grow, and when the room for references of the host is to double. A heap asks for
    /// twice what it has, when a collection of everything has left it no room.
    /// </summary>
    public ResourceLimiter? Limiter { get; init; }

    /// <summary>
    /// What <see cref="Store.Fuel"/> is when an instance is made with these limits, where <see cref="EngineOptions.EnableFuel"/> is on: its start function pays too.
    /// <see langword="null"/>, the default, for no limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public long? Fuel
    {
        get;
        init => field = NotNegative(value);
    }

    /// <summary>
    /// What <see cref="Store.CallTimeout"/> is when an instance is made with these limits, where <see cref="EngineOptions.EnableInterruption"/> is on: it holds for the start
    /// function too. <see langword="null"/>, the default, for no limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is neither infinite nor between a millisecond and 24 days.</exception>
    public TimeSpan? CallTimeout
    {
        get;
        init
        {
            if (value is TimeSpan timeout)
                CheckedTimeout(timeout);
            field = value;
        }
    }

    /// <summary>What exceptions may take in a store with these limits or, where they are <see langword="null"/>, without.</summary>
    internal static long ExceptionBytes(StoreLimits? limits) => limits?.MaximumExceptionBytes ?? DefaultExceptionBytes;

    private const long DefaultExceptionBytes = 64L << 20;

    /// <summary>Whether a store may hold one more object of the host.</summary>
    internal bool AllowReference(int count, int capacity, object? state)
    {
        if (count >= MaximumHostReferences)
            return false;
        return count < capacity || Limiter is null
            || Limiter(new ResourceRequest(ResourceKind.HostReferences, count, Math.Max(8, count * 2L), MaximumHostReferences ?? int.MaxValue, state));
    }

    private static long? NotNegative(long? value, [CallerMemberName] string name = "") => value is null or >= 0
        ? value
        : throw new ArgumentOutOfRangeException(name, value, $"StoreLimits.{name} is {value}. It must not be negative.");

    internal bool Allow(in ResourceRequest request)
    {
        long? most = request.Kind switch
        {
            ResourceKind.Memory => MaximumMemoryBytes,
            ResourceKind.Table => MaximumTableElements,
            _ => MaximumHeapBytes,
        };
        return !(request.Desired > most) && (Limiter is null || Limiter(request));
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
}

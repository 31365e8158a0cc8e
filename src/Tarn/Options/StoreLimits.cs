// What one store may take, on top of what its engine allows. Unlike the engine's limits they cost address space nothing and can differ from one
// instance to the next. They hold from the first instruction on: a start function has run before the embedder gets the instance.
namespace Tarn;

/// <summary>Limits for the memories and tables of one store, as they are made and as they grow, and for what its guests execute.</summary>
public sealed record StoreLimits
{
    /// <summary>Bytes that each linear memory may have; <see langword="null"/> for no limit of the store.</summary>
    public long? MaximumMemoryBytes { get; init; }

    /// <summary>Elements that each table may have; <see langword="null"/> for no limit of the store.</summary>
    public long? MaximumTableElements { get; init; }

    /// <summary>Asked after the two, whenever a memory or table is made by an instance or is to grow.</summary>
    public ResourceLimiter? Limiter { get; init; }

    /// <summary>
    /// What <see cref="Store.Fuel"/> is when an instance is made with these limits, where <see cref="EngineOptions.Fuel"/> is on: its start function pays too.
    /// <see langword="null"/> for as good as no limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public long? Fuel
    {
        get;
        init
        {
            if (value is long fuel)
                ArgumentOutOfRangeException.ThrowIfNegative(fuel);
            field = value;
        }
    }

    /// <summary>
    /// What <see cref="Store.CallTimeout"/> is when an instance is made with these limits, where <see cref="EngineOptions.Interruption"/> is on: it holds for the start
    /// function too. <see langword="null"/> for as long as calls like.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is neither infinite nor between a millisecond and 24 days.</exception>
    public TimeSpan? CallTimeout
    {
        get;
        init
        {
            if (value is TimeSpan timeout)
                Store.CheckedTimeout(timeout);
            field = value;
        }
    }

    internal bool Allow(in ResourceRequest request)
    {
        long? most = request.Kind == ResourceKind.Memory ? MaximumMemoryBytes : MaximumTableElements;
        return !(request.Desired > most) && (Limiter is null || Limiter(request));
    }
}

// What requests of one tenant may take.
namespace Tarn.AspNetCore;

/// <summary>What the requests of one tenant may take. Where a value is <see langword="null"/>, the engine's limits alone hold.</summary>
public sealed class TenantLimits
{
    /// <summary>Gets or sets how many requests may run at once; one more is answered with 429.</summary>
    public int? Concurrency { get; set; }

    /// <summary>Gets or sets the units of fuel for each request. Requires <see cref="TarnOptions.EnableFuel"/>; not for components.</summary>
    public long? Fuel { get; set; }

    /// <summary>Gets or sets the bytes that each memory of a request may have. Not for components.</summary>
    public long? MemoryBytes { get; set; }

    /// <summary>Gets or sets the time that a guest may take for a request, waiting included.</summary>
    public TimeSpan? Time { get; set; }
}

// What one tenant may take, in each call and over the cluster.
namespace Tarn.Orleans;

/// <summary>What one tenant may take. Where a value is <see langword="null"/>, the engine's limits alone hold.</summary>
public sealed class TenantQuota
{
    /// <summary>Gets or sets how many calls may run at once in the whole cluster.</summary>
    public int? Concurrency { get; set; }

    /// <summary>Gets or sets the units of fuel for each second in the whole cluster; twice as many may be used at once after a pause. Requires <see cref="TarnClusterOptions.EnableFuel"/> and <see cref="FuelPerCall"/>.</summary>
    public long? FuelPerSecond { get; set; }

    /// <summary>Gets or sets the units of fuel for each call. Requires <see cref="TarnClusterOptions.EnableFuel"/>.</summary>
    public long? FuelPerCall { get; set; }

    /// <summary>Gets or sets the bytes that each memory of a guest may have.</summary>
    public long? MemoryBytes { get; set; }

    /// <summary>Gets or sets the time that a guest may take for a call, waiting for other grains included.</summary>
    public TimeSpan CallTime { get; set; } = TimeSpan.FromSeconds(20);

    internal bool IsLeased => Concurrency is not null || FuelPerSecond is not null;

    internal void Validate(string name, bool isFuelEnabled, List<string> errors)
    {
        if ((FuelPerSecond ?? FuelPerCall) is not null && !isFuelEnabled)
            errors.Add($"The tenant \"{name}\" has a limit of fuel, and EnableFuel is off");
        if (FuelPerSecond is not null && FuelPerCall is null)
            errors.Add($"The tenant \"{name}\" has FuelPerSecond and no FuelPerCall, so a call could use any amount");
        if (FuelPerSecond < FuelPerCall / 2)
            errors.Add($"The tenant \"{name}\" has FuelPerCall of more than twice FuelPerSecond, so no call could start");
        if (Concurrency < 1 || FuelPerSecond < 1 || FuelPerCall < 1 || MemoryBytes < 0 || CallTime <= TimeSpan.Zero || CallTime.TotalDays > 24)
            errors.Add($"The quota of the tenant \"{name}\" has a value that is not positive or too large");
    }
}

// Bounds of an instance of a component beside those of its store.
namespace Tarn.Components;

/// <summary>Represents the limits of a component's instances.</summary>
public sealed record ComponentOptions
{
    /// <summary>Gets the number of handles that a component instance may hold at the same time; at least 1. The default is 1,048,576.</summary>
    public int Handles { get; init; } = 1 << 20;

    /// <summary>
    /// Gets the number of bytes of the host's memory that the values of one call may take while they pass from a guest to the host, or to another component by way of the host; 0 or more. A list counts 64 bytes for
    /// each element. The default is 268,435,456.
    /// </summary>
    public long ValueBytes { get; init; } = 256 << 20;

    /// <summary>Gets the limits of the store that the core instances live in, or <see langword="null"/> for those of the engine.</summary>
    public StoreLimits? StoreLimits { get; init; }
}

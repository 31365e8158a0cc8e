// Bounds of an instance of a component beside those of its store.
namespace Tarn.Components;

/// <summary>Represents the limits of a component's instances.</summary>
public sealed record ComponentOptions
{
    /// <summary>Gets the number of handles that a component instance may hold at the same time; at least 1. The default is 1,048,576.</summary>
    public int Handles { get; init; } = 1 << 20;

    /// <summary>Gets the limits of the store that the core instances live in, or <see langword="null"/> for those of the engine.</summary>
    public StoreLimits? StoreLimits { get; init; }
}

// One question to a limiter.
namespace Tarn;

/// <summary>A memory, table or heap is to be made, or to grow, or more objects of the host are to be held.</summary>
/// <param name="Kind">Which of them; the sizes are bytes, elements or objects accordingly.</param>
/// <param name="Current">Its size; 0 while its instance is being made.</param>
/// <param name="Desired">The size it is to have.</param>
/// <param name="Maximum">What it may have at most by its type and the engine's limits.</param>
/// <param name="State">The state of the store: <see cref="Store.State"/>.</param>
public readonly record struct ResourceRequest(ResourceKind Kind, long Current, long Desired, long Maximum, object? State);

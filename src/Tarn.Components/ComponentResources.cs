// What an instance of a component takes from a pool.
namespace Tarn.Components;

/// <summary>Describes what one instance of a component takes.</summary>
/// <param name="CoreInstances">Core instances.</param>
/// <param name="Memories">Linear memories.</param>
/// <param name="MemoryPages">The pages of 64 KiB that the largest memory begins with.</param>
/// <param name="Tables">Tables.</param>
/// <param name="TableElements">The elements that the largest table begins with.</param>
public readonly record struct ComponentResources(int CoreInstances, int Memories, long MemoryPages, int Tables, long TableElements);

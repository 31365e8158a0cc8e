// What a heap holds once an instance has been made and before anything of it has run: what constant expressions have made. A pool's slot starts each life from it. Objects lie where they lay, so
// references to them in globals and tables, which are put back as they were, are good.
namespace Tarn.Heaps;

/// <summary>The objects of a heap that has not been collected.</summary>
/// <param name="Young">The nursery's bytes.</param>
/// <param name="Old">Old space's.</param>
internal sealed record HeapImage(byte[] Young, byte[] Old);

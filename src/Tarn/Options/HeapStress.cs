// How hard tests press a heap of managed objects.
namespace Tarn;

/// <summary>What a heap does beyond its duty, for tests.</summary>
internal enum HeapStress
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Collects the nursery at each allocation.</summary>
    Collect,

    /// <summary>Moves all objects at each allocation.</summary>
    Move,

    /// <summary>Moves all objects at each allocation, and verifies the heap before and after.</summary>
    Verify,
}

// What a limiter is asked about.
namespace Tarn;

/// <summary>A resource that guests make grow.</summary>
public enum ResourceKind
{
    /// <summary>A linear memory, in bytes.</summary>
    Memory = 0,

    /// <summary>A table, in elements.</summary>
    Table = 1,

    /// <summary>The objects of the host that guests of the store have been given as <c>externref</c>: their number, including dropped ones, until the store ends.</summary>
    HostReferences = 2,

    /// <summary>The store's heap of managed objects, in bytes: what the nursery takes, and what lives or has not been found to be dead in old space.</summary>
    Heap = 3,
}

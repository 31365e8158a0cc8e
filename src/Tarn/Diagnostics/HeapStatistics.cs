// What a store's heap of managed objects holds and its collector has done. Read when a caller asks; the heap keeps the numbers anyway.
namespace Tarn;

/// <summary>The heap of managed objects of a store, since the store, or the pooled instance's life, began. All zero where no instance needs a heap.</summary>
public readonly record struct HeapStatistics
{
    /// <summary>Bytes that objects take, dead ones included that have not been collected.</summary>
    public long UsedBytes { get; init; }

    /// <summary>Bytes that objects may take.</summary>
    public long MaximumBytes { get; init; }

    /// <summary>Collections, those of everything included.</summary>
    public long Collections { get; init; }

    /// <summary>Collections of everything, not of new objects alone.</summary>
    public long FullCollections { get; init; }

    /// <summary>Bytes of objects that collections have moved.</summary>
    public long BytesMoved { get; init; }

    /// <summary>The time that the longest collection took.</summary>
    public TimeSpan LongestPause { get; init; }
}

// An exception tag (core specification, "Tag instances"): it has an identity and a type, and nothing else.
namespace Tarn.Stores;

/// <param name="typeId">Canonical id of its function type.</param>
/// <param name="valueCount">How many values an exception with the tag has.</param>
internal sealed class TagInstance(int typeId, int valueCount)
{
    public int TypeId { get; } = typeId;

    public int ValueCount { get; } = valueCount;
}

// An exception tag (core specification, "Tag instances"): it has an identity and a type, and nothing else.
namespace Tarn.Stores;

/// <param name="typeId">Canonical id of its function type.</param>
internal sealed class TagInstance(int typeId)
{
    public int TypeId { get; } = typeId;
}

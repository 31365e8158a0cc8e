// An exception that a guest has a reference to: tag and payload, immutable.

namespace Tarn.Stores;

internal sealed class ExceptionObject(TagInstance tag, RawValue[] payload)
{
    /// <summary>What it was thrown with.</summary>
    public TagInstance Tag { get; } = tag;

    /// <summary>Its values, in the order of the tag's type.</summary>
    public RawValue[] Payload { get; } = payload;
}

// A write that its actor has made and that others do not see yet: the field has the new value, others are told the old one.
using Tarn.Scheduling;

namespace Tarn.Runtime.Tests.Scheduling;

/// <summary>A field of the gate, or the depth of a tenure.</summary>
internal readonly record struct Location(int Number, Tenure? Depth);

internal sealed record PendingWrite(Location Location, int OldValue, Tenure? OldTenure)
{
    public long OldNumber(World world) => OldTenure is null ? OldValue : world.Number(OldTenure);
}

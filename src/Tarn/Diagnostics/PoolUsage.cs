// How full one pool is.
namespace Tarn;

/// <summary>The slots of a pool.</summary>
/// <param name="Slots">How many there are.</param>
/// <param name="Free">Those that nothing is bound to.</param>
/// <param name="Warm">Those that are kept ready for the next instance of the module that used them last; they are as good as free.</param>
public readonly record struct PoolUsage(int Slots, int Free, int Warm)
{
    /// <summary>Those of live instances, and those that instances in stores hold.</summary>
    public int InUse => Math.Max(0, Slots - Free - Warm);
}

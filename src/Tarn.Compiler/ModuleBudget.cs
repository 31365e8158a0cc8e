// What the functions of a module may spend together beyond what the bytes of their bodies pay for (ComplexityLimits). Functions are compiled on several threads: the sum is kept
// with an atomic addition, and since only the sum is compared, the verdict on a module does not depend on who came first.
namespace Tarn.Compiler;

/// <summary>Units shared by the functions of one module. Thread-safe.</summary>
internal sealed class ModuleBudget
{
    private long _overdrawn;

    /// <summary>Spends units that a function's own bytes do not pay for; false if the module has none left.</summary>
    public bool TryOverdraw(long units) => Interlocked.Add(ref _overdrawn, units) <= ComplexityLimits.SharedUnits;
}

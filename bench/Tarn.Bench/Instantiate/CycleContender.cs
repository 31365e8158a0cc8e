// One engine in one configuration that does the cycle: instantiate, look up the export, call it once, dispose. Run may be called from several threads at once.
namespace Tarn.Bench.Instantiate;

internal abstract class CycleContender(string name) : IDisposable
{
    public string Name { get; } = name;

    /// <summary>Loads the module of a case; whatever was loaded before is let go.</summary>
    public abstract void Load(InstantiateCase instantiateCase);

    /// <summary>Does so many cycles and returns the sum of what the calls returned.</summary>
    public abstract long Run(int cycles);

    public abstract void Dispose();
}

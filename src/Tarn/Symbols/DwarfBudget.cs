// How many steps reading debug information may take. References can lead anywhere and tables be shared, so that a small file could keep a reader busy for hours.
namespace Tarn.Symbols;

internal sealed class DwarfBudget(long steps)
{
    /// <summary>Steps that are left.</summary>
    public long Left { get; private set; } = steps;

    /// <summary>Takes steps.</summary>
    /// <exception cref="DwarfException">There are not as many left.</exception>
    public void Spend(int steps)
    {
        Left -= steps;
        if (Left < 0)
            throw new DwarfException();
    }
}

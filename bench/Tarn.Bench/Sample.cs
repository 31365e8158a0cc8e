// The samples of one contender on one case, and what is reported of them. The median is robust against the machine's noise; the spread (half the distance
// between the quartiles over the median) says how much to believe it.
namespace Tarn.Bench;

internal sealed class Sample
{
    private readonly List<double> _values = [];

    public void Add(double value) => _values.Add(value);

    public double Median => Quantile(0.5);

    public double Least => _values.Min();

    /// <summary>Half the interquartile range over the median: 0.02 reads as ± 2 %.</summary>
    public double Spread => (Quantile(0.75) - Quantile(0.25)) / 2 / Median;

    private double Quantile(double share)
    {
        double[] sorted = [.. _values];
        Array.Sort(sorted);
        double at = share * (sorted.Length - 1);
        int below = (int)at;
        int above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }
}

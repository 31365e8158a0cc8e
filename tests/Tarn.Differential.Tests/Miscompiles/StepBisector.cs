// Finds the step of the optimiser with which something goes wrong, by compiling with fewer and fewer of them (OptimizationLimit).
using Tarn.Compiler.Optimize;

namespace Tarn.Differential.Tests.Miscompiles;

/// <summary>A bisection over the optimiser's steps.</summary>
internal static class StepBisector
{
    /// <summary>Finds the first step with which something goes wrong.</summary>
    /// <param name="isRight">Compiles with a limit, on one thread and in the same order each time, and says whether all is well.</param>
    /// <returns>The number of the step and what it is; 0 where it goes wrong without any, −1 where it does not go wrong.</returns>
    public static (long Step, string What) Find(Func<OptimizationLimit, bool> isRight)
    {
        var all = new OptimizationLimit(long.MaxValue);
        if (isRight(all))
        {
            return (-1, "nothing goes wrong");
        }

        if (!isRight(new OptimizationLimit(0)))
        {
            return (0, "it goes wrong without the optimiser: look at the translation, at lowering and at the register allocator");
        }

        // Right with `low` steps, wrong with `high`.
        long low = 0, high = all.Steps;
        while (high - low > 1)
        {
            long middle = low + ((high - low) / 2);
            if (isRight(new OptimizationLimit(middle)))
            {
                low = middle;
            }
            else
            {
                high = middle;
            }
        }

        var found = new OptimizationLimit(high);
        isRight(found);
        return (high, found.Last);
    }
}

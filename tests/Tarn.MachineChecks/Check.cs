// Assertions without a test framework, since these checks also run in a NativeAOT program.
using System.Runtime.CompilerServices;

namespace Tarn.MachineChecks;

internal sealed class CheckFailedException(string message) : Exception(message);

internal static class Check
{
    public static void True(bool condition, [CallerArgumentExpression(nameof(condition))] string? what = null)
    {
        if (!condition)
            throw new CheckFailedException($"not true: {what}");
    }

    public static void Equal<T>(T expected, T actual, [CallerArgumentExpression(nameof(actual))] string? what = null)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
            throw new CheckFailedException($"{what}: expected {expected}, found {actual}");
    }

    public static TException Throws<TException>(Action action)
        where TException : Exception
    {
        try
        {
            action();
        }
        catch (TException expected)
        {
            return expected;
        }

        throw new CheckFailedException($"{typeof(TException).Name} was not thrown");
    }
}

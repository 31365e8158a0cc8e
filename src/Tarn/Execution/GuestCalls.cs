// Why: how typed arguments become what the canonical calls in GuestCalls.g.cs take, and how a result becomes a type again. Everything
// folds away: each type argument selects one branch when the JIT compiles.
using System.Runtime.CompilerServices;

namespace Tarn.Execution;

internal static unsafe partial class GuestCalls
{
    /// <summary>The type can be an argument or the result of a typed call. The methods below are for such types only; where the test is false they are not reached.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsSupported<T>() =>
        typeof(T) == typeof(int) || typeof(T) == typeof(uint) || typeof(T) == typeof(long) || typeof(T) == typeof(ulong) || typeof(T) == typeof(nint)
        || typeof(T) == typeof(float) || typeof(T) == typeof(double);

    /// <summary>The result of a call as a type.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Result<T>(RawResult result)
    {
        if (typeof(T) == typeof(float))
        {
            float single = result.Single;
            return Unsafe.As<float, T>(ref single);
        }

        if (typeof(T) == typeof(double))
        {
            double vector = result.Vector;
            return Unsafe.As<double, T>(ref vector);
        }

        if (typeof(T) == typeof(int) || typeof(T) == typeof(uint))
        {
            int low = (int)result.Integer;
            return Unsafe.As<int, T>(ref low);
        }

        long integer = result.Integer;
        return Unsafe.As<long, T>(ref integer);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Integer<T>(T value)
    {
        if (typeof(T) == typeof(int) || typeof(T) == typeof(uint))
        {
            return Unsafe.As<T, uint>(ref value);
        }

        return Unsafe.As<T, long>(ref value);
    }

    // An f32 is the low half of the register, whatever the rest.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Vector<T>(T value)
    {
        if (typeof(T) == typeof(float))
        {
            return BitConverter.UInt64BitsToDouble(Unsafe.As<T, uint>(ref value));
        }

        return Unsafe.As<T, double>(ref value);
    }
}

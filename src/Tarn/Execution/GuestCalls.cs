// Why: how typed arguments become what the canonical calls in GuestCalls.g.cs take, and how a result becomes a type again. Everything
// folds away: each type argument selects one branch when the JIT compiles.
using System.Runtime.CompilerServices;

namespace Tarn.Execution;

internal static unsafe partial class GuestCalls
{
    /// <summary>The type can be an argument or the result of a typed call.</summary>
    public static bool IsSupported<T>() =>
        typeof(T) == typeof(int) || typeof(T) == typeof(uint) || typeof(T) == typeof(long) || typeof(T) == typeof(ulong) || typeof(T) == typeof(nint)
        || typeof(T) == typeof(float) || typeof(T) == typeof(double);

    /// <summary>The result of a call as a type.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Result<T>(RawResult result)
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
        {
            return Unsafe.BitCast<float, T>(result.Single);
        }

        if (typeof(T) == typeof(double))
        {
            return Unsafe.BitCast<double, T>(result.Vector);
        }

        if (typeof(T) == typeof(int) || typeof(T) == typeof(uint))
        {
            return Unsafe.BitCast<int, T>((int)result.Integer);
        }

        return Unsafe.BitCast<long, T>(result.Integer);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Integer<T>(T value)
        where T : unmanaged
    {
        if (typeof(T) == typeof(int) || typeof(T) == typeof(uint))
        {
            return Unsafe.BitCast<T, uint>(value);
        }

        return Unsafe.BitCast<T, long>(value);
    }

    // An f32 is the low half of the register, whatever the rest.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Vector<T>(T value)
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
        {
            return BitConverter.UInt64BitsToDouble(Unsafe.BitCast<T, uint>(value));
        }

        return Unsafe.BitCast<T, double>(value);
    }
}

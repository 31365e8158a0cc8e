// Why: the floating-point operations that C# does not have as WebAssembly wants them: NaNs of minimum and maximum, rounding that quiets NaNs, saturating conversions, unsigned 64-bit integers
// rounded once.
using System.Numerics;

namespace Tarn.Execution.Portable;

internal static class FloatOperations
{
    /// <summary>The smaller one; NaN if either is, −0 below +0.</summary>
    public static T Min<T>(T a, T b)
        where T : IFloatingPointIeee754<T> => T.IsNaN(a) || T.IsNaN(b) ? a + b : T.Min(a, b);

    /// <summary>The larger one; NaN if either is, +0 above −0.</summary>
    public static T Max<T>(T a, T b)
        where T : IFloatingPointIeee754<T> => T.IsNaN(a) || T.IsNaN(b) ? a + b : T.Max(a, b);

    public static T Ceiling<T>(T a)
        where T : IFloatingPointIeee754<T> => T.IsNaN(a) ? a + a : T.Ceiling(a);

    public static T Floor<T>(T a)
        where T : IFloatingPointIeee754<T> => T.IsNaN(a) ? a + a : T.Floor(a);

    public static T Truncate<T>(T a)
        where T : IFloatingPointIeee754<T> => T.IsNaN(a) ? a + a : T.Truncate(a);

    public static T Nearest<T>(T a)
        where T : IFloatingPointIeee754<T> => T.IsNaN(a) ? a + a : T.Round(a, MidpointRounding.ToEven);

    public static int ToSigned32(double a) => double.IsNaN(a) ? 0 : a <= int.MinValue ? int.MinValue : a >= int.MaxValue ? int.MaxValue : (int)a;

    public static uint ToUnsigned32(double a) => !(a > 0) ? 0 : a >= uint.MaxValue ? uint.MaxValue : (uint)a;

    public static long ToSigned64(double a) => double.IsNaN(a) ? 0 : a <= long.MinValue ? long.MinValue : a >= 9223372036854775808d ? long.MaxValue : (long)a;

    public static ulong ToUnsigned64(double a) => !(a > 0) ? 0 : a >= 18446744073709551616d ? ulong.MaxValue : ToUnsigned(a);

    public static float ToF32(int a) => a;

    public static float ToF32(uint a) => (long)a;

    public static float ToF32(long a) => a;

    // With the lowest bit kept for rounding.
    public static float ToF32(ulong a) => (long)a >= 0 ? (long)a : 2 * (float)(long)((a >> 1) | (a & 1));

    public static double ToF64(int a) => a;

    public static double ToF64(uint a) => a;

    public static double ToF64(long a) => a;

    public static double ToF64(ulong a) => (long)a >= 0 ? (long)a : 2 * (double)(long)((a >> 1) | (a & 1));

    /// <summary>Truncates what is known to be within 0 and 2^64.</summary>
    public static ulong ToUnsigned(double a) => a < 9223372036854775808d ? (ulong)(long)a : (ulong)(long)(a - 9223372036854775808d) + (1UL << 63);
}

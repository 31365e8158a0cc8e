// Why: the floating-point operations that C# does not have as WebAssembly wants them: NaNs of minimum and maximum, rounding that quiets NaNs, saturating conversions, unsigned 64-bit integers
// rounded once.
namespace Tarn.Execution.Portable;

internal static class FloatOperations
{
    /// <summary>The smaller one; NaN if either is, −0 below +0.</summary>
    public static float Min(float a, float b) => IsNaN(a) ? a + b : IsNaN(b) ? a + b : MathF.Min(a, b);

    /// <inheritdoc cref="Min(float, float)"/>
    public static double Min(double a, double b) => IsNaN(a) ? a + b : IsNaN(b) ? a + b : Math.Min(a, b);

    /// <summary>The larger one; NaN if either is, +0 above −0.</summary>
    public static float Max(float a, float b) => IsNaN(a) ? a + b : IsNaN(b) ? a + b : MathF.Max(a, b);

    /// <inheritdoc cref="Max(float, float)"/>
    public static double Max(double a, double b) => IsNaN(a) ? a + b : IsNaN(b) ? a + b : Math.Max(a, b);

    public static float Ceiling(float a) => IsNaN(a) ? a + a : MathF.Ceiling(a);

    public static double Ceiling(double a) => IsNaN(a) ? a + a : Math.Ceiling(a);

    public static float Floor(float a) => IsNaN(a) ? a + a : MathF.Floor(a);

    public static double Floor(double a) => IsNaN(a) ? a + a : Math.Floor(a);

    public static float Truncate(float a) => IsNaN(a) ? a + a : MathF.Truncate(a);

    public static double Truncate(double a) => IsNaN(a) ? a + a : Math.Truncate(a);

    public static float Nearest(float a) => IsNaN(a) ? a + a : MathF.Round(a, MidpointRounding.ToEven);

    public static double Nearest(double a) => IsNaN(a) ? a + a : Math.Round(a, MidpointRounding.ToEven);

    public static int ToSigned32(double a) => IsNaN(a) ? 0 : a <= int.MinValue ? int.MinValue : a >= int.MaxValue ? int.MaxValue : (int)a;

    public static uint ToUnsigned32(double a) => !(a > 0) ? 0 : a >= uint.MaxValue ? uint.MaxValue : (uint)a;

    public static long ToSigned64(double a) => IsNaN(a) ? 0 : a <= long.MinValue ? long.MinValue : a >= 9223372036854775808d ? long.MaxValue : (long)a;

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

    private static bool IsNaN(double a) => double.IsNaN(a);

    /// <summary>Truncates what is known to be within 0 and 2^64.</summary>
    public static ulong ToUnsigned(double a) => a < 9223372036854775808d ? (ulong)(long)a : (ulong)(long)(a - 9223372036854775808d) + (1UL << 63);
}

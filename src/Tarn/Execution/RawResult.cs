// Why: both registers in which a guest function's single result can arrive, so that one return type serves every signature. Two eightbytes,
// one of class INTEGER and one of class SSE: the C convention of x86-64 returns them in rax and xmm0, which is where
// the guest's convention has them; arm64's would need a stub that stores both.
using System.Runtime.InteropServices;

namespace Tarn.Execution;

[StructLayout(LayoutKind.Sequential)]
internal readonly struct RawResult(long integer, double vector)
{
    /// <summary>i32 (zero-extended), i64 or a reference.</summary>
    public readonly long Integer = integer;

    /// <summary>f64, or f32 in the low half of the bits.</summary>
    public readonly double Vector = vector;

    public float Single => BitConverter.Int32BitsToSingle((int)BitConverter.DoubleToInt64Bits(Vector));
}

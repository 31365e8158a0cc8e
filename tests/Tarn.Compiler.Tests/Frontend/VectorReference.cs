// What the IR's vector operations mean, lane by lane and slowly, for the interpreter. Shares nothing with the compiler's folder. Relaxed operations do what their deterministic counterparts do.
using System.Numerics;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Tests.Frontend;

internal static class VectorReference
{
    /// <summary>The result of an operation; scalars are in the low bits. Shuffles have their lanes in <paramref name="c"/>.</summary>
    public static UInt128 Evaluate(in IrInstruction i, UInt128 a, UInt128 b, UInt128 c)
    {
        var bits = i.Shape.LaneBits();
        switch (i.Opcode)
        {
            case IrOpcode.VectorShuffle:
                return Lanes(8, k => { var from = (int)Lane(c, 8, k); return Lane(from < 16 ? a : b, 8, from % 16); });
            case IrOpcode.VectorSwizzle or IrOpcode.VectorSwizzleRelaxed:
                return Lanes(8, k => Lane(b, 8, k) < 16 ? Lane(a, 8, (int)Lane(b, 8, k)) : 0);
            case IrOpcode.VectorSplat:
                return Lanes(bits, _ => (ulong)a);
            case IrOpcode.VectorExtract:
                return Lane(a, bits, i.D);
            case IrOpcode.VectorExtractSigned:
                return (uint)Signed(a, bits, i.D);
            case IrOpcode.VectorReplace:
                var lane = i.D;
                return Lanes(bits, k => k == lane ? (ulong)b : Lane(a, bits, k));
            case IrOpcode.VectorNot: return ~a;
            case IrOpcode.VectorAnd: return a & b;
            case IrOpcode.VectorAndNot: return a & ~b;
            case IrOpcode.VectorOr: return a | b;
            case IrOpcode.VectorXor: return a ^ b;
            case IrOpcode.VectorSelect or IrOpcode.VectorSelectRelaxed: return (a & c) | (b & ~c);
            case IrOpcode.VectorAnyTrue: return a == 0 ? 0u : 1u;
            case IrOpcode.VectorAllTrue:
                return Enumerable.Range(0, 128 / bits).All(k => Lane(a, bits, k) != 0) ? 1u : 0u;
            case IrOpcode.VectorBitMask:
                return (uint)Enumerable.Range(0, 128 / bits).Sum(k => Signed(a, bits, k) < 0 ? 1 << k : 0);
            case IrOpcode.VectorCompare:
                var condition = i.VectorCondition;
                return Lanes(bits, k => Holds(condition, a, b, bits, k) ? ulong.MaxValue : 0);
            case IrOpcode.VectorDot:
                return Lanes(32, k => (ulong)((Signed(a, 16, 2 * k) * Signed(b, 16, 2 * k)) + (Signed(a, 16, 2 * k + 1) * Signed(b, 16, 2 * k + 1))));
            case IrOpcode.VectorDotRelaxed:
                return Dot(a, b);
            case IrOpcode.VectorDotAddRelaxed:
                var dot = Dot(a, b);
                return Lanes(32, k => (ulong)(Signed(dot, 16, 2 * k) + Signed(dot, 16, 2 * k + 1) + Signed(c, 32, k)));
            case IrOpcode.VectorNarrowSigned or IrOpcode.VectorNarrowUnsigned:
                var count = 64 / bits;
                var (low, high) = i.Opcode == IrOpcode.VectorNarrowSigned ? (-1L << (bits - 1), (1L << (bits - 1)) - 1) : (0, (1L << bits) - 1);
                return Lanes(bits, k => (ulong)Math.Clamp(Signed(k < count ? a : b, 2 * bits, k % count), low, high));
            case IrOpcode.VectorDemote:
                return Lanes(32, k => k < 2 ? BitConverter.SingleToUInt32Bits((float)Float(a, 64, k)) : 0);
            case IrOpcode.VectorPromote:
                return Lanes(64, k => BitConverter.DoubleToUInt64Bits(BitConverter.UInt32BitsToSingle((uint)Lane(a, 32, k))));
        }

        if (i.Opcode is >= IrOpcode.VectorMulLowSigned and <= IrOpcode.VectorAddPairsUnsigned or (>= IrOpcode.VectorExtendLowSigned and <= IrOpcode.VectorExtendHighUnsigned))
        {
            return Widen(i.Opcode, bits, a, b);
        }

        if (i.Opcode >= IrOpcode.VectorFloatAdd || i.Opcode == IrOpcode.VectorFloatCompare)
        {
            return VectorFloatReference.Evaluate(in i, a, b, c);
        }

        var opcode = i.Opcode;
        var shift = (int)((uint)b & (uint)(bits - 1));
        return Lanes(bits, k => Integer(opcode, bits, Signed(a, bits, k), Signed(b, bits, k), shift));
    }

    public static ulong Lane(UInt128 value, int bits, int lane) => (ulong)(value >> (bits * lane)) & (ulong.MaxValue >> (64 - bits));

    public static UInt128 Lanes(int bits, Func<int, ulong> lane)
    {
        UInt128 result = 0;
        for (var k = 0; k < 128 / bits; k++)
        {
            result |= (UInt128)(lane(k) & (ulong.MaxValue >> (64 - bits))) << (bits * k);
        }

        return result;
    }

    public static double Float(UInt128 value, int bits, int lane)
        => bits == 32 ? BitConverter.UInt32BitsToSingle((uint)Lane(value, 32, lane)) : BitConverter.UInt64BitsToDouble(Lane(value, 64, lane));

    private static long Signed(UInt128 value, int bits, int lane)
    {
        var unsigned = Lane(value, bits, lane);
        return bits == 64 ? (long)unsigned : unsigned >= 1UL << (bits - 1) ? (long)unsigned - (1L << bits) : (long)unsigned;
    }

    private static UInt128 Dot(UInt128 a, UInt128 b)
        => Lanes(16, k => (ulong)((Signed(a, 8, 2 * k) * Signed(b, 8, 2 * k)) + (Signed(a, 8, 2 * k + 1) * Signed(b, 8, 2 * k + 1))));

    private static bool Holds(IntegerCondition condition, UInt128 a, UInt128 b, int bits, int k)
    {
        var signed = Signed(a, bits, k).CompareTo(Signed(b, bits, k));
        var unsigned = Lane(a, bits, k).CompareTo(Lane(b, bits, k));
        return condition switch
        {
            IntegerCondition.Equal => signed == 0,
            IntegerCondition.NotEqual => signed != 0,
            IntegerCondition.LessSigned => signed < 0,
            IntegerCondition.GreaterEqualSigned => signed >= 0,
            IntegerCondition.LessEqualSigned => signed <= 0,
            IntegerCondition.GreaterSigned => signed > 0,
            IntegerCondition.LessUnsigned => unsigned < 0,
            IntegerCondition.GreaterEqualUnsigned => unsigned >= 0,
            IntegerCondition.LessEqualUnsigned => unsigned <= 0,
            _ => unsigned > 0,
        };
    }

    private static UInt128 Widen(IrOpcode opcode, int bits, UInt128 a, UInt128 b)
    {
        var half = bits / 2;
        var name = opcode.ToString();
        var signed = name.EndsWith("Signed", StringComparison.Ordinal);
        var first = name.Contains("High", StringComparison.Ordinal) ? 128 / bits : 0;
        long Get(UInt128 value, int k) => signed ? Signed(value, half, k) : (long)Lane(value, half, k);
        return Lanes(bits, k => (ulong)(opcode switch
        {
            IrOpcode.VectorAddPairsSigned or IrOpcode.VectorAddPairsUnsigned => Get(a, 2 * k) + Get(a, 2 * k + 1),
            >= IrOpcode.VectorExtendLowSigned => Get(a, first + k),
            _ => Get(a, first + k) * Get(b, first + k),
        }));
    }

    private static ulong Integer(IrOpcode opcode, int bits, long a, long b, int shift)
    {
        var mask = ulong.MaxValue >> (64 - bits);
        BigInteger x = a, y = b, ux = (ulong)a & mask, uy = (ulong)b & mask;
        BigInteger least = -(BigInteger.One << (bits - 1)), most = (BigInteger.One << (bits - 1)) - 1, all = mask;
        var result = opcode switch
        {
            IrOpcode.VectorNeg => -x,
            IrOpcode.VectorAbs => BigInteger.Abs(x),
            IrOpcode.VectorPopulationCount => BitOperations.PopCount((ulong)ux),
            IrOpcode.VectorAdd => x + y,
            IrOpcode.VectorSub => x - y,
            IrOpcode.VectorMul => x * y,
            IrOpcode.VectorAddSaturateSigned => BigInteger.Max(least, BigInteger.Min(most, x + y)),
            IrOpcode.VectorAddSaturateUnsigned => BigInteger.Min(all, ux + uy),
            IrOpcode.VectorSubSaturateSigned => BigInteger.Max(least, BigInteger.Min(most, x - y)),
            IrOpcode.VectorSubSaturateUnsigned => BigInteger.Max(0, ux - uy),
            IrOpcode.VectorMinSigned => BigInteger.Min(x, y),
            IrOpcode.VectorMinUnsigned => BigInteger.Min(ux, uy),
            IrOpcode.VectorMaxSigned => BigInteger.Max(x, y),
            IrOpcode.VectorMaxUnsigned => BigInteger.Max(ux, uy),
            IrOpcode.VectorAverage => (ux + uy + 1) / 2,
            IrOpcode.VectorShiftLeft => x << shift,
            IrOpcode.VectorShiftRightSigned => x >> shift,
            IrOpcode.VectorShiftRightUnsigned => ux >> shift,
            IrOpcode.VectorMulRound or IrOpcode.VectorMulRoundRelaxed => BigInteger.Min(most, ((x * y) + 0x4000) >> 15),
            _ => throw new NotSupportedException(opcode.ToString()),
        };
        return (ulong)(result & ulong.MaxValue);
    }
}

// Why: the integer operations on vectors whose result is a vector, by shape. The shape is the result's where lanes change their width.
using System.Numerics;
using System.Runtime.Intrinsics;
using Tarn.Compiler.IR;

namespace Tarn.Execution.Portable;

internal static class VectorIntegers
{
    public static Vector128<byte> Apply(IrOpcode opcode, Vector128<byte> a, Vector128<byte> b, VectorShape shape)
    {
        switch (opcode)
        {
            case IrOpcode.VectorMulRound:
            case IrOpcode.VectorMulRoundRelaxed:
                return MulRound(a.AsInt16(), b.AsInt16()).AsByte();
            case IrOpcode.VectorDot:
                return Dot(a.AsInt16(), b.AsInt16()).AsByte();
            case IrOpcode.VectorDotRelaxed:
                return DotBytes(a.AsSByte(), b.AsSByte()).AsByte();
            case IrOpcode.VectorPopulationCount:
                return PopulationCount(a);
            case IrOpcode.VectorNarrowSigned:
                return shape == VectorShape.I8x16 ? Vector128.NarrowWithSaturation(a.AsInt16(), b.AsInt16()).AsByte() : Vector128.NarrowWithSaturation(a.AsInt32(), b.AsInt32()).AsByte();
            case IrOpcode.VectorNarrowUnsigned:
                return shape == VectorShape.I8x16 ? NarrowUnsigned(a.AsInt16(), b.AsInt16()) : NarrowUnsigned(a.AsInt32(), b.AsInt32()).AsByte();
            case >= IrOpcode.VectorMulLowSigned and <= IrOpcode.VectorMulHighUnsigned:
            case IrOpcode.VectorAddPairsSigned or IrOpcode.VectorAddPairsUnsigned:
            case >= IrOpcode.VectorExtendLowSigned and <= IrOpcode.VectorExtendHighUnsigned:
                return Widening(opcode, a, b, shape);
            default:
                return shape switch
                {
                    VectorShape.I8x16 => Lanes<sbyte, byte>(opcode, a.AsSByte(), b.AsSByte(), a, b),
                    VectorShape.I16x8 => Lanes<short, ushort>(opcode, a.AsInt16(), b.AsInt16(), a.AsUInt16(), b.AsUInt16()),
                    VectorShape.I32x4 => Lanes<int, uint>(opcode, a.AsInt32(), b.AsInt32(), a.AsUInt32(), b.AsUInt32()),
                    _ => Lanes<long, ulong>(opcode, a.AsInt64(), b.AsInt64(), a.AsUInt64(), b.AsUInt64()),
                };
        }
    }

    private static Vector128<byte> Lanes<TSigned, TUnsigned>(IrOpcode opcode, Vector128<TSigned> a, Vector128<TSigned> b, Vector128<TUnsigned> ua, Vector128<TUnsigned> ub)
        where TSigned : struct, IBinaryInteger<TSigned>
        where TUnsigned : struct, IBinaryInteger<TUnsigned>
        => opcode switch
        {
            IrOpcode.VectorNeg => (-a).AsByte(),
            IrOpcode.VectorAbs => Vector128.ConditionalSelect(Vector128.LessThan(a, Vector128<TSigned>.Zero), -a, a).AsByte(),
            IrOpcode.VectorAdd => (a + b).AsByte(),
            IrOpcode.VectorSub => (a - b).AsByte(),
            IrOpcode.VectorMul => (a * b).AsByte(),
            IrOpcode.VectorAddSaturateSigned => Vector128.AddSaturate(a, b).AsByte(),
            IrOpcode.VectorAddSaturateUnsigned => Vector128.AddSaturate(ua, ub).AsByte(),
            IrOpcode.VectorSubSaturateSigned => Vector128.SubtractSaturate(a, b).AsByte(),
            IrOpcode.VectorSubSaturateUnsigned => Vector128.SubtractSaturate(ua, ub).AsByte(),
            IrOpcode.VectorMinSigned => Vector128.Min(a, b).AsByte(),
            IrOpcode.VectorMinUnsigned => Vector128.Min(ua, ub).AsByte(),
            IrOpcode.VectorMaxSigned => Vector128.Max(a, b).AsByte(),
            IrOpcode.VectorMaxUnsigned => Vector128.Max(ua, ub).AsByte(),
            // Without a carry: what both have, half of what one has, and the bit that is rounded up.
            IrOpcode.VectorAverage => ((ua | ub) - ((ua ^ ub) >>> 1)).AsByte(),
            _ => throw new NotSupportedException($"The interpreter does not know the vector operation {opcode}."),
        };

    private static Vector128<byte> PopulationCount(Vector128<byte> a)
    {
        Vector128<byte> pairs = a - ((a >>> 1) & Vector128.Create((byte)0x55));
        Vector128<byte> fours = (pairs & Vector128.Create((byte)0x33)) + ((pairs >>> 2) & Vector128.Create((byte)0x33));
        return (fours + (fours >>> 4)) & Vector128.Create((byte)0x0F);
    }

    private static Vector128<short> MulRound(Vector128<short> a, Vector128<short> b)
    {
        Vector128<int> half = Vector128.Create(0x4000);
        Vector128<int> low = ((Vector128.WidenLower(a) * Vector128.WidenLower(b)) + half) >> 15;
        Vector128<int> high = ((Vector128.WidenUpper(a) * Vector128.WidenUpper(b)) + half) >> 15;
        return Vector128.NarrowWithSaturation(low, high);
    }

    private static Vector128<int> Dot(Vector128<short> a, Vector128<short> b)
    {
        Vector128<int> result = default;
        for (int i = 0; i < 4; i++)
            result = result.WithElement(i, (a.GetElement(2 * i) * b.GetElement(2 * i)) + (a.GetElement((2 * i) + 1) * b.GetElement((2 * i) + 1)));
        return result;
    }

    private static Vector128<short> DotBytes(Vector128<sbyte> a, Vector128<sbyte> b)
    {
        Vector128<short> result = default;
        for (int i = 0; i < 8; i++)
        {
            int sum = (a.GetElement(2 * i) * b.GetElement(2 * i)) + (a.GetElement((2 * i) + 1) * b.GetElement((2 * i) + 1));
            result = result.WithElement(i, (short)Math.Clamp(sum, short.MinValue, short.MaxValue));
        }
        return result;
    }

    private static Vector128<byte> NarrowUnsigned(Vector128<short> a, Vector128<short> b)
    {
        Vector128<short> most = Vector128.Create((short)byte.MaxValue);
        return Vector128.Narrow(Vector128.Clamp(a, Vector128<short>.Zero, most).AsUInt16(), Vector128.Clamp(b, Vector128<short>.Zero, most).AsUInt16());
    }

    private static Vector128<ushort> NarrowUnsigned(Vector128<int> a, Vector128<int> b)
    {
        Vector128<int> most = Vector128.Create((int)ushort.MaxValue);
        return Vector128.Narrow(Vector128.Clamp(a, Vector128<int>.Zero, most).AsUInt32(), Vector128.Clamp(b, Vector128<int>.Zero, most).AsUInt32());
    }

    private static Vector128<byte> Widening(IrOpcode opcode, Vector128<byte> a, Vector128<byte> b, VectorShape shape)
    {
        bool isSigned = opcode is IrOpcode.VectorMulLowSigned or IrOpcode.VectorMulHighSigned or IrOpcode.VectorAddPairsSigned or IrOpcode.VectorExtendLowSigned or IrOpcode.VectorExtendHighSigned;
        switch (opcode)
        {
            case IrOpcode.VectorAddPairsSigned or IrOpcode.VectorAddPairsUnsigned:
                return AddPairs(a, shape, isSigned);
            case IrOpcode.VectorExtendLowSigned or IrOpcode.VectorExtendLowUnsigned:
                return Extend(a, shape, isSigned, isHigh: false);
            case IrOpcode.VectorExtendHighSigned or IrOpcode.VectorExtendHighUnsigned:
                return Extend(a, shape, isSigned, isHigh: true);
            default:
                bool isHigh = opcode is IrOpcode.VectorMulHighSigned or IrOpcode.VectorMulHighUnsigned;
                Vector128<byte> left = Extend(a, shape, isSigned, isHigh);
                Vector128<byte> right = Extend(b, shape, isSigned, isHigh);
                // The low half of a product of extended factors is the full product.
                return shape switch
                {
                    VectorShape.I16x8 => (left.AsInt16() * right.AsInt16()).AsByte(),
                    VectorShape.I32x4 => (left.AsInt32() * right.AsInt32()).AsByte(),
                    _ => (left.AsInt64() * right.AsInt64()).AsByte(),
                };
        }
    }

    private static Vector128<byte> Extend(Vector128<byte> a, VectorShape shape, bool isSigned, bool isHigh) => shape switch
    {
        VectorShape.I16x8 => isSigned
            ? (isHigh ? Vector128.WidenUpper(a.AsSByte()) : Vector128.WidenLower(a.AsSByte())).AsByte()
            : (isHigh ? Vector128.WidenUpper(a) : Vector128.WidenLower(a)).AsByte(),
        VectorShape.I32x4 => isSigned
            ? (isHigh ? Vector128.WidenUpper(a.AsInt16()) : Vector128.WidenLower(a.AsInt16())).AsByte()
            : (isHigh ? Vector128.WidenUpper(a.AsUInt16()) : Vector128.WidenLower(a.AsUInt16())).AsByte(),
        _ => isSigned
            ? (isHigh ? Vector128.WidenUpper(a.AsInt32()) : Vector128.WidenLower(a.AsInt32())).AsByte()
            : (isHigh ? Vector128.WidenUpper(a.AsUInt32()) : Vector128.WidenLower(a.AsUInt32())).AsByte(),
    };

    // The even lanes and the odd ones, each extended in its place.
    private static Vector128<byte> AddPairs(Vector128<byte> a, VectorShape shape, bool isSigned)
    {
        if (shape == VectorShape.I16x8)
        {
            return isSigned
                ? (((a.AsInt16() << 8) >> 8) + (a.AsInt16() >> 8)).AsByte()
                : ((a.AsUInt16() & Vector128.Create((ushort)0xFF)) + (a.AsUInt16() >>> 8)).AsByte();
        }
        return isSigned
            ? (((a.AsInt32() << 16) >> 16) + (a.AsInt32() >> 16)).AsByte()
            : ((a.AsUInt32() & Vector128.Create(0xFFFFu)) + (a.AsUInt32() >>> 16)).AsByte();
    }
}

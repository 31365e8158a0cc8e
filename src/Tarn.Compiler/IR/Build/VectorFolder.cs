// Folds vector operations on constants: those on bits and integers whose result WebAssembly defines. Floating-point arithmetic is left to the machine, and so
// is whatever a relaxed operation may choose.
using System.Numerics;

namespace Tarn.Compiler.IR.Build;

/// <summary>Evaluates vector operations at compile time.</summary>
internal static class VectorFolder
{
    /// <summary>Folds an operation; operands and result are vectors, or scalars in the low bits. Shuffles take the lanes as <paramref name="c"/>.</summary>
    public static bool TryFold(IrOpcode opcode, VectorShape shape, int condition, int lane, UInt128 a, UInt128 b, UInt128 c, out UInt128 result)
    {
        var bits = shape.LaneBits();
        result = 0;
        switch (opcode)
        {
            case IrOpcode.VectorNot: result = ~a; return true;
            case IrOpcode.VectorAnd: result = a & b; return true;
            case IrOpcode.VectorAndNot: result = a & ~b; return true;
            case IrOpcode.VectorOr: result = a | b; return true;
            case IrOpcode.VectorXor: result = a ^ b; return true;
            case IrOpcode.VectorSelect: result = (a & c) | (b & ~c); return true;
            case IrOpcode.VectorAnyTrue: result = a != 0 ? 1u : 0u; return true;
            case IrOpcode.VectorSplat: result = VectorLanes.Splat((ulong)a, bits); return true;
            case IrOpcode.VectorExtract: result = VectorLanes.Lane(a, bits, lane); return true;
            case IrOpcode.VectorExtractSigned: result = (uint)VectorLanes.SignedLane(a, bits, lane); return true;
            case IrOpcode.VectorReplace:
                result = (a & ~VectorLanes.Place(ulong.MaxValue, bits, lane)) | VectorLanes.Place((ulong)b, bits, lane);
                return true;
            case IrOpcode.VectorShuffle:
                for (var k = 0; k < 16; k++)
                {
                    var from = VectorLanes.Byte(c, k);
                    result |= VectorLanes.Place((ulong)VectorLanes.Byte(from < 16 ? a : b, from & 15), 8, k);
                }

                return true;
            case IrOpcode.VectorSwizzle:
                for (var k = 0; k < 16; k++)
                {
                    var from = VectorLanes.Byte(b, k);
                    result |= VectorLanes.Place(from < 16 ? (ulong)VectorLanes.Byte(a, from) : 0, 8, k);
                }

                return true;
            case IrOpcode.VectorAllTrue:
                result = 1;
                for (var k = 0; k < 128 / bits; k++)
                {
                    result = VectorLanes.Lane(a, bits, k) == 0 ? 0 : result;
                }

                return true;
            case IrOpcode.VectorBitMask:
                for (var k = 0; k < 128 / bits; k++)
                {
                    result |= VectorLanes.SignedLane(a, bits, k) < 0 ? (UInt128)1 << k : 0;
                }

                return true;
            case >= IrOpcode.VectorExtendLowSigned and <= IrOpcode.VectorExtendHighUnsigned:
                {
                    var half = bits / 2;
                    var first = opcode >= IrOpcode.VectorExtendHighSigned ? 128 / bits : 0;
                    var signed = opcode is IrOpcode.VectorExtendLowSigned or IrOpcode.VectorExtendHighSigned;
                    for (var k = 0; k < 128 / bits; k++)
                    {
                        var value = signed ? (ulong)VectorLanes.SignedLane(a, half, first + k) : VectorLanes.Lane(a, half, first + k);
                        result |= VectorLanes.Place(value, bits, k);
                    }

                    return true;
                }

            default:
                for (var k = 0; k < 128 / bits; k++)
                {
                    var right = opcode is >= IrOpcode.VectorShiftLeft and <= IrOpcode.VectorShiftRightUnsigned
                        ? (long)(ulong)b & (bits - 1)
                        : VectorLanes.SignedLane(b, bits, k);
                    if (!TryLane(opcode, bits, condition, VectorLanes.SignedLane(a, bits, k), right, out var value))
                    {
                        return false;
                    }

                    result |= VectorLanes.Place(value, bits, k);
                }

                return true;
        }
    }

    // Operands are sign-extended; of the result the low bits count.
    private static bool TryLane(IrOpcode opcode, int bits, int condition, long a, long b, out ulong r)
    {
        var mask = ulong.MaxValue >> (64 - bits);
        var ua = (ulong)a & mask;
        var ub = (ulong)b & mask;
        var most = (long)(mask >> 1);
        r = 0;
        switch (opcode)
        {
            case IrOpcode.VectorNeg: r = (ulong)-a; return true;
            case IrOpcode.VectorAbs: r = (ulong)(a < 0 ? -a : a); return true;
            case IrOpcode.VectorPopulationCount: r = (ulong)BitOperations.PopCount(ua); return true;
            case IrOpcode.VectorAdd: r = (ulong)(a + b); return true;
            case IrOpcode.VectorSub: r = (ulong)(a - b); return true;
            case IrOpcode.VectorMul: r = (ulong)(a * b); return true;
            case IrOpcode.VectorAddSaturateSigned: r = (ulong)Math.Clamp(a + b, -most - 1, most); return true;
            case IrOpcode.VectorAddSaturateUnsigned: r = Math.Min(ua + ub, mask); return true;
            case IrOpcode.VectorSubSaturateSigned: r = (ulong)Math.Clamp(a - b, -most - 1, most); return true;
            case IrOpcode.VectorSubSaturateUnsigned: r = ua > ub ? ua - ub : 0; return true;
            case IrOpcode.VectorMinSigned: r = (ulong)Math.Min(a, b); return true;
            case IrOpcode.VectorMinUnsigned: r = Math.Min(ua, ub); return true;
            case IrOpcode.VectorMaxSigned: r = (ulong)Math.Max(a, b); return true;
            case IrOpcode.VectorMaxUnsigned: r = Math.Max(ua, ub); return true;
            case IrOpcode.VectorAverage: r = (ua + ub + 1) >> 1; return true;
            case IrOpcode.VectorShiftLeft: r = ua << (int)b; return true;
            case IrOpcode.VectorShiftRightSigned: r = (ulong)(a >> (int)b); return true;
            case IrOpcode.VectorShiftRightUnsigned: r = ua >> (int)b; return true;
            case IrOpcode.VectorCompare:
                r = ConstantFolder.Compare((IntegerCondition)condition, IrType.I64, condition >= (int)IntegerCondition.LessUnsigned ? ua : (ulong)a, condition >= (int)IntegerCondition.LessUnsigned ? ub : (ulong)b)
                    ? ulong.MaxValue
                    : 0;
                return true;
            default: return false;
        }
    }
}

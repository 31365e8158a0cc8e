// The floating-point half of VectorReference: lanes are computed in their own precision by the CLR.
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Tests.Frontend;

internal static class VectorFloatReference
{
    public static UInt128 Evaluate(in IrInstruction i, UInt128 a, UInt128 b, UInt128 c)
    {
        var bits = i.Shape.LaneBits();
        var opcode = i.Opcode;
        switch (opcode)
        {
            case IrOpcode.VectorFloatCompare:
                var condition = i.VectorFloatCondition;
                return VectorReference.Lanes(bits, k => Holds(condition, VectorReference.Float(a, bits, k), VectorReference.Float(b, bits, k)) ? ulong.MaxValue : 0);
            case IrOpcode.VectorFloatAbs:
                return VectorReference.Lanes(bits, k => VectorReference.Lane(a, bits, k) & ~(1UL << (bits - 1)));
            case IrOpcode.VectorFloatNeg:
                return VectorReference.Lanes(bits, k => VectorReference.Lane(a, bits, k) ^ (1UL << (bits - 1)));
            case IrOpcode.VectorFloatPseudoMin:
                return VectorReference.Lanes(bits, k => VectorReference.Lane(VectorReference.Float(b, bits, k) < VectorReference.Float(a, bits, k) ? b : a, bits, k));
            case IrOpcode.VectorFloatPseudoMax:
                return VectorReference.Lanes(bits, k => VectorReference.Lane(VectorReference.Float(a, bits, k) < VectorReference.Float(b, bits, k) ? b : a, bits, k));
            case IrOpcode.VectorSaturateToSigned or IrOpcode.VectorToSignedRelaxed:
                return VectorReference.Lanes(32, k => k < 128 / bits ? (ulong)(long)Saturate(VectorReference.Float(a, bits, k), int.MinValue, int.MaxValue) : 0);
            case IrOpcode.VectorSaturateToUnsigned or IrOpcode.VectorToUnsignedRelaxed:
                return VectorReference.Lanes(32, k => k < 128 / bits ? (ulong)Saturate(VectorReference.Float(a, bits, k), 0, uint.MaxValue) : 0);
            case IrOpcode.VectorFromSigned:
                return VectorReference.Lanes(bits, k => Bits((int)VectorReference.Lane(a, 32, k), bits));
            case IrOpcode.VectorFromUnsigned:
                return VectorReference.Lanes(bits, k => Bits((uint)VectorReference.Lane(a, 32, k), bits));
            default:
                return VectorReference.Lanes(bits, k => bits == 32
                    ? BitConverter.SingleToUInt32Bits(Single(opcode, At(a, k), At(b, k), At(c, k)))
                    : BitConverter.DoubleToUInt64Bits(
                        Double(opcode, VectorReference.Float(a, 64, k), VectorReference.Float(b, 64, k), VectorReference.Float(c, 64, k))));
        }
    }

    private static float At(UInt128 value, int lane) => BitConverter.UInt32BitsToSingle((uint)VectorReference.Lane(value, 32, lane));

    // Of an integer of at most 33 bits, which a double holds.
    private static ulong Bits(long value, int bits) => bits == 32 ? BitConverter.SingleToUInt32Bits((float)(double)value) : BitConverter.DoubleToUInt64Bits(value);

    private static double Saturate(double value, double least, double most) => double.IsNaN(value) ? 0 : Math.Clamp(Math.Truncate(value), least, most);

    private static bool Holds(FloatCondition condition, double a, double b) => condition switch
    {
        FloatCondition.Equal => a == b,
        FloatCondition.NotEqual => a != b,
        FloatCondition.Less => a < b,
        FloatCondition.NotLess => !(a < b),
        FloatCondition.LessEqual => a <= b,
        FloatCondition.NotLessEqual => !(a <= b),
        FloatCondition.Greater => a > b,
        FloatCondition.NotGreater => !(a > b),
        FloatCondition.GreaterEqual => a >= b,
        _ => !(a >= b),
    };

    private static float Single(IrOpcode opcode, float a, float b, float c) => opcode switch
    {
        IrOpcode.VectorFloatAdd => a + b,
        IrOpcode.VectorFloatSub => a - b,
        IrOpcode.VectorFloatMul => a * b,
        IrOpcode.VectorFloatDiv => a / b,
        IrOpcode.VectorFloatMin or IrOpcode.VectorFloatMinRelaxed => MathF.Min(a, b),
        IrOpcode.VectorFloatMax or IrOpcode.VectorFloatMaxRelaxed => MathF.Max(a, b),
        IrOpcode.VectorFloatSqrt => MathF.Sqrt(a),
        IrOpcode.VectorFloatCeil => MathF.Ceiling(a),
        IrOpcode.VectorFloatFloor => MathF.Floor(a),
        IrOpcode.VectorFloatTrunc => MathF.Truncate(a),
        IrOpcode.VectorFloatNearest => MathF.Round(a, MidpointRounding.ToEven),
        IrOpcode.VectorMultiplyAdd => a * b + c,
        IrOpcode.VectorMultiplyAddNegated => c - a * b,
        _ => throw new NotSupportedException(opcode.ToString()),
    };

    private static double Double(IrOpcode opcode, double a, double b, double c) => opcode switch
    {
        IrOpcode.VectorFloatAdd => a + b,
        IrOpcode.VectorFloatSub => a - b,
        IrOpcode.VectorFloatMul => a * b,
        IrOpcode.VectorFloatDiv => a / b,
        IrOpcode.VectorFloatMin or IrOpcode.VectorFloatMinRelaxed => Math.Min(a, b),
        IrOpcode.VectorFloatMax or IrOpcode.VectorFloatMaxRelaxed => Math.Max(a, b),
        IrOpcode.VectorFloatSqrt => Math.Sqrt(a),
        IrOpcode.VectorFloatCeil => Math.Ceiling(a),
        IrOpcode.VectorFloatFloor => Math.Floor(a),
        IrOpcode.VectorFloatTrunc => Math.Truncate(a),
        IrOpcode.VectorFloatNearest => Math.Round(a, MidpointRounding.ToEven),
        IrOpcode.VectorMultiplyAdd => a * b + c,
        IrOpcode.VectorMultiplyAddNegated => c - a * b,
        _ => throw new NotSupportedException(opcode.ToString()),
    };
}

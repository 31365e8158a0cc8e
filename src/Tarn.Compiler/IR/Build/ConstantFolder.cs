// Folds operations on constants, exactly as WebAssembly defines them. Bits are zero-extended for 32-bit types, in and out. Floating-point results that are
// NaN are not folded: which NaN comes out is up to the machine, and the same program shall give the same bits whether folded or not.
using System.Numerics;

namespace Tarn.Compiler.IR.Build;

/// <summary>Evaluates operations at compile time.</summary>
internal static class ConstantFolder
{
    /// <summary>Folds an integer operation of two operands of the result's type.</summary>
    public static bool TryInteger(IrOpcode opcode, IrType type, ulong a, ulong b, out ulong result)
    {
        if (type == IrType.I32)
        {
            var good = TryI32(opcode, (uint)a, (uint)b, out var r);
            result = r;
            return good;
        }

        return TryI64(opcode, a, b, out result);
    }

    private static bool TryI32(IrOpcode opcode, uint a, uint b, out uint r)
    {
        r = 0;
        switch (opcode)
        {
            case IrOpcode.Add: r = a + b; return true;
            case IrOpcode.Sub: r = a - b; return true;
            case IrOpcode.Mul: r = a * b; return true;
            case IrOpcode.MulHighSigned: r = (uint)(((long)(int)a * (int)b) >> 32); return true;
            case IrOpcode.MulHighUnsigned: r = (uint)(((ulong)a * b) >> 32); return true;
            case IrOpcode.And: r = a & b; return true;
            case IrOpcode.Or: r = a | b; return true;
            case IrOpcode.Xor: r = a ^ b; return true;
            case IrOpcode.ShiftLeft: r = a << (int)b; return true;
            case IrOpcode.ShiftRightSigned: r = (uint)((int)a >> (int)b); return true;
            case IrOpcode.ShiftRightUnsigned: r = a >> (int)b; return true;
            case IrOpcode.RotateLeft: r = BitOperations.RotateLeft(a, (int)b); return true;
            case IrOpcode.RotateRight: r = BitOperations.RotateRight(a, (int)b); return true;
            case IrOpcode.DivUnsigned when b != 0: r = a / b; return true;
            case IrOpcode.RemUnsigned when b != 0: r = a % b; return true;
            case IrOpcode.DivSigned when b != 0 && !(a == 0x80000000 && b == uint.MaxValue): r = (uint)((int)a / (int)b); return true;
            case IrOpcode.RemSigned when b != 0: r = b == uint.MaxValue ? 0 : (uint)((int)a % (int)b); return true;
            default: return false;
        }
    }

    private static bool TryI64(IrOpcode opcode, ulong a, ulong b, out ulong r)
    {
        r = 0;
        switch (opcode)
        {
            case IrOpcode.Add: r = a + b; return true;
            case IrOpcode.Sub: r = a - b; return true;
            case IrOpcode.Mul: r = a * b; return true;
            case IrOpcode.MulHighSigned: r = (ulong)Math.BigMul((long)a, (long)b, out _); return true;
            case IrOpcode.MulHighUnsigned: r = Math.BigMul(a, b, out _); return true;
            case IrOpcode.And: r = a & b; return true;
            case IrOpcode.Or: r = a | b; return true;
            case IrOpcode.Xor: r = a ^ b; return true;
            case IrOpcode.ShiftLeft: r = a << (int)b; return true;
            case IrOpcode.ShiftRightSigned: r = (ulong)((long)a >> (int)b); return true;
            case IrOpcode.ShiftRightUnsigned: r = a >> (int)b; return true;
            case IrOpcode.RotateLeft: r = BitOperations.RotateLeft(a, (int)b); return true;
            case IrOpcode.RotateRight: r = BitOperations.RotateRight(a, (int)b); return true;
            case IrOpcode.DivUnsigned when b != 0: r = a / b; return true;
            case IrOpcode.RemUnsigned when b != 0: r = a % b; return true;
            case IrOpcode.DivSigned when b != 0 && !(a == 1UL << 63 && b == ulong.MaxValue): r = (ulong)((long)a / (long)b); return true;
            case IrOpcode.RemSigned when b != 0: r = b == ulong.MaxValue ? 0 : (ulong)((long)a % (long)b); return true;
            default: return false;
        }
    }

    /// <summary>Evaluates an integer comparison.</summary>
    public static bool Compare(IntegerCondition condition, IrType type, ulong a, ulong b)
    {
        var sa = type == IrType.I32 ? (int)a : (long)a;
        var sb = type == IrType.I32 ? (int)b : (long)b;
        return condition switch
        {
            IntegerCondition.Equal => a == b,
            IntegerCondition.NotEqual => a != b,
            IntegerCondition.LessSigned => sa < sb,
            IntegerCondition.GreaterEqualSigned => sa >= sb,
            IntegerCondition.LessEqualSigned => sa <= sb,
            IntegerCondition.GreaterSigned => sa > sb,
            IntegerCondition.LessUnsigned => a < b,
            IntegerCondition.GreaterEqualUnsigned => a >= b,
            IntegerCondition.LessEqualUnsigned => a <= b,
            _ => a > b,
        };
    }

    /// <summary>Evaluates a floating-point comparison.</summary>
    public static bool CompareFloat(FloatCondition condition, IrType type, ulong a, ulong b)
    {
        var x = ToDouble(type, a);
        var y = ToDouble(type, b);
        var result = ((int)condition >> 1) switch
        {
            0 => x == y,
            1 => x < y,
            2 => x <= y,
            3 => x > y,
            _ => x >= y,
        };
        return result ^ (((int)condition & 1) != 0);
    }

    /// <summary>Folds an operation of one operand. <paramref name="from"/> is the operand's type.</summary>
    public static bool TryUnary(IrOpcode opcode, IrType type, IrType from, ulong a, out ulong r)
    {
        r = 0;
        var narrow = type == IrType.I32;
        switch (opcode)
        {
            case IrOpcode.CountLeadingZeros: r = (ulong)(narrow ? BitOperations.LeadingZeroCount((uint)a) : BitOperations.LeadingZeroCount(a)); return true;
            case IrOpcode.CountTrailingZeros: r = (ulong)(narrow ? BitOperations.TrailingZeroCount((uint)a) : BitOperations.TrailingZeroCount(a)); return true;
            case IrOpcode.PopulationCount: r = (ulong)BitOperations.PopCount(a); return true;
            case IrOpcode.SignExtend8: r = narrow ? (uint)(sbyte)a : (ulong)(sbyte)a; return true;
            case IrOpcode.SignExtend16: r = narrow ? (uint)(short)a : (ulong)(short)a; return true;
            case IrOpcode.SignExtend32 or IrOpcode.ExtendSigned: r = (ulong)(int)a; return true;
            case IrOpcode.ExtendUnsigned or IrOpcode.Wrap: r = (uint)a; return true;
            case IrOpcode.Bitcast: r = a; return true;
            case IrOpcode.FloatAbs: r = type == IrType.F32 ? a & 0x7FFFFFFF : a & ~(1UL << 63); return true;
            case IrOpcode.FloatNeg: r = type == IrType.F32 ? a ^ 0x80000000 : a ^ (1UL << 63); return true;
            case IrOpcode.Promote:
                return Result(IrType.F64, ToDouble(IrType.F32, a), out r);
            case IrOpcode.Demote:
                return Result(IrType.F32, (float)ToDouble(IrType.F64, a), out r);
            case IrOpcode.ConvertFromSigned when from == IrType.I32:
                return Result(type, (int)a, out r);
            case IrOpcode.ConvertFromSigned when type == IrType.F64:
                return Result(type, (long)a, out r);
            case IrOpcode.FloatSqrt:
                return Result(type, type == IrType.F32 ? MathF.Sqrt((float)ToDouble(type, a)) : Math.Sqrt(ToDouble(type, a)), out r);
            default:
                return false;
        }
    }

    /// <summary>Folds a floating-point operation of two operands.</summary>
    public static bool TryFloat(IrOpcode opcode, IrType type, ulong a, ulong b, out ulong r)
    {
        r = 0;
        if (type == IrType.F32)
        {
            var x = BitConverter.UInt32BitsToSingle((uint)a);
            var y = BitConverter.UInt32BitsToSingle((uint)b);
            switch (opcode)
            {
                case IrOpcode.FloatAdd: return Result(type, x + y, out r);
                case IrOpcode.FloatSub: return Result(type, x - y, out r);
                case IrOpcode.FloatMul: return Result(type, x * y, out r);
                case IrOpcode.FloatDiv: return Result(type, x / y, out r);
                case IrOpcode.FloatCopySign: r = (a & 0x7FFFFFFF) | (b & 0x80000000); return true;
                default: return false;
            }
        }

        var p = BitConverter.UInt64BitsToDouble(a);
        var q = BitConverter.UInt64BitsToDouble(b);
        switch (opcode)
        {
            case IrOpcode.FloatAdd: return Result(type, p + q, out r);
            case IrOpcode.FloatSub: return Result(type, p - q, out r);
            case IrOpcode.FloatMul: return Result(type, p * q, out r);
            case IrOpcode.FloatDiv: return Result(type, p / q, out r);
            case IrOpcode.FloatCopySign: r = (a & ~(1UL << 63)) | (b & (1UL << 63)); return true;
            default: return false;
        }
    }

    private static double ToDouble(IrType type, ulong bits)
        => type == IrType.F32 ? BitConverter.UInt32BitsToSingle((uint)bits) : BitConverter.UInt64BitsToDouble(bits);

    // Exact: a value of type f32 passes through double unchanged.
    private static bool Result(IrType type, double value, out ulong bits)
    {
        bits = type == IrType.F32 ? BitConverter.SingleToUInt32Bits((float)value) : BitConverter.DoubleToUInt64Bits(value);
        return !double.IsNaN(value);
    }
}

// Executes the vector operations of the IR on places of 16 bytes. A word holds the IR's opcode and aux, so there is one case for each and none is named twice. What all processors have goes through
// Vector128; the rest is done lane by lane. Operands are read before the result is written: places may be the same.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Tarn.Compiler.IR;

namespace Tarn.Execution.Portable;

internal static unsafe class VectorInterpreter
{
    /// <summary>Executes one operation.</summary>
    /// <returns>The next word.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Word* Execute(Word* pc, ulong* s)
    {
        var opcode = (IrOpcode)(byte)pc->Low;
        int aux = (byte)(pc->Low >> 8);
        var shape = (VectorShape)(aux & 7);
        Vector128<byte> a = Vector128.Load((byte*)(s + pc->B));
        Vector128<byte> result;
        switch (opcode)
        {
            case IrOpcode.VectorShuffle:
                // The lanes are in the next word.
                Shuffle(a, Read(s, pc->C), Vector128.Load((byte*)(pc + 1))).Store((byte*)(s + pc->A));
                return pc + 2;
            case IrOpcode.VectorSplat:
                result = Splat(s[pc->B], shape);
                break;
            case IrOpcode.VectorExtract:
            case IrOpcode.VectorExtractSigned:
                s[pc->A] = Extract(s + pc->B, pc->High, shape, opcode == IrOpcode.VectorExtractSigned);
                return pc + 1;
            case IrOpcode.VectorReplace:
                result = Replace(a, pc->High, s[pc->C], shape);
                break;
            case IrOpcode.VectorAnyTrue:
                s[pc->A] = a != Vector128<byte>.Zero ? 1u : 0;
                return pc + 1;
            case IrOpcode.VectorAllTrue:
                s[pc->A] = Equals(a, Vector128<byte>.Zero, shape) == Vector128<byte>.Zero ? 1u : 0;
                return pc + 1;
            case IrOpcode.VectorBitMask:
                s[pc->A] = shape switch
                {
                    VectorShape.I8x16 => a.ExtractMostSignificantBits(),
                    VectorShape.I16x8 => a.AsInt16().ExtractMostSignificantBits(),
                    VectorShape.I32x4 => a.AsInt32().ExtractMostSignificantBits(),
                    _ => a.AsInt64().ExtractMostSignificantBits(),
                };
                return pc + 1;
            case IrOpcode.VectorNot:
                result = ~a;
                break;
            case IrOpcode.VectorAnd:
                result = a & Read(s, pc->C);
                break;
            case IrOpcode.VectorAndNot:
                result = a & ~Read(s, pc->C);
                break;
            case IrOpcode.VectorOr:
                result = a | Read(s, pc->C);
                break;
            case IrOpcode.VectorXor:
                result = a ^ Read(s, pc->C);
                break;
            case IrOpcode.VectorSelect:
            case IrOpcode.VectorSelectRelaxed:
                result = Vector128.ConditionalSelect(Read(s, (ushort)(pc->Low >> 16)), a, Read(s, pc->C));
                break;
            case IrOpcode.VectorSwizzle:
            case IrOpcode.VectorSwizzleRelaxed:
                result = Vector128.Shuffle(a, Read(s, pc->C));
                break;
            case IrOpcode.VectorShiftLeft:
            case IrOpcode.VectorShiftRightSigned:
            case IrOpcode.VectorShiftRightUnsigned:
                result = Shift(opcode, a, (int)s[pc->C], shape);
                break;
            case IrOpcode.VectorCompare:
                result = Compare((IntegerCondition)(aux >> 4), a, Read(s, pc->C), shape);
                break;
            case IrOpcode.VectorFloatCompare:
                result = CompareFloats((FloatCondition)(aux >> 4), a, Read(s, pc->C), shape);
                break;
            case IrOpcode.VectorDotAddRelaxed:
                result = DotAdd(a, Read(s, pc->C), Read(s, (ushort)(pc->Low >> 16)));
                break;
            case IrOpcode.VectorMultiplyAdd:
            case IrOpcode.VectorMultiplyAddNegated:
                result = MultiplyAdd(a, Read(s, pc->C), Read(s, (ushort)(pc->Low >> 16)), shape, opcode == IrOpcode.VectorMultiplyAddNegated);
                break;
            case >= IrOpcode.VectorNeg and <= IrOpcode.VectorExtendHighUnsigned:
                result = VectorIntegers.Apply(opcode, a, Read(s, pc->C), shape);
                break;
            default:
                result = VectorFloats.Apply(opcode, a, Read(s, pc->C), shape);
                break;
        }
        result.Store((byte*)(s + pc->A));
        return pc + 1;
    }

    private static Vector128<byte> Read(ulong* s, ushort word) => Vector128.Load((byte*)(s + word));

    private static Vector128<byte> Shuffle(Vector128<byte> a, Vector128<byte> b, Vector128<byte> which)
    {
        Vector128<byte> sixteen = Vector128.Create((byte)16);
        return Vector128.Shuffle(a, which) | Vector128.Shuffle(b, which - sixteen);
    }

    private static Vector128<byte> Splat(ulong value, VectorShape shape) => shape switch
    {
        VectorShape.I8x16 => Vector128.Create((byte)value),
        VectorShape.I16x8 => Vector128.Create((ushort)value).AsByte(),
        VectorShape.I32x4 or VectorShape.F32x4 => Vector128.Create((uint)value).AsByte(),
        _ => Vector128.Create(value).AsByte(),
    };

    private static ulong Extract(ulong* from, int lane, VectorShape shape, bool isSigned) => shape switch
    {
        VectorShape.I8x16 => isSigned ? (uint)((sbyte*)from)[lane] : ((byte*)from)[lane],
        VectorShape.I16x8 => isSigned ? (uint)((short*)from)[lane] : ((ushort*)from)[lane],
        VectorShape.I32x4 or VectorShape.F32x4 => ((uint*)from)[lane],
        _ => from[lane],
    };

    private static Vector128<byte> Replace(Vector128<byte> a, int lane, ulong value, VectorShape shape) => shape switch
    {
        VectorShape.I8x16 => a.WithElement(lane, (byte)value),
        VectorShape.I16x8 => a.AsUInt16().WithElement(lane, (ushort)value).AsByte(),
        VectorShape.I32x4 or VectorShape.F32x4 => a.AsUInt32().WithElement(lane, (uint)value).AsByte(),
        _ => a.AsUInt64().WithElement(lane, value).AsByte(),
    };

    private static Vector128<byte> Shift(IrOpcode opcode, Vector128<byte> a, int count, VectorShape shape)
    {
        switch (shape)
        {
            case VectorShape.I8x16:
                count &= 7;
                return opcode == IrOpcode.VectorShiftLeft ? a << count : opcode == IrOpcode.VectorShiftRightSigned ? (a.AsSByte() >> count).AsByte() : a >>> count;
            case VectorShape.I16x8:
                count &= 15;
                return (opcode == IrOpcode.VectorShiftLeft ? a.AsInt16() << count : opcode == IrOpcode.VectorShiftRightSigned ? a.AsInt16() >> count : a.AsInt16() >>> count).AsByte();
            case VectorShape.I32x4:
                count &= 31;
                return (opcode == IrOpcode.VectorShiftLeft ? a.AsInt32() << count : opcode == IrOpcode.VectorShiftRightSigned ? a.AsInt32() >> count : a.AsInt32() >>> count).AsByte();
            default:
                count &= 63;
                return (opcode == IrOpcode.VectorShiftLeft ? a.AsInt64() << count : opcode == IrOpcode.VectorShiftRightSigned ? a.AsInt64() >> count : a.AsInt64() >>> count).AsByte();
        }
    }

    private static Vector128<byte> Equals(Vector128<byte> a, Vector128<byte> b, VectorShape shape) => shape switch
    {
        VectorShape.I8x16 => Vector128.Equals(a, b),
        VectorShape.I16x8 => Vector128.Equals(a.AsInt16(), b.AsInt16()).AsByte(),
        VectorShape.I32x4 => Vector128.Equals(a.AsInt32(), b.AsInt32()).AsByte(),
        _ => Vector128.Equals(a.AsInt64(), b.AsInt64()).AsByte(),
    };

    private static Vector128<byte> Less(Vector128<byte> a, Vector128<byte> b, VectorShape shape, bool isSigned) => shape switch
    {
        VectorShape.I8x16 => isSigned ? Vector128.LessThan(a.AsSByte(), b.AsSByte()).AsByte() : Vector128.LessThan(a, b),
        VectorShape.I16x8 => isSigned ? Vector128.LessThan(a.AsInt16(), b.AsInt16()).AsByte() : Vector128.LessThan(a.AsUInt16(), b.AsUInt16()).AsByte(),
        VectorShape.I32x4 => isSigned ? Vector128.LessThan(a.AsInt32(), b.AsInt32()).AsByte() : Vector128.LessThan(a.AsUInt32(), b.AsUInt32()).AsByte(),
        _ => isSigned ? Vector128.LessThan(a.AsInt64(), b.AsInt64()).AsByte() : Vector128.LessThan(a.AsUInt64(), b.AsUInt64()).AsByte(),
    };

    private static Vector128<byte> Compare(IntegerCondition condition, Vector128<byte> a, Vector128<byte> b, VectorShape shape) => condition switch
    {
        IntegerCondition.Equal => Equals(a, b, shape),
        IntegerCondition.NotEqual => ~Equals(a, b, shape),
        IntegerCondition.LessSigned => Less(a, b, shape, isSigned: true),
        IntegerCondition.GreaterEqualSigned => ~Less(a, b, shape, isSigned: true),
        IntegerCondition.LessEqualSigned => ~Less(b, a, shape, isSigned: true),
        IntegerCondition.GreaterSigned => Less(b, a, shape, isSigned: true),
        IntegerCondition.LessUnsigned => Less(a, b, shape, isSigned: false),
        IntegerCondition.GreaterEqualUnsigned => ~Less(a, b, shape, isSigned: false),
        IntegerCondition.LessEqualUnsigned => ~Less(b, a, shape, isSigned: false),
        _ => Less(b, a, shape, isSigned: false),
    };

    private static Vector128<byte> CompareFloats(FloatCondition condition, Vector128<byte> a, Vector128<byte> b, VectorShape shape)
    {
        // A negated condition is one above.
        bool isNegated = ((int)condition & 1) != 0;
        Vector128<byte> holds = shape == VectorShape.F32x4
            ? ((FloatCondition)((int)condition & ~1) switch
            {
                FloatCondition.Equal => Vector128.Equals(a.AsSingle(), b.AsSingle()),
                FloatCondition.Less => Vector128.LessThan(a.AsSingle(), b.AsSingle()),
                FloatCondition.LessEqual => Vector128.LessThanOrEqual(a.AsSingle(), b.AsSingle()),
                FloatCondition.Greater => Vector128.GreaterThan(a.AsSingle(), b.AsSingle()),
                _ => Vector128.GreaterThanOrEqual(a.AsSingle(), b.AsSingle()),
            }).AsByte()
            : ((FloatCondition)((int)condition & ~1) switch
            {
                FloatCondition.Equal => Vector128.Equals(a.AsDouble(), b.AsDouble()),
                FloatCondition.Less => Vector128.LessThan(a.AsDouble(), b.AsDouble()),
                FloatCondition.LessEqual => Vector128.LessThanOrEqual(a.AsDouble(), b.AsDouble()),
                FloatCondition.Greater => Vector128.GreaterThan(a.AsDouble(), b.AsDouble()),
                _ => Vector128.GreaterThanOrEqual(a.AsDouble(), b.AsDouble()),
            }).AsByte();
        return isNegated ? ~holds : holds;
    }

    private static Vector128<byte> DotAdd(Vector128<byte> a, Vector128<byte> b, Vector128<byte> c)
    {
        Vector128<int> sum = c.AsInt32();
        for (int i = 0; i < 4; i++)
        {
            int lane = sum.GetElement(i);
            for (int k = 4 * i; k < (4 * i) + 4; k++)
                lane += (sbyte)a.GetElement(k) * (sbyte)b.GetElement(k);
            sum = sum.WithElement(i, lane);
        }
        return sum.AsByte();
    }

    private static Vector128<byte> MultiplyAdd(Vector128<byte> a, Vector128<byte> b, Vector128<byte> c, VectorShape shape, bool negates)
    {
        if (shape == VectorShape.F32x4)
        {
            Vector128<float> product = a.AsSingle() * b.AsSingle();
            return ((negates ? -product : product) + c.AsSingle()).AsByte();
        }
        Vector128<double> wide = a.AsDouble() * b.AsDouble();
        return ((negates ? -wide : wide) + c.AsDouble()).AsByte();
    }
}

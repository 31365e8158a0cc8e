// Why: the floating-point operations on vectors whose result is a vector. Those whose treatment of NaN and zeros is WebAssembly's own go through FloatOperations lane by lane.
using System.Numerics;
using System.Runtime.Intrinsics;
using Tarn.Compiler.IR;

namespace Tarn.Execution.Portable;

internal static class VectorFloats
{
    public static Vector128<byte> Apply(IrOpcode opcode, Vector128<byte> a, Vector128<byte> b, VectorShape shape)
    {
        switch (opcode)
        {
            case IrOpcode.VectorSaturateToSigned:
            case IrOpcode.VectorSaturateToUnsigned:
            case IrOpcode.VectorToSignedRelaxed:
            case IrOpcode.VectorToUnsignedRelaxed:
                return ToIntegers(a, shape, opcode is IrOpcode.VectorSaturateToSigned or IrOpcode.VectorToSignedRelaxed);
            case IrOpcode.VectorFromSigned:
            case IrOpcode.VectorFromUnsigned:
                return FromIntegers(a, shape, opcode == IrOpcode.VectorFromSigned);
            case IrOpcode.VectorDemote:
                return Vector128.Create((float)a.AsDouble().GetElement(0), (float)a.AsDouble().GetElement(1), 0, 0).AsByte();
            case IrOpcode.VectorPromote:
                return Vector128.Create((double)a.AsSingle().GetElement(0), a.AsSingle().GetElement(1)).AsByte();
            default:
                return shape == VectorShape.F32x4 ? Lanes(opcode, a.AsSingle(), b.AsSingle()).AsByte() : Lanes(opcode, a.AsDouble(), b.AsDouble()).AsByte();
        }
    }

    private static Vector128<T> Lanes<T>(IrOpcode opcode, Vector128<T> a, Vector128<T> b)
        where T : IFloatingPointIeee754<T>
    {
        switch (opcode)
        {
            case IrOpcode.VectorFloatAdd:
                return a + b;
            case IrOpcode.VectorFloatSub:
                return a - b;
            case IrOpcode.VectorFloatMul:
                return a * b;
            case IrOpcode.VectorFloatDiv:
                return a / b;
            case IrOpcode.VectorFloatPseudoMin:
                return Vector128.ConditionalSelect(Vector128.LessThan(b, a), b, a);
            case IrOpcode.VectorFloatPseudoMax:
                return Vector128.ConditionalSelect(Vector128.LessThan(a, b), b, a);
            case IrOpcode.VectorFloatAbs:
                return Vector128.AndNot(a, Vector128.Create(T.NegativeZero));
            case IrOpcode.VectorFloatNeg:
                return a ^ Vector128.Create(T.NegativeZero);
            case IrOpcode.VectorFloatSqrt:
                return Vector128.Sqrt(a);
            default:
                for (int i = 0; i < Vector128<T>.Count; i++)
                    a = a.WithElement(i, One(opcode, a.GetElement(i), b.GetElement(i)));
                return a;
        }
    }

    private static T One<T>(IrOpcode opcode, T a, T b)
        where T : IFloatingPointIeee754<T> => opcode switch
        {
            IrOpcode.VectorFloatMin or IrOpcode.VectorFloatMinRelaxed => FloatOperations.Min(a, b),
            IrOpcode.VectorFloatMax or IrOpcode.VectorFloatMaxRelaxed => FloatOperations.Max(a, b),
            IrOpcode.VectorFloatCeil => FloatOperations.Ceiling(a),
            IrOpcode.VectorFloatFloor => FloatOperations.Floor(a),
            IrOpcode.VectorFloatTrunc => FloatOperations.Truncate(a),
            IrOpcode.VectorFloatNearest => FloatOperations.Nearest(a),
            _ => throw new NotSupportedException($"The interpreter does not know the vector operation {opcode}."),
        };

    private static Vector128<byte> ToIntegers(Vector128<byte> a, VectorShape shape, bool isSigned)
    {
        Vector128<uint> result = default;
        int count = shape == VectorShape.F32x4 ? 4 : 2;
        for (int i = 0; i < count; i++)
        {
            double value = shape == VectorShape.F32x4 ? a.AsSingle().GetElement(i) : a.AsDouble().GetElement(i);
            result = result.WithElement(i, isSigned ? (uint)FloatOperations.ToSigned32(value) : FloatOperations.ToUnsigned32(value));
        }
        return result.AsByte();
    }

    private static Vector128<byte> FromIntegers(Vector128<byte> a, VectorShape shape, bool isSigned)
    {
        if (shape == VectorShape.F32x4)
        {
            Vector128<float> singles = default;
            for (int i = 0; i < 4; i++)
                singles = singles.WithElement(i, isSigned ? FloatOperations.ToF32(a.AsInt32().GetElement(i)) : FloatOperations.ToF32(a.AsUInt32().GetElement(i)));
            return singles.AsByte();
        }
        Vector128<double> doubles = default;
        for (int i = 0; i < 2; i++)
            doubles = doubles.WithElement(i, isSigned ? FloatOperations.ToF64(a.AsInt32().GetElement(i)) : FloatOperations.ToF64(a.AsUInt32().GetElement(i)));
        return doubles.AsByte();
    }
}

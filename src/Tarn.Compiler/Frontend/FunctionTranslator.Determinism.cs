// What TargetDescription.Deterministic changes: WebAssembly leaves open which NaN an operation makes and what relaxed operations do, and processors differ. Here each NaN that arithmetic
// makes is replaced by the canonical one, positive, and relaxed operations are put together from strict ones. All of it is plain IR, so no target has to know.
//
// An operand that is only calculated with, compared or converted to an integer is taken as it was before it was made canonical: a NaN stays a NaN, and which one is not seen. What is then
// of no use is removed, so that sums of products are made canonical once.
//
// Left alone are operations that only move or change bits (constants, loads, sign operations, selections among them pseudo-minimum and -maximum): their results are defined.
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Frontend;

/// <content>Determinism.</content>
internal sealed partial class FunctionTranslator
{
    private const uint CanonicalSingle = 0x7FC00000;
    private const ulong CanonicalDouble = 0x7FF8000000000000;

    private static bool MakesNaN(IrOpcode operation)
        => operation is (>= IrOpcode.FloatAdd and <= IrOpcode.FloatNearest and not (IrOpcode.FloatCopySign or IrOpcode.FloatAbs or IrOpcode.FloatNeg))
            or IrOpcode.Demote or IrOpcode.Promote;

    // An operand of an operation that does not show which NaN it is.
    private Value Operand(IrOpcode operation, Value value)
    {
        if (!_target.Deterministic || !(MakesNaN(operation) || operation is IrOpcode.CompareFloat or (>= IrOpcode.ConvertToSigned and <= IrOpcode.SaturateToUnsigned)))
        {
            return value;
        }

        ref var select = ref _function.Get(value);
        if (select.Opcode != IrOpcode.Select)
        {
            return value;
        }

        ref var compare = ref _function.Get(select.ValueA);
        return compare.Opcode == IrOpcode.CompareFloat && compare.FloatCondition == FloatCondition.NotEqual && compare.A == select.C && compare.B == select.C
            && _builder.IsConstant(select.ValueB, out var bits) && bits == (select.Type == IrType.F32 ? CanonicalSingle : CanonicalDouble)
            ? select.ValueC
            : value;
    }

    private Value VectorOperand(Value value)
    {
        ref var select = ref _function.Get(value);
        if (select.Opcode != IrOpcode.VectorSelect)
        {
            return value;
        }

        ref var compare = ref _function.Get(select.ValueC);
        return compare.Opcode == IrOpcode.VectorFloatCompare && compare.VectorFloatCondition == FloatCondition.NotEqual && compare.A == select.B && compare.B == select.B
            && _builder.IsVector(select.ValueA, out var bits) && bits == CanonicalOf(compare.Shape)
            ? select.ValueB
            : value;
    }

    private static UInt128 CanonicalOf(VectorShape shape) => shape == VectorShape.F32x4 ? VectorLanes.Splat(CanonicalSingle, 32) : VectorLanes.Splat(CanonicalDouble, 64);

    // Whether an operation computes with the lanes that its operands were made canonical in, and does not show which NaN they are.
    private static bool HidesNaN(IrOpcode operation) => operation is IrOpcode.VectorFloatAdd or IrOpcode.VectorFloatSub or IrOpcode.VectorFloatMul or IrOpcode.VectorFloatDiv
        or IrOpcode.VectorFloatMin or IrOpcode.VectorFloatMax or IrOpcode.VectorFloatSqrt or IrOpcode.VectorFloatCompare or IrOpcode.VectorMultiplyAdd or IrOpcode.VectorMultiplyAddNegated;

    // The operand of an operation of a shape: lanes of another shape are other numbers.
    private Value VectorOperand(IrOpcode operation, VectorShape shape, Value value)
    {
        if (value < 0 || !HidesNaN(operation))
        {
            return value;
        }

        var raw = VectorOperand(value);
        return raw != value && _function.Get(_function.Get(value).ValueC).Shape == shape ? raw : value;
    }

    // A floating-point number as it is to be seen.
    private Value Canonical(IrOpcode operation, IrType type, Value value)
    {
        if (!_target.Deterministic || !MakesNaN(operation) || _builder.IsConstant(value, out _))
        {
            return value;
        }

        var isNaN = _builder.CompareFloat(FloatCondition.NotEqual, value, value);
        return _builder.Select(type, isNaN, _builder.Constant(type, type == IrType.F32 ? CanonicalSingle : CanonicalDouble), value);
    }

    private Value CanonicalVector(IrOpcode operation, VectorShape shape, Value value)
    {
        switch (operation)
        {
            case IrOpcode.VectorFloatAdd or IrOpcode.VectorFloatSub or IrOpcode.VectorFloatMul or IrOpcode.VectorFloatDiv or IrOpcode.VectorFloatMin or IrOpcode.VectorFloatMax
                or IrOpcode.VectorFloatSqrt or IrOpcode.VectorFloatCeil or IrOpcode.VectorFloatFloor or IrOpcode.VectorFloatTrunc or IrOpcode.VectorFloatNearest:
                break;
            case IrOpcode.VectorDemote:
                shape = VectorShape.F32x4;
                break;
            case IrOpcode.VectorPromote:
                shape = VectorShape.F64x2;
                break;
            default:
                return value;
        }

        var isNaN = _builder.VectorOperation(IrOpcode.VectorFloatCompare, shape, value, value, condition: (int)FloatCondition.NotEqual);
        var canonical = _builder.Vector(CanonicalOf(shape));
        return _builder.VectorOperation(IrOpcode.VectorSelect, default, canonical, value, isNaN);
    }

    private Value DeterministicVector(in VectorInstruction row, Value a, Value b, Value c, int lane)
    {
        a = VectorOperand(row.Deterministic, row.Shape, a);
        b = VectorOperand(row.Deterministic, row.Shape, b);
        c = VectorOperand(row.Deterministic, row.Shape, c);
        switch (row.Operation)
        {
            case IrOpcode.VectorMultiplyAdd or IrOpcode.VectorMultiplyAddNegated:
                {
                    // Two roundings, which every processor can do.
                    var product = _builder.VectorOperation(IrOpcode.VectorFloatMul, row.Shape, a, b);
                    var sum = row.Operation == IrOpcode.VectorMultiplyAdd
                        ? _builder.VectorOperation(IrOpcode.VectorFloatAdd, row.Shape, product, c)
                        : _builder.VectorOperation(IrOpcode.VectorFloatSub, row.Shape, c, product);
                    return CanonicalVector(IrOpcode.VectorFloatAdd, row.Shape, sum);
                }

            case IrOpcode.VectorDotRelaxed:
                return SignedDot(a, b);
            case IrOpcode.VectorDotAddRelaxed:
                return _builder.VectorOperation(
                    IrOpcode.VectorAdd, VectorShape.I32x4, _builder.VectorOperation(IrOpcode.VectorAddPairsSigned, VectorShape.I32x4, SignedDot(a, b)), c);
            default:
                return CanonicalVector(
                    row.Deterministic, row.Shape, _builder.VectorOperation(row.Deterministic, row.Shape, a, b, c, row.Condition, lane));
        }
    }

    // Sums of two products of neighbouring signed bytes, which wrap: those at even places and those at odd ones are words, sign-extended.
    private Value SignedDot(Value a, Value b)
    {
        var even = _builder.VectorOperation(IrOpcode.VectorMul, VectorShape.I16x8, EvenBytes(a), EvenBytes(b));
        return _builder.VectorOperation(
            IrOpcode.VectorAdd, VectorShape.I16x8, even, _builder.VectorOperation(IrOpcode.VectorMul, VectorShape.I16x8, OddBytes(a), OddBytes(b)));
    }

    private Value EvenBytes(Value value) => OddBytes(_builder.VectorOperation(IrOpcode.VectorShiftLeft, VectorShape.I16x8, value, _builder.I32(8)));

    private Value OddBytes(Value value) => _builder.VectorOperation(IrOpcode.VectorShiftRightSigned, VectorShape.I16x8, value, _builder.I32(8));
}

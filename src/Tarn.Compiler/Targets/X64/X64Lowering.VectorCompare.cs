// Comparisons of lanes, and tests that set flags: alone, or merged into the branch, select or trap that uses them (X64Lowering.Compare.cs).
using Tarn.Assembler.X64;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

using Tarn.Compiler.IR;

/// <content>Comparisons and tests of vectors.</content>
internal sealed partial class X64Lowering
{
    private static bool IsVectorTest(IrOpcode opcode) => opcode is IrOpcode.VectorAnyTrue or IrOpcode.VectorAllTrue;

    // Sets the flags; the condition is that of the test being true.
    private int LowerVectorTest(ref IrInstruction instruction)
    {
        var isAll = instruction.Opcode == IrOpcode.VectorAllTrue;
        var value = instruction.ValueA;
        ref var source = ref _ir.Get(value);
        var comparesLanes = source.Opcode == IrOpcode.VectorCompare && (!isAll || source.Shape.LaneBits() == instruction.Shape.LaneBits());
        if (comparesLanes && source.VectorCondition == IntegerCondition.NotEqual && IsMergeable(value))
        {
            // All differ if none is equal; any differs if not all are equal.
            _merged[value] = true;
            var equal = NewVector();
            EmitVectorCompare(equal, IntegerCondition.Equal, source.Shape, source.ValueA, source.ValueB);
            EmitVectorTest(equal, isAll ? Of(equal) : ConstantVector(VectorLanes.Ones));
            return (int)(isAll ? Condition.Equal : Condition.AboveEqual);
        }

        if (isAll)
        {
            if (MaskBits(value) == instruction.Shape.LaneBits())
            {
                EmitVectorTest(Use(value), ConstantVector(VectorLanes.Ones));
                return (int)Condition.Below;
            }

            var zeros = NewVector();
            EmitBinary(zeros, EqualOf(instruction.Shape), LoadVectorConstant(0), VectorSource(value));
            EmitVectorTest(zeros, Of(zeros));
            return (int)Condition.Equal;
        }

        if (source.Opcode is IrOpcode.VectorAnd or IrOpcode.VectorAndNot && IsMergeable(value))
        {
            _merged[value] = true;
            if (source.Opcode == IrOpcode.VectorAnd)
            {
                var mask = VectorSource(source.ValueB);
                EmitVectorTest(Use(source.ValueA), mask);
                return (int)Condition.NotEqual;
            }

            // The carry says that nothing of the second is outside of the first.
            var tested = VectorSource(source.ValueA);
            EmitVectorTest(Use(source.ValueB), tested);
            return (int)Condition.AboveEqual;
        }

        var v = Use(value);
        EmitVectorTest(v, Of(v));
        return (int)Condition.NotEqual;
    }

    private void EmitVectorTest(VReg left, in Source right)
    {
        Begin(X64Opcode.VectorCompare, 16, immediate: (int)SseOp.Ptest);
        Add(left, OperandKind.Use);
        AddVectorSource(right);
    }

    private void LowerBitMask(VReg to, Value value, VectorShape shape)
    {
        var v = Use(value);
        if (shape == VectorShape.I16x8)
        {
            v = Binary(SseOp.Packsswb, v, ConstantVector(0));
        }

        EmitExtract(to, shape switch { VectorShape.I32x4 => SseOp.Movmskps, VectorShape.I64x2 => SseOp.Movmskpd, _ => SseOp.Pmovmskb }, v, 0, 4);
    }

    // ---- Comparisons

    private static SseOp EqualOf(VectorShape shape) => shape switch
    {
        VectorShape.I8x16 => SseOp.Pcmpeqb,
        VectorShape.I16x8 => SseOp.Pcmpeqw,
        VectorShape.I32x4 => SseOp.Pcmpeqd,
        _ => SseOp.Pcmpeqq,
    };

    private static SseOp GreaterOf(VectorShape shape) => shape switch
    {
        VectorShape.I8x16 => SseOp.Pcmpgtb,
        VectorShape.I16x8 => SseOp.Pcmpgtw,
        VectorShape.I32x4 => SseOp.Pcmpgtd,
        _ => SseOp.Pcmpgtq,
    };

    // There are "equal" and "greater, signed". The others: "greater or equal" is "the maximum is the first", and so on; complements cost an instruction.
    private void EmitVectorCompare(VReg to, IntegerCondition condition, VectorShape shape, Value a, Value b)
    {
        switch (condition)
        {
            case IntegerCondition.Equal:
                var second = VectorSource(b);
                EmitBinary(to, EqualOf(shape), Use(a), second);
                return;
            case IntegerCondition.LessSigned or IntegerCondition.LessUnsigned or IntegerCondition.LessEqualSigned or IntegerCondition.LessEqualUnsigned:
                EmitVectorCompare(to, condition.Swap(), shape, b, a);
                return;
            case IntegerCondition.GreaterSigned:
                var smaller = VectorSource(b);
                EmitBinary(to, GreaterOf(shape), Use(a), smaller);
                return;
            case IntegerCondition.GreaterEqualSigned or IntegerCondition.GreaterEqualUnsigned when shape != VectorShape.I64x2:
                var maximum = condition == IntegerCondition.GreaterEqualSigned ? IrOpcode.VectorMaxSigned : IrOpcode.VectorMaxUnsigned;
                var first = Use(a);
                EmitBinary(to, EqualOf(shape), Binary(X64VectorTable.Binary(maximum, shape), Use(b), Of(first)), Of(first));
                return;
            case IntegerCondition.GreaterUnsigned:
                // Not "the minimum is the first".
                var left = Use(a);
                var least = Binary(EqualOf(shape), Binary(X64VectorTable.Binary(IrOpcode.VectorMinUnsigned, shape), Use(b), Of(left)), Of(left));
                EmitBinary(to, SseOp.Pxor, least, ConstantVector(VectorLanes.Ones));
                return;
            default:
                var opposite = NewVector();
                EmitVectorCompare(opposite, condition.Negate(), shape, a, b);
                EmitBinary(to, SseOp.Pxor, opposite, ConstantVector(VectorLanes.Ones));
                return;
        }
    }

    private void EmitVectorFloatCompare(VReg to, FloatCondition condition, VectorShape shape, Value a, Value b)
    {
        var (predicate, swap) = condition switch
        {
            FloatCondition.Equal => (0, false),
            FloatCondition.NotEqual => (4, false),
            FloatCondition.Less => (1, false),
            FloatCondition.NotLess => (5, false),
            FloatCondition.LessEqual => (2, false),
            FloatCondition.NotLessEqual => (6, false),
            FloatCondition.Greater => (1, true),
            FloatCondition.NotGreater => (5, true),
            FloatCondition.GreaterEqual => (2, true),
            _ => (6, true),
        };
        if (swap)
        {
            (a, b) = (b, a);
        }

        var right = VectorSource(b);
        EmitBinaryImmediate(to, shape == VectorShape.F32x4 ? SseOp.Cmpps : SseOp.Cmppd, Use(a), right, predicate);
    }
}

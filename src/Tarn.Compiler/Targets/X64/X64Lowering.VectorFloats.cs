// Floating-point lanes: minimum and maximum, signs, multiply-add, conversions.
using Tarn.Assembler.X64;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

using Tarn.Compiler.IR;

/// <content>Floating-point vectors.</content>
internal sealed partial class X64Lowering
{
    private const ulong TwoTo52 = 0x4330000000000000;
    private const uint TwoTo31Single = 0x4F000000;

    private bool TryLowerVectorFloat(VReg to, ref IrInstruction instruction)
    {
        var isSingle = instruction.Shape == VectorShape.F32x4;
        switch (instruction.Opcode)
        {
            case IrOpcode.VectorFloatMin:
                LowerVectorMin(to, Use(instruction.ValueA), Use(instruction.ValueB), isSingle);
                return true;
            case IrOpcode.VectorFloatMax:
                LowerVectorMax(to, Use(instruction.ValueA), Use(instruction.ValueB), isSingle);
                return true;
            case IrOpcode.VectorFloatPseudoMin or IrOpcode.VectorFloatPseudoMax:
                // The processor's own: the first if it is smaller (greater), else the second.
                var op = instruction.Opcode == IrOpcode.VectorFloatPseudoMin
                    ? isSingle ? SseOp.Minps : SseOp.Minpd
                    : isSingle ? SseOp.Maxps : SseOp.Maxpd;
                var other = VectorSource(instruction.ValueA);
                EmitBinary(to, op, Use(instruction.ValueB), other);
                return true;
            case IrOpcode.VectorFloatAbs:
                EmitBinary(to, SseOp.Andps, Use(instruction.ValueA), isSingle ? Splat32(0x7FFFFFFF) : Splat64(0x7FFFFFFFFFFFFFFF));
                return true;
            case IrOpcode.VectorFloatNeg:
                EmitBinary(to, SseOp.Xorps, Use(instruction.ValueA), isSingle ? Splat32(0x80000000) : Splat64(0x8000000000000000));
                return true;
            case IrOpcode.VectorMultiplyAdd or IrOpcode.VectorMultiplyAddNegated:
                LowerMultiplyAdd(to, ref instruction, isSingle);
                return true;
            case IrOpcode.VectorSaturateToSigned or IrOpcode.VectorToSignedRelaxed:
                LowerVectorToSigned(to, instruction.ValueA, isSingle, instruction.Opcode == IrOpcode.VectorToSignedRelaxed);
                return true;
            case IrOpcode.VectorSaturateToUnsigned or IrOpcode.VectorToUnsignedRelaxed:
                LowerVectorToUnsigned(to, instruction.ValueA, isSingle, instruction.Opcode == IrOpcode.VectorToUnsignedRelaxed);
                return true;
            case IrOpcode.VectorFromSigned:
                EmitMap(to, isSingle ? SseOp.Cvtdq2ps : SseOp.Cvtdq2pd, isSingle ? VectorSource(instruction.ValueA) : SourceOf(instruction.ValueA, 8));
                return true;
            case IrOpcode.VectorFromUnsigned:
                LowerVectorFromUnsigned(to, instruction.ValueA, isSingle);
                return true;
            case IrOpcode.VectorPromote:
                EmitMap(to, SseOp.Cvtps2pd, SourceOf(instruction.ValueA, 8));
                return true;
            default:
                return false;
        }
    }

    // Both orders of the processor's minimum: they differ for zeros of both signs, where "or" finds the negative one, and for NaN, which is made quiet with nothing but its top bits.
    private void LowerVectorMin(VReg to, VReg a, VReg b, bool isSingle)
    {
        var op = isSingle ? SseOp.Minps : SseOp.Minpd;
        var first = Binary(op, a, Of(b));
        var second = Binary(op, b, Of(a));
        EmitQuiet(to, Binary(SseOp.Orps, first, Of(second)), BinaryImmediate(isSingle ? SseOp.Cmpps : SseOp.Cmppd, first, Of(second), 3), isSingle);
    }

    // With the maximum the difference of the two orders is the sign of zeros, or anything for NaN: subtracting it leaves the positive zero.
    private void LowerVectorMax(VReg to, VReg a, VReg b, bool isSingle)
    {
        var op = isSingle ? SseOp.Maxps : SseOp.Maxpd;
        var first = Binary(op, a, Of(b));
        var second = Binary(op, b, Of(a));
        var difference = Binary(SseOp.Xorps, first, Of(second));
        var either = Binary(SseOp.Orps, first, Of(difference));
        var zeros = Binary(isSingle ? SseOp.Subps : SseOp.Subpd, either, Of(difference));
        var unordered = BinaryImmediate(isSingle ? SseOp.Cmpps : SseOp.Cmppd, zeros, Of(zeros), 3);
        EmitQuiet(to, zeros, unordered, isSingle);
    }

    // In unordered lanes: sets everything, then clears the fraction below its top bit.
    private void EmitQuiet(VReg to, VReg value, VReg unordered, bool isSingle)
    {
        var all = Binary(SseOp.Orps, value, Of(unordered));
        var fraction = Shift(isSingle ? SseOp.PsrldImm : SseOp.PsrlqImm, unordered, isSingle ? 10 : 13);
        EmitBinary(to, SseOp.Andnps, fraction, Of(all));
    }

    private void LowerMultiplyAdd(VReg to, ref IrInstruction instruction, bool isSingle)
    {
        var negated = instruction.Opcode == IrOpcode.VectorMultiplyAddNegated;
        if ((_features & CpuFeatures.Fma) == 0)
        {
            var product = Binary(isSingle ? SseOp.Mulps : SseOp.Mulpd, Use(instruction.ValueA), Of(Use(instruction.ValueB)));
            if (negated)
            {
                EmitBinary(to, isSingle ? SseOp.Subps : SseOp.Subpd, Use(instruction.ValueC), Of(product));
            }
            else
            {
                EmitBinary(to, isSingle ? SseOp.Addps : SseOp.Addpd, product, Of(Use(instruction.ValueC)));
            }

            return;
        }

        // The sum is usually what is carried round a loop: it is overwritten unless it has other uses.
        if (!LivesOn(instruction.ValueC))
        {
            var op = (isSingle, negated) switch
            {
                (true, false) => SseOp.Vfmadd231ps,
                (true, true) => SseOp.Vfnmadd231ps,
                (false, false) => SseOp.Vfmadd231pd,
                _ => SseOp.Vfnmadd231pd,
            };
            var (a, b) = CanMergeLoad(instruction.ValueA, 16) && !CanMergeLoad(instruction.ValueB, 16) ? (instruction.ValueB, instruction.ValueA) : (instruction.ValueA, instruction.ValueB);
            var factor = VectorSource(b);
            EmitTernary(to, op, Use(instruction.ValueC), Use(a), factor);
        }
        else
        {
            var op = (isSingle, negated) switch
            {
                (true, false) => SseOp.Vfmadd213ps,
                (true, true) => SseOp.Vfnmadd213ps,
                (false, false) => SseOp.Vfmadd213pd,
                _ => SseOp.Vfnmadd213pd,
            };
            EmitTernary(to, op, Use(instruction.ValueA), Use(instruction.ValueB), Of(Use(instruction.ValueC)));
        }
    }

    private void LowerVectorToSigned(VReg to, Value value, bool isSingle, bool relaxed)
    {
        if (relaxed)
        {
            EmitMap(to, isSingle ? SseOp.Cvttps2dq : SseOp.Cvttpd2dq, VectorSource(value));
            return;
        }

        var v = Use(value);
        if (isSingle)
        {
            // NaN becomes 0; what is too large converts to 0x80000000, which the comparison's ones turn round.
            var ordered = BinaryImmediate(SseOp.Cmpps, v, Of(v), 0);
            var number = Binary(SseOp.Andps, ordered, Of(v));
            var large = BinaryImmediate(SseOp.Cmpps, LoadVectorConstant(VectorLanes.Splat(TwoTo31Single, 32)), Of(number), 2);
            EmitBinary(to, SseOp.Pxor, Map(SseOp.Cvttps2dq, Of(number)), Of(large));
            return;
        }

        // The minimum returns its second source for NaN: 0 there, the largest result elsewhere.
        var most = Binary(SseOp.Andps, BinaryImmediate(SseOp.Cmppd, v, Of(v), 0), Splat64(0x41DFFFFFFFC00000));
        EmitMap(to, SseOp.Cvttpd2dq, Of(Binary(SseOp.Minpd, v, Of(most))));
    }

    private void LowerVectorToUnsigned(VReg to, Value value, bool isSingle, bool relaxed)
    {
        if (HasAvx512)
        {
            // Too large is all ones; below zero and NaN would be too.
            var positive = relaxed ? VectorSource(value) : Of(Binary(isSingle ? SseOp.Maxps : SseOp.Maxpd, Use(value), ConstantVector(0)));
            EmitMap(to, isSingle ? SseOp.Vcvttps2udq : SseOp.Vcvttpd2udq, positive);
            return;
        }

        // The maximum returns its second source for NaN.
        var zero = LoadVectorConstant(0);
        if (isSingle)
        {
            var number = Binary(SseOp.Maxps, Use(value), Of(zero));
            var low = Map(SseOp.Cvttps2dq, Of(number));
            var limit = LoadVectorConstant(VectorLanes.Splat(TwoTo31Single, 32));
            var above = Binary(SseOp.Subps, number, Of(limit));
            var tooLarge = BinaryImmediate(SseOp.Cmpps, limit, Of(above), 2);
            var rest = Binary(SseOp.Pxor, Map(SseOp.Cvttps2dq, Of(above)), Of(tooLarge));
            EmitBinary(to, SseOp.Paddd, Binary(SseOp.Pmaxsd, rest, Of(zero)), Of(low));
            return;
        }

        // Added to 2^52, an integer is the low half of the sum.
        var clamped = Binary(SseOp.Minpd, Binary(SseOp.Maxpd, Use(value), Of(zero)), Splat64(0x41EFFFFFFFE00000));
        var sum = Binary(SseOp.Addpd, Map(SseOp.Roundpd, Of(clamped), 11), Splat64(TwoTo52));
        EmitBinaryImmediate(to, SseOp.Shufps, sum, Of(zero), 0x88);
    }

    private void LowerVectorFromUnsigned(VReg to, Value value, bool isSingle)
    {
        if (HasAvx512)
        {
            EmitMap(to, isSingle ? SseOp.Vcvtudq2ps : SseOp.Vcvtudq2pd, isSingle ? VectorSource(value) : SourceOf(value, 8));
            return;
        }

        var v = Use(value);
        if (!isSingle)
        {
            // The integer below the exponent of 2^52.
            var big = Binary(SseOp.Unpcklps, v, Splat32((uint)(TwoTo52 >> 32)));
            EmitBinary(to, SseOp.Subpd, big, Splat64(TwoTo52));
            return;
        }

        // The halves as floats of which only the last sum rounds: 2^23 + low, and 2^39 + high · 2^16, less both powers.
        var low = BinaryImmediate(SseOp.Pblendw, v, Splat32(0x4B000000), 0xAA);
        var high = BinaryImmediate(SseOp.Pblendw, Shift(SseOp.PsrldImm, v, 16), Splat32(0x53000000), 0xAA);
        EmitBinary(to, SseOp.Addps, Binary(SseOp.Subps, high, Splat32(0x53000080)), Of(low));
    }
}

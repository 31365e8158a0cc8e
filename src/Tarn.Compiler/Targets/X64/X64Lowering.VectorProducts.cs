// Products of lanes, wide products, and sums of products.
using Tarn.Assembler.X64;
using Tarn.Compiler.IR;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

/// <content>Products.</content>
internal sealed partial class X64Lowering
{
    private void LowerMul64(VReg to, Value a, Value b)
    {
        if (TryLow32(a, out var low) && TryLow32(b, out var other32))
        {
            EmitBinary(to, SseOp.Pmuludq, Use(low), VectorSource(other32));
            return;
        }

        if (HasAvx512)
        {
            var factor = VectorSource(b);
            EmitBinary(to, SseOp.Vpmullq, Use(a), factor);
            return;
        }

        // The high halves' products with the other's low half, shifted, and the low halves' full product.
        var (x, y) = (Use(a), Use(b));
        var crossed = Binary(SseOp.Pmuludq, Shift(SseOp.PsrlqImm, x, 32), Of(y));
        var other = Binary(SseOp.Pmuludq, Shift(SseOp.PsrlqImm, y, 32), Of(x));
        var high = Shift(SseOp.PsllqImm, Binary(SseOp.Paddq, crossed, Of(other)), 32);
        EmitBinary(to, SseOp.Paddq, high, Of(Binary(SseOp.Pmuludq, x, Of(y))));
    }

    // The instruction for products of 32-bit numbers ignores the upper halves of its sources: what clears them is left out.
    private bool TryLow32(Value value, out Value source)
    {
        source = value;
        ref var instruction = ref _ir.Get(value);
        if (instruction.Opcode == IrOpcode.VectorShiftRightUnsigned)
        {
            return instruction.Shape == VectorShape.I64x2 && _ir.IsConstant(instruction.ValueB, out var count) && (count & 63) >= 32;
        }

        if (instruction.Opcode is IrOpcode.VectorExtendLowUnsigned or IrOpcode.VectorExtendHighUnsigned)
        {
            return true;
        }

        if (instruction.Opcode != IrOpcode.VectorAnd)
        {
            return IsConstantVector(value, out var constant) && (constant & Low32) == constant;
        }

        for (var k = 0; k < 2; k++)
        {
            var (mask, kept) = k == 0 ? (instruction.ValueB, instruction.ValueA) : (instruction.ValueA, instruction.ValueB);
            if (IsConstantVector(mask, out var bits) && (bits & Low32) == bits)
            {
                // Only a mask of all lower bits may be left out.
                source = bits == Low32 ? kept : value;
                return true;
            }
        }

        return false;
    }

    private bool IsConstantVector(Value value, out UInt128 bits)
    {
        ref var instruction = ref _ir.Get(value);
        var isConstant = instruction.Opcode == IrOpcode.Constant && instruction.Type == IrType.V128;
        bits = isConstant ? _ir.Vectors[instruction.A] : 0;
        return isConstant;
    }

    private static UInt128 Low32 => VectorLanes.Splat(uint.MaxValue, 64);

    // A sum with products of 16-bit numbers in one instruction. It takes longer than an addition alone, so not where the sum is carried around a loop.
    private bool TryLowerDotSum(VReg to, ref IrInstruction instruction)
    {
        if ((_features & (CpuFeatures.Avx512Vnni | CpuFeatures.AvxVnni)) == 0 || instruction.Shape != VectorShape.I32x4)
        {
            return false;
        }

        for (var k = 0; k < 2; k++)
        {
            var (product, sum) = k == 0 ? (instruction.ValueA, instruction.ValueB) : (instruction.ValueB, instruction.ValueA);
            if (_ir.Get(product).Opcode != IrOpcode.VectorDot || _ir.Get(sum).Opcode == IrOpcode.BlockParameter || !IsMergeable(product))
            {
                continue;
            }

            _merged[product] = true;
            ref var dot = ref _ir.Get(product);
            var op = (_features & CpuFeatures.AvxVnni) != 0 ? SseOp.Vpdpwssd : SseOp.VpdpwssdEvex;
            var right = VectorSource(dot.ValueB);
            EmitTernary(to, op, Use(sum), Use(dot.ValueA), right);
            return true;
        }

        return false;
    }

    private void LowerDotAdd(VReg to, ref IrInstruction instruction)
    {
        var (a, b, c) = (Use(instruction.ValueA), Use(instruction.ValueB), Use(instruction.ValueC));
        if ((_features & (CpuFeatures.Avx512Vnni | CpuFeatures.AvxVnni)) != 0)
        {
            var op = (_features & CpuFeatures.AvxVnni) != 0 ? SseOp.Vpdpbusd : SseOp.VpdpbusdEvex;
            EmitTernary(to, op, c, b, Of(a));
            return;
        }

        var pairs = Binary(SseOp.Pmaddwd, Binary(SseOp.Pmaddubsw, b, Of(a)), Splat32(0x00010001));
        EmitBinary(to, SseOp.Paddd, pairs, Of(c));
    }

    private void LowerWideMul(VReg to, ref IrInstruction instruction)
    {
        var isHigh = instruction.Opcode is IrOpcode.VectorMulHighSigned or IrOpcode.VectorMulHighUnsigned;
        var isSigned = instruction.Opcode is IrOpcode.VectorMulLowSigned or IrOpcode.VectorMulHighSigned;
        switch (instruction.Shape)
        {
            case VectorShape.I16x8:
                var extend = isHigh
                    ? isSigned ? IrOpcode.VectorExtendHighSigned : IrOpcode.VectorExtendHighUnsigned
                    : isSigned ? IrOpcode.VectorExtendLowSigned : IrOpcode.VectorExtendLowUnsigned;
                var (x, y) = (NewVector(), NewVector());
                LowerVectorExtend(x, extend, VectorShape.I16x8, instruction.ValueA);
                LowerVectorExtend(y, extend, VectorShape.I16x8, instruction.ValueB);
                EmitBinary(to, SseOp.Pmullw, x, Of(y));
                break;
            case VectorShape.I32x4:
                var (a, b) = (Use(instruction.ValueA), Use(instruction.ValueB));
                var low = Binary(SseOp.Pmullw, a, Of(b));
                var high = Binary(isSigned ? SseOp.Pmulhw : SseOp.Pmulhuw, a, Of(b));
                EmitBinary(to, isHigh ? SseOp.Punpckhwd : SseOp.Punpcklwd, low, Of(high));
                break;
            default:
                var lanes = isHigh ? 0xFA : 0x50;
                var left = Map(SseOp.Pshufd, VectorSource(instruction.ValueA), lanes);
                var right = Map(SseOp.Pshufd, instruction.A == instruction.B ? Of(Use(instruction.ValueB)) : VectorSource(instruction.ValueB), lanes);
                EmitBinary(to, isSigned ? SseOp.Pmuldq : SseOp.Pmuludq, left, Of(right));
                break;
        }
    }
}

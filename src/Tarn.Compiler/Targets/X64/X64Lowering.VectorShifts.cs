// Shifts and rotations of lanes, by constants and by numbers, which are taken modulo the lanes' width.
using Tarn.Assembler.X64;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

using Tarn.Compiler.IR;
using Tarn.Compiler.IR.Analysis;

/// <content>Shifts of vectors.</content>
internal sealed partial class X64Lowering
{
    // (x << n) | (x >> bits − n): WebAssembly has no rotation, so this is how ciphers and hashes write it.
    private bool TryLowerRotation(VReg to, ref IrInstruction instruction)
    {
        ref var left = ref _ir.Get(instruction.ValueA);
        ref var right = ref _ir.Get(instruction.ValueB);
        if (left.Opcode == IrOpcode.VectorShiftRightUnsigned)
        {
            ref var swap = ref left;
            left = ref right;
            right = ref swap;
        }

        var bits = left.Shape.LaneBits();
        if (left.Opcode != IrOpcode.VectorShiftLeft || right.Opcode != IrOpcode.VectorShiftRightUnsigned || left.Shape != right.Shape || left.A != right.A
            || !IsMergeable(instruction.ValueA) || !IsMergeable(instruction.ValueB)
            || !_ir.IsConstant(left.ValueB, out var count) || !_ir.IsConstant(right.ValueB, out var rest)
            || (count &= (ulong)bits - 1) == 0 || (rest & ((ulong)bits - 1)) != (ulong)bits - count
            || (instruction.Opcode == IrOpcode.VectorAdd && instruction.Shape != left.Shape))
        {
            return false;
        }

        var isWide = bits is 32 or 64 && HasAvx512;
        if (!isWide && (count % 8 != 0 || bits == 8))
        {
            return false;
        }

        _merged[instruction.A] = true;
        _merged[instruction.B] = true;
        var v = Use(left.ValueA);
        if (isWide)
        {
            EmitShift(to, bits == 32 ? SseOp.VproldImm : SseOp.VprolqImm, v, (int)count);
            return true;
        }

        // By whole bytes: a permutation of them.
        UInt128 lanes = 0;
        var bytes = bits / 8;
        for (var k = 0; k < 16; k++)
        {
            lanes |= VectorLanes.Place((ulong)((k & -bytes) + ((k - ((int)count / 8)) & (bytes - 1))), 8, k);
        }

        EmitBinary(to, SseOp.Pshufb, v, ConstantVector(lanes));
        return true;
    }

    private void LowerVectorShift(VReg to, ref IrInstruction instruction)
    {
        var shape = instruction.Shape;
        var opcode = instruction.Opcode;
        if (_ir.IsConstant(instruction.ValueB, out var bits))
        {
            ShiftByConstant(to, opcode, shape, Use(instruction.ValueA), (int)bits & (shape.LaneBits() - 1));
            return;
        }

        var v = Use(instruction.ValueA);
        var count = MaskedCount(instruction.ValueB, shape.LaneBits());
        if (shape == VectorShape.I8x16)
        {
            ShiftBytes(to, opcode, v, count);
            return;
        }

        var amount = ToVector(count);
        if (shape == VectorShape.I64x2 && opcode == IrOpcode.VectorShiftRightSigned && !HasAvx512)
        {
            // The sign bit, shifted too, carries through the bits above it.
            var shifted = Binary(SseOp.Psrlq, v, Of(amount));
            var sign = Binary(SseOp.Psrlq, LoadVectorConstant(VectorLanes.Splat(1UL << 63, 64)), Of(amount));
            EmitBinary(to, SseOp.Psubq, Binary(SseOp.Pxor, shifted, Of(sign)), Of(sign));
            return;
        }

        EmitBinary(to, ShiftOf(opcode, shape), v, Of(amount));
    }

    private static SseOp ShiftOf(IrOpcode opcode, VectorShape shape) => (opcode, shape) switch
    {
        (IrOpcode.VectorShiftLeft, VectorShape.I16x8) => SseOp.Psllw,
        (IrOpcode.VectorShiftLeft, VectorShape.I32x4) => SseOp.Pslld,
        (IrOpcode.VectorShiftLeft, _) => SseOp.Psllq,
        (IrOpcode.VectorShiftRightSigned, VectorShape.I16x8) => SseOp.Psraw,
        (IrOpcode.VectorShiftRightSigned, VectorShape.I32x4) => SseOp.Psrad,
        (IrOpcode.VectorShiftRightSigned, _) => SseOp.Vpsraq,
        (_, VectorShape.I16x8) => SseOp.Psrlw,
        (_, VectorShape.I32x4) => SseOp.Psrld,
        _ => SseOp.Psrlq,
    };

    private static SseOp ShiftImmediateOf(IrOpcode opcode, VectorShape shape) => (opcode, shape) switch
    {
        (IrOpcode.VectorShiftLeft, VectorShape.I16x8) => SseOp.PsllwImm,
        (IrOpcode.VectorShiftLeft, VectorShape.I32x4) => SseOp.PslldImm,
        (IrOpcode.VectorShiftLeft, _) => SseOp.PsllqImm,
        (IrOpcode.VectorShiftRightSigned, VectorShape.I16x8) => SseOp.PsrawImm,
        (IrOpcode.VectorShiftRightSigned, VectorShape.I32x4) => SseOp.PsradImm,
        (IrOpcode.VectorShiftRightSigned, _) => SseOp.VpsraqImm,
        (_, VectorShape.I16x8) => SseOp.PsrlwImm,
        (_, VectorShape.I32x4) => SseOp.PsrldImm,
        _ => SseOp.PsrlqImm,
    };

    private void ShiftByConstant(VReg to, IrOpcode opcode, VectorShape shape, VReg v, int count)
    {
        if (shape != VectorShape.I8x16 && (shape != VectorShape.I64x2 || opcode != IrOpcode.VectorShiftRightSigned || HasAvx512))
        {
            EmitShift(to, ShiftImmediateOf(opcode, shape), v, count);
            return;
        }

        if (shape == VectorShape.I64x2)
        {
            var sign = Splat64(1UL << (63 - count));
            EmitBinary(to, SseOp.Psubq, Binary(SseOp.Pxor, Shift(SseOp.PsrlqImm, v, count), sign), sign);
        }
        else if (opcode == IrOpcode.VectorShiftLeft)
        {
            if (count == 1)
            {
                EmitBinary(to, SseOp.Paddb, v, Of(v));
                return;
            }

            EmitBinary(to, SseOp.Pand, Shift(SseOp.PsllwImm, v, count), ConstantVector(VectorLanes.Splat(0xFFUL << count & 0xFF, 8)));
        }
        else if (opcode == IrOpcode.VectorShiftRightSigned && count == 7)
        {
            EmitBinary(to, SseOp.Pcmpgtb, LoadVectorConstant(0), Of(v));
        }
        else
        {
            var mask = ConstantVector(VectorLanes.Splat(0xFFUL >> count, 8));
            if (opcode == IrOpcode.VectorShiftRightUnsigned)
            {
                EmitBinary(to, SseOp.Pand, Shift(SseOp.PsrlwImm, v, count), mask);
                return;
            }

            var sign = ConstantVector(VectorLanes.Splat(0x80UL >> count, 8));
            var shifted = Binary(SseOp.Pand, Shift(SseOp.PsrlwImm, v, count), mask);
            EmitBinary(to, SseOp.Psubb, Binary(SseOp.Pxor, shifted, sign), sign);
        }
    }

    private VReg MaskedCount(Value value, int bits)
    {
        if (_ranges.UpperBound(value, ValueRanges.Depth) < (ulong)bits)
        {
            return Use(value);
        }

        var masked = _machine.NewVirtualRegister(MachineType.I32);
        var count = Use(value);
        Begin(X64Opcode.AluImmediate, 4, (int)AluOp.And, bits - 1);
        Add(masked, OperandKind.DefTied);
        Add(count, OperandKind.UseTied);
        return masked;
    }

    // A 32-bit number into the lowest lane, zeros into the others.
    private VReg ToVector(VReg number, int width = 4)
    {
        var v = NewVector();
        Begin(X64Opcode.MoveBits, width);
        Add(v, OperandKind.Def);
        Add(number, OperandKind.UseAny);
        return v;
    }

    // There are no shifts of bytes: words are shifted, and what comes from the neighbour is masked out with all ones shifted alike; or bytes are made words.
    private void ShiftBytes(VReg to, IrOpcode opcode, VReg v, VReg count)
    {
        if (opcode == IrOpcode.VectorShiftRightSigned)
        {
            var more = _machine.NewVirtualRegister(MachineType.I32);
            Begin(X64Opcode.Add3Immediate, 4, immediate: 8);
            Add(more, OperandKind.Def);
            Add(count, OperandKind.Use);
            var wide = ToVector(more);
            var low = Binary(SseOp.Psraw, Binary(SseOp.Punpcklbw, v, Of(v)), Of(wide));
            var high = Binary(SseOp.Psraw, Binary(SseOp.Punpckhbw, v, Of(v)), Of(wide));
            EmitBinary(to, SseOp.Packsswb, low, Of(high));
            return;
        }

        var amount = ToVector(count);
        var ones = LoadVectorConstant(VectorLanes.Ones);
        if (opcode == IrOpcode.VectorShiftLeft)
        {
            var mask = Binary(SseOp.Pshufb, Binary(SseOp.Psllw, ones, Of(amount)), ConstantVector(0));
            EmitBinary(to, SseOp.Pand, Binary(SseOp.Psllw, v, Of(amount)), Of(mask));
        }
        else
        {
            var mask = Binary(SseOp.Pshufb, Binary(SseOp.Psrlw, ones, Of(amount)), Splat32(0x01010101));
            EmitBinary(to, SseOp.Pand, Binary(SseOp.Psrlw, v, Of(amount)), Of(mask));
        }
    }
}

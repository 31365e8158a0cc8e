// Floating-point instructions. Sequences have their rare part after all blocks. The hardware's scalar operations with one source keep the upper part of
// their destination and so depend on its old value; each form here breaks that.
using System.Diagnostics;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

/// <content>Floating point.</content>
internal sealed partial class X64Emitter
{
    private void EmitVectorBinary(int i, in MachineInstruction instruction)
    {
        var op = (SseOp)(uint)instruction.Immediate;
        if (IsMemory(instruction, 2, out var mem))
        {
            Site(i, instruction);
            _asm.Vec(op, X(instruction, 0), X(instruction, 1), mem);
        }
        else
        {
            _asm.Vec(op, X(instruction, 0), X(instruction, 1), X(instruction, 2));
        }
    }

    private void EmitVectorUnary(int i, in MachineInstruction instruction)
    {
        var op = (SseOp)(uint)instruction.Immediate;
        var to = X(instruction, 0);
        var hasImmediate = (X64Opcode)instruction.Opcode == X64Opcode.VectorUnaryImmediate;
        var value = (int)instruction.Condition;
        if (IsMemory(instruction, 1, out var mem))
        {
            _asm.ZeroXmm(to);
            Site(i, instruction);
            if (hasImmediate)
            {
                _asm.VecImm(op, to, mem, value);
            }
            else
            {
                _asm.Vec(op, to, mem);
            }

            return;
        }

        var from = X(instruction, 1);
        if (_asm.HasAvx)
        {
            if (hasImmediate)
            {
                _asm.AvxImm(op, to, from, from, value);
            }
            else
            {
                _asm.Avx(op, to, from, from);
            }

            return;
        }

        if (to != from)
        {
            _asm.ZeroXmm(to);
        }

        if (hasImmediate)
        {
            _asm.SseImm(op, to, from, value);
        }
        else
        {
            _asm.Sse(op, to, from);
        }
    }

    private void EmitSelectVector(in MachineInstruction instruction)
    {
        // The tied operand holds the value for "yes".
        var condition = (int)instruction.Condition;
        var keep = _asm.NewLabel();
        var replace = _asm.NewLabel();
        switch (condition)
        {
            case (int)X64Condition.EqualOrdered:
                _asm.Jcc(Condition.Parity, replace);
                _asm.Jcc(Condition.Equal, keep);
                break;
            case (int)X64Condition.NotEqualOrUnordered:
                _asm.Jcc(Condition.NotEqual, keep);
                _asm.Jcc(Condition.Parity, keep);
                break;
            default:
                _asm.Jcc((Condition)condition, keep);
                break;
        }

        _asm.Bind(replace);
        if (IsMemory(instruction, 2, out var mem))
        {
            EmitVectorLoad(WidthOf(instruction), At(instruction, 0), mem);
        }
        else
        {
            _asm.MovXmm(X(instruction, 0), X(instruction, 2));
        }

        _asm.Bind(keep);
    }

    private static int WidthOf(in MachineInstruction instruction) => instruction.Width;

    // Equal operands differ in sign at most, which or (min) and and (max) get right; NaN comes out of an addition, quiet. Both are "equal" to ucomis.
    private void EmitMinMax(int i, in MachineInstruction instruction)
    {
        var isSingle = instruction.Width == 4;
        var a = X(instruction, 1);
        var b = X(instruction, 2);
        var start = _asm.NewLabel();
        var back = _asm.NewLabel();
        _asm.Vec(isSingle ? SseOp.Ucomiss : SseOp.Ucomisd, a, b);
        _asm.Jcc(Condition.Equal, start);
        var op = instruction.Condition == 0
            ? isSingle ? SseOp.Minss : SseOp.Minsd
            : isSingle ? SseOp.Maxss : SseOp.Maxsd;
        _asm.Vec(op, X(instruction, 0), a, b);
        _asm.Bind(back);
        _cold.Add(new Cold { Kind = ColdKind.MinMax, Start = start, Return = back, Instruction = i });
    }

    private void EmitMinMaxCold(in Cold cold)
    {
        ref var instruction = ref _machine.Instructions[cold.Instruction];
        var to = X(instruction, 0);
        var a = X(instruction, 1);
        var b = X(instruction, 2);
        var nan = _asm.NewLabel();
        _asm.Jcc(Condition.Parity, nan);
        _asm.Vec(instruction.Condition == 0 ? SseOp.Orps : SseOp.Andps, to, a, b);
        _asm.Jmp(cold.Return);
        _asm.Bind(nan);
        _asm.Vec(instruction.Width == 4 ? SseOp.Addss : SseOp.Addsd, to, a, b);
        _asm.Jmp(cold.Return);
    }

    private void EmitIntegerToFloat(int i, in MachineInstruction instruction)
    {
        var to = X(instruction, 0);
        var op = (instruction.Width, instruction.Aux) switch
        {
            (4, 4) => SseOp.Cvtsi2ss,
            (4, _) => SseOp.Cvtsi2sd,
            (_, 4) => SseOp.Cvtsi2ss64,
            _ => SseOp.Cvtsi2sd64,
        };
        _asm.ZeroXmm(to);
        if (IsMemory(instruction, 1, out var mem))
        {
            Site(i, instruction);
            _asm.Vec(op, to, mem);
        }
        else
        {
            _asm.Vec(op, to, G(instruction, 1));
        }
    }

    private void EmitUnsigned64ToFloat(int i, in MachineInstruction instruction)
    {
        var from = G(instruction, 2);
        var to = X(instruction, 0);
        var start = _asm.NewLabel();
        var back = _asm.NewLabel();
        _asm.Test(OperandSize.S64, from, from);
        _asm.Jcc(Condition.Sign, start);
        _asm.ZeroXmm(to);
        _asm.Vec(instruction.Aux == 4 ? SseOp.Cvtsi2ss64 : SseOp.Cvtsi2sd64, to, from);
        _asm.Bind(back);
        _cold.Add(new Cold { Kind = ColdKind.Unsigned64ToFloat, Start = start, Return = back, Instruction = i });
    }

    // Half the number, with the lost bit kept as a sticky one so that rounding is right, is converted and doubled.
    private void EmitUnsigned64ToFloatCold(in Cold cold)
    {
        ref var instruction = ref _machine.Instructions[cold.Instruction];
        var to = X(instruction, 0);
        var temp = G(instruction, 1);
        var from = G(instruction, 2);
        var isEven = _asm.NewLabel();
        _asm.Mov(OperandSize.S64, temp, from);
        _asm.Shift(ShiftOp.Shr, OperandSize.S64, temp, 1);
        _asm.Test(OperandSize.S8, from, 1);
        _asm.Jcc(Condition.Equal, isEven);
        _asm.Alu(AluOp.Or, OperandSize.S64, temp, 1);
        _asm.Bind(isEven);
        _asm.ZeroXmm(to);
        _asm.Vec(instruction.Aux == 4 ? SseOp.Cvtsi2ss64 : SseOp.Cvtsi2sd64, to, temp);
        _asm.Vec(instruction.Aux == 4 ? SseOp.Addss : SseOp.Addsd, to, to, to);
        _asm.Jmp(cold.Return);
    }

    // ---- Float to integer. The hardware gives the smallest integer for whatever it cannot convert; subtracting 1 from that, and from nothing else,
    // overflows. Everything else is found out in the cold part.

    private static SseOp TruncateOp(int floatWidth, bool wide) => (floatWidth, wide) switch
    {
        (4, false) => SseOp.Cvttss2si,
        (4, true) => SseOp.Cvttss2si64,
        (_, false) => SseOp.Cvttsd2si,
        _ => SseOp.Cvttsd2si64,
    };

    private void EmitTruncate(int i, in MachineInstruction instruction)
    {
        var to = G(instruction, 0);
        var from = X(instruction, 3);
        var wide = instruction.Aux == 8;
        var start = _asm.NewLabel();
        var back = _asm.NewLabel();
        if (((X64Truncation)instruction.Condition & X64Truncation.Signed) != 0)
        {
            _asm.Vec(TruncateOp(instruction.Width, wide), to, from);
            _asm.Cmp(wide ? OperandSize.S64 : OperandSize.S32, to, 1);
            _asm.Jcc(Condition.Overflow, start);
        }
        else if (!wide)
        {
            var temp = G(instruction, 1);
            _asm.Vec(TruncateOp(instruction.Width, wide: true), to, from);
            _asm.Mov(OperandSize.S32, temp, to);
            _asm.Cmp(OperandSize.S64, temp, to);
            _asm.Jcc(Condition.NotEqual, start);
        }
        else
        {
            var big = _asm.NewLabel();
            EmitFloatCompare(instruction.Width, from, 9223372036854775808.0);
            _asm.Jcc(Condition.AboveEqual, big);
            _asm.Vec(TruncateOp(instruction.Width, wide: true), to, from);
            _asm.Test(OperandSize.S64, to, to);
            _asm.Jcc(Condition.Sign, start);
            _cold.Add(new Cold { Kind = ColdKind.TruncateBig, Start = big, Return = back, Instruction = i, Source = _machine.Sources[i] });
        }

        _asm.Bind(back);
        _cold.Add(new Cold { Kind = ColdKind.Truncate, Start = start, Return = back, Instruction = i, Source = _machine.Sources[i] });
    }

    private void EmitFloatCompare(int width, Xmm value, double with)
    {
        if (width == 4)
        {
            _asm.Vec(SseOp.Ucomiss, value, _asm.Constant4(BitConverter.SingleToUInt32Bits((float)with)));
        }
        else
        {
            _asm.Vec(SseOp.Ucomisd, value, _asm.Constant8(BitConverter.DoubleToUInt64Bits(with)));
        }
    }

    private void EmitTruncateCold(in Cold cold)
    {
        ref var instruction = ref _machine.Instructions[cold.Instruction];
        var kind = (X64Truncation)instruction.Condition;
        var to = G(instruction, 0);
        var from = X(instruction, 3);
        var width = instruction.Width;
        var wide = instruction.Aux == 8;
        if ((kind & X64Truncation.Saturate) != 0)
        {
            EmitSaturate(cold, kind, to, from, width, wide);
            return;
        }

        _asm.Vec(width == 4 ? SseOp.Ucomiss : SseOp.Ucomisd, from, from);
        TrapIf(Condition.Parity, (int)TrapCode.InvalidConversionToInteger, cold.Source);
        if ((kind & X64Truncation.Signed) == 0)
        {
            EmitTrapCall((int)TrapCode.IntegerOverflow, cold.Source, inPrologue: false);
            return;
        }

        // What truncates to the smallest integer is fine. Of the floats only f64 has values between it and the one below.
        if (width == 8 && !wide)
        {
            EmitFloatCompare(width, from, -2147483649.0);
            TrapIf(Condition.BelowEqual, (int)TrapCode.IntegerOverflow, cold.Source);
        }
        else
        {
            EmitFloatCompare(width, from, wide ? -9223372036854775808.0 : -2147483648.0);
            TrapIf(Condition.Below, (int)TrapCode.IntegerOverflow, cold.Source);
        }

        _asm.ZeroXmm(Scratch);
        _asm.Vec(width == 4 ? SseOp.Ucomiss : SseOp.Ucomisd, from, Scratch);
        TrapIf(Condition.Above, (int)TrapCode.IntegerOverflow, cold.Source);
        _asm.Jmp(cold.Return);
    }

    private void EmitSaturate(in Cold cold, X64Truncation kind, Gpr to, Xmm from, int width, bool wide)
    {
        // Above zero: too large. Below: too small, which for signed is what the register holds. Unordered: 0.
        _asm.ZeroXmm(Scratch);
        _asm.Vec(width == 4 ? SseOp.Ucomiss : SseOp.Ucomisd, from, Scratch);
        var large = _asm.NewLabel();
        if ((kind & X64Truncation.Signed) != 0)
        {
            var zero = _asm.NewLabel();
            _asm.Jcc(Condition.Parity, zero);
            _asm.Jcc(Condition.Above, large);
            _asm.Jmp(cold.Return);
            _asm.Bind(large);
            _asm.MovImm(to, wide ? long.MaxValue : int.MaxValue);
            _asm.Jmp(cold.Return);
            _asm.Bind(zero);
        }
        else if (!wide)
        {
            _asm.Jcc(Condition.BelowEqual, large);
            _asm.MovImm32(to, -1);
            _asm.Jmp(cold.Return);
            _asm.Bind(large);
        }

        _asm.Zero(to);
        _asm.Jmp(cold.Return);
    }

    // Unsigned, from 2⁶³ up: converted less 2⁶³.
    private void EmitTruncateBig(in Cold cold)
    {
        ref var instruction = ref _machine.Instructions[cold.Instruction];
        var to = G(instruction, 0);
        var temp = G(instruction, 1);
        var difference = X(instruction, 2);
        var from = X(instruction, 3);
        var isSingle = instruction.Width == 4;
        var mem = isSingle
            ? _asm.Constant4(BitConverter.SingleToUInt32Bits(9223372036854775808.0f))
            : _asm.Constant8(BitConverter.DoubleToUInt64Bits(9223372036854775808.0));
        if (!_asm.HasAvx)
        {
            _asm.MovXmm(difference, from);
        }

        _asm.Vec(isSingle ? SseOp.Subss : SseOp.Subsd, difference, _asm.HasAvx ? from : difference, mem);
        _asm.Vec(TruncateOp(instruction.Width, wide: true), to, difference);
        _asm.Test(OperandSize.S64, to, to);
        if (((X64Truncation)instruction.Condition & X64Truncation.Saturate) != 0)
        {
            var fits = _asm.NewLabel();
            _asm.Jcc(Condition.NoSign, fits);
            _asm.MovImm(to, -1);
            _asm.Jmp(cold.Return);
            _asm.Bind(fits);
        }
        else
        {
            TrapIf(Condition.Sign, (int)TrapCode.IntegerOverflow, cold.Source);
        }

        _asm.MovImm(temp, long.MinValue);
        _asm.Alu(AluOp.Xor, OperandSize.S64, to, temp);
        _asm.Jmp(cold.Return);
        Debug.Assert(_pushed == 0, "no conversion between pushes and their call");
    }
}

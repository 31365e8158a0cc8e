// The second half of the instruction emitters: see X64Emitter.Instructions.cs for the conventions that both keep.
using Tarn.Assembler.X64;
using Tarn.Compiler.Allocate;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

internal sealed partial class X64Emitter
{
    private void EmitAluMemoryImmediate(int i, in MachineInstruction instruction)
    {
        var op = (AluOp)instruction.Condition;
        var size = Size(instruction.Width);
        var mem = AddressOf(instruction, 0);
        var value = instruction.Width switch { 1 => (sbyte)instruction.Immediate, 2 => (short)instruction.Immediate, _ => instruction.Immediate };
        Site(i, instruction);
        if (value == 1 && op is AluOp.Add or AluOp.Sub)
        {
            if (op == AluOp.Add)
            {
                _asm.Inc(size, mem);
            }
            else
            {
                _asm.Dec(size, mem);
            }
        }
        else
        {
            _asm.Alu(op, size, mem, value);
        }
    }

    // Before a comparison whose outcome is made a number: clears the number's register first, if the comparison does not read it.
    private void PrepareSet(int i, in MachineInstruction instruction)
    {
        ref var set = ref _machine.Instructions[i + 1];
        if ((X64Opcode)set.Opcode != X64Opcode.Set || set.Condition >= 16 || set.OperandCount == 2)
        {
            return;
        }

        var to = At(set, 0);
        for (var k = 0; k < instruction.OperandCount; k++)
        {
            if (At(instruction, k) == to)
            {
                return;
            }
        }

        // A move in between could want what is in the register still.
        if (HasMovesBefore(i + 1))
        {
            return;
        }

        _asm.Zero((Gpr)to.Value);
        _cleared = to.Value;
    }

    private int _cleared = -1;

    private bool HasMovesBefore(int instruction)
    {
        // Moves are sorted, and those before the instruction at hand are done: a binary search is enough and rarely needed.
        int low = _layout.MoveStart(_current), high = _allocation.Moves.Count;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_allocation.Moves[middle].Instruction < instruction)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low < _allocation.Moves.Count && _allocation.Moves[low].Instruction == instruction;
    }

    private void EmitSet(in MachineInstruction instruction)
    {
        var to = G(instruction, 0);
        var condition = (int)instruction.Condition;
        if (condition >= 16)
        {
            // The parity flag's part in ah's place would need a second register: use the scratch-free form with a branch.
            var isEqual = condition == (int)X64Condition.EqualOrdered;
            var done = _asm.NewLabel();
            _asm.MovImm32(to, isEqual ? 0 : 1);
            _asm.Jcc(Condition.Parity, done);
            _asm.Setcc(isEqual ? Condition.Equal : Condition.NotEqual, to);
            _asm.Bind(done);
        }
        else
        {
            _asm.Setcc((Condition)condition, to);
            if (_cleared != (int)to && instruction.OperandCount == 1)
            {
                _asm.Movzx(OperandSize.S8, to, to);
            }
        }

        _cleared = -1;
        _setRegister = condition < 16 ? (int)to : -1;
        _setCondition = condition;
    }

    private void EmitCompare(int i, in MachineInstruction instruction)
    {
        PrepareSet(i, instruction);
        if (IsMemory(instruction, 1, out var mem))
        {
            Site(i, instruction);
            _asm.Cmp(Size(instruction.Width), G(instruction, 0), mem);
        }
        else
        {
            _asm.Cmp(Size(instruction.Width), G(instruction, 0), G(instruction, 1));
        }
    }

    private void EmitCompareImmediate(int i, in MachineInstruction instruction)
    {
        PrepareSet(i, instruction);
        var size = Size(instruction.Width);
        if (IsMemory(instruction, 0, out var mem))
        {
            Site(i, instruction);
            _asm.Cmp(size, mem, instruction.Immediate);
        }
        else
        {
            _asm.Cmp(size, G(instruction, 0), instruction.Immediate);
        }
    }

    private void EmitCompareTypeId(int i, in MachineInstruction instruction)
    {
        // Any value that takes 32 bits: it is replaced, and its field is what comes last.
        const int placeholder = int.MaxValue;
        PrepareSet(i, instruction);
        if (IsMemory(instruction, 0, out var mem))
        {
            Site(i, instruction);
            _asm.Cmp(OperandSize.S32, mem, placeholder);
        }
        else
        {
            _asm.Cmp(OperandSize.S32, G(instruction, 0), placeholder);
        }

        AddTypeRelocation(instruction.Aux);
    }

    private void EmitTest(int i, in MachineInstruction instruction)
    {
        var a = G(instruction, 0);
        var b = G(instruction, 1);
        if (a == b && (int)a == _flagsRegister && instruction.Width == _flagsWidth)
        {
            ref var user = ref _machine.Instructions[i + 1];
            if ((X64Opcode)user.Opcode != X64Opcode.Set
                && (Condition)user.Condition is Condition.Equal or Condition.NotEqual or Condition.Sign or Condition.NoSign)
            {
                return;
            }
        }

        // What was just made a number is still in the flags.
        if (a == b && (int)a == _setRegister)
        {
            ref var branch = ref _machine.Instructions[i + 1];
            if ((X64Opcode)branch.Opcode == X64Opcode.JumpIf && (Condition)branch.Condition is Condition.Equal or Condition.NotEqual && !HasMovesBefore(i + 1))
            {
                branch.Condition = (byte)(_setCondition ^ ((Condition)branch.Condition == Condition.Equal ? 1 : 0));
                return;
            }
        }

        PrepareSet(i, instruction);
        _asm.Test(Size(instruction.Width), a, b);
    }

    private void EmitTestImmediate(int i, in MachineInstruction instruction)
    {
        PrepareSet(i, instruction);
        var size = Size(instruction.Width);
        var mask = instruction.Immediate;
        if (IsMemory(instruction, 0, out var mem))
        {
            Site(i, instruction);
            _asm.Test(size, mem, mask);
            return;
        }

        var register = G(instruction, 0);
        if ((uint)mask <= 0x7F || (mask == 0x80 && !NeedsSign(i)))
        {
            size = OperandSize.S8;
            mask = (sbyte)mask;
        }
        else if (size == OperandSize.S64 && mask >= 0)
        {
            size = OperandSize.S32;
        }

        _asm.Test(size, register, mask);
    }

    private bool NeedsSign(int i) => (Condition)_machine.Instructions[i + 1].Condition is not (Condition.Equal or Condition.NotEqual);

    private void EmitMultiply(int i, in MachineInstruction instruction)
    {
        var size = Size(instruction.Width);
        var to = G(instruction, 0);
        if (instruction.OperandCount == 2 && (instruction.Address >> 4) == 0)
        {
            _asm.Imul(size, to, to);
        }
        else if (IsMemory(instruction, 2, out var mem))
        {
            Site(i, instruction);
            _asm.Imul(size, to, mem);
        }
        else
        {
            _asm.Imul(size, to, G(instruction, 2));
        }
    }

    // The smallest integer by −1 overflows the quotient; its remainder is 0. Both fault in hardware.
    private void EmitDivide(int i, in MachineInstruction instruction)
    {
        var kind = (X64Division)instruction.Condition;
        var size = Size(instruction.Width);
        var divisor = G(instruction, 2);
        if ((kind & X64Division.Signed) == 0)
        {
            _asm.Zero(Gpr.Rdx);
            _asm.Unary(UnaryOp.Div, size, divisor);
            return;
        }

        var done = _asm.NewLabel();
        if ((kind & X64Division.CheckOverflow) != 0)
        {
            var fits = _asm.NewLabel();
            _asm.Cmp(size, divisor, -1);
            _asm.Jcc(Condition.NotEqual, fits);
            if ((kind & X64Division.Remainder) != 0)
            {
                _asm.Zero(Gpr.Rdx);
                _asm.Jmp(done);
            }
            else
            {
                _asm.Mov(size, Gpr.Rdx, Gpr.Rax);
                _asm.Neg(size, Gpr.Rdx);
                TrapIf(Condition.Overflow, instruction.Aux, _machine.Sources[i]);
            }

            _asm.Bind(fits);
        }

        _asm.Cdq(size);
        _asm.Unary(UnaryOp.Idiv, size, divisor);
        _asm.Bind(done);
    }

    private void EmitShiftX(in MachineInstruction instruction)
    {
        var op = (ShiftOp)instruction.Condition switch
        {
            ShiftOp.Shl => BmiOp.Shlx,
            ShiftOp.Shr => BmiOp.Shrx,
            _ => BmiOp.Sarx,
        };
        if (IsMemory(instruction, 2, out var mem))
        {
            _asm.Bmi(op, Size(instruction.Width), G(instruction, 0), mem, G(instruction, 1));
        }
        else
        {
            _asm.Bmi(op, Size(instruction.Width), G(instruction, 0), G(instruction, 2), G(instruction, 1));
        }
    }

    private void EmitExtend(in MachineInstruction instruction)
    {
        var to = G(instruction, 0);
        if (IsMemory(instruction, 1, out var mem))
        {
            EmitIntegerLoad(instruction, to, mem);
            return;
        }

        var size = Size(instruction.Width);
        var from = G(instruction, 1);
        switch ((LoadExtension)instruction.Condition)
        {
            case LoadExtension.Sign32:
                _asm.Movsx(OperandSize.S32, size, to, from);
                break;
            case LoadExtension.Sign64:
                _asm.Movsx(OperandSize.S64, size, to, from);
                break;
            default:
                _asm.Movzx(size, to, from);
                break;
        }
    }

    private void EmitBitCount(int i, in MachineInstruction instruction)
    {
        var op = (X64BitCount)instruction.Condition switch
        {
            X64BitCount.Leading => GprOp.Lzcnt,
            X64BitCount.Trailing => GprOp.Tzcnt,
            _ => GprOp.Popcnt,
        };
        if (IsMemory(instruction, 1, out var mem))
        {
            Site(i, instruction);
            _asm.Gp(op, Size(instruction.Width), G(instruction, 0), mem);
        }
        else
        {
            _asm.Gp(op, Size(instruction.Width), G(instruction, 0), G(instruction, 1));
        }
    }

    private void EmitBitCountSlow(in MachineInstruction instruction)
    {
        var to = G(instruction, 0);
        var temp = G(instruction, 1);
        var from = G(instruction, 2);
        var size = Size(instruction.Width);
        var bits = 8 * instruction.Width;
        switch ((X64BitCount)instruction.Condition)
        {
            case X64BitCount.Leading:
                // The index of the highest bit, or an index that gives the width for zero.
                _asm.MovImm32(to, (2 * bits) - 1);
                _asm.Gp(GprOp.Bsr, size, temp, from);
                _asm.Cmov(Condition.NotEqual, size, to, temp);
                _asm.Alu(AluOp.Xor, size, to, bits - 1);
                break;
            case X64BitCount.Trailing:
                _asm.MovImm32(to, bits);
                _asm.Gp(GprOp.Bsf, size, temp, from);
                _asm.Cmov(Condition.NotEqual, size, to, temp);
                break;
            default:
                EmitPopulationCount(to, temp, from, size);
                break;
        }
    }

    // Sums of 2, 4 and 8 bits side by side, then all bytes by a multiplication (Warren, Hacker's Delight, 5-1).
    private void EmitPopulationCount(Gpr to, Gpr temp, Gpr from, OperandSize size)
    {
        var wide = size == OperandSize.S64;
        _asm.Mov(size, to, from);
        _asm.Shift(ShiftOp.Shr, size, to, 1);
        AndConstant(to, wide ? 0x5555_5555_5555_5555UL : 0x5555_5555);
        _asm.Mov(size, temp, from);
        _asm.Sub(size, temp, to);
        _asm.Mov(size, to, temp);
        AndConstant(to, wide ? 0x3333_3333_3333_3333UL : 0x3333_3333);
        _asm.Shift(ShiftOp.Shr, size, temp, 2);
        AndConstant(temp, wide ? 0x3333_3333_3333_3333UL : 0x3333_3333);
        _asm.Add(size, to, temp);
        _asm.Mov(size, temp, to);
        _asm.Shift(ShiftOp.Shr, size, temp, 4);
        _asm.Add(size, to, temp);
        AndConstant(to, wide ? 0x0F0F_0F0F_0F0F_0F0FUL : 0x0F0F_0F0F);
        if (wide)
        {
            _asm.Imul(size, to, _asm.Constant8(0x0101_0101_0101_0101));
            _asm.Shift(ShiftOp.Shr, size, to, 56);
        }
        else
        {
            _asm.Imul(size, to, to, 0x0101_0101);
            _asm.Shift(ShiftOp.Shr, size, to, 24);
        }

        void AndConstant(Gpr register, ulong mask)
        {
            if (wide)
            {
                _asm.Alu(AluOp.And, size, register, _asm.Constant8(mask));
            }
            else
            {
                _asm.Alu(AluOp.And, size, register, (int)mask);
            }
        }
    }

    private void EmitCmov(in MachineInstruction instruction)
    {
        var condition = (int)instruction.Condition;
        if (condition == (int)X64Condition.NotEqualOrUnordered)
        {
            EmitCmov(instruction, Condition.NotEqual);
            EmitCmov(instruction, Condition.Parity);
        }
        else
        {
            EmitCmov(instruction, (Condition)condition);
        }
    }

    private void EmitCmov(in MachineInstruction instruction, Condition condition)
    {
        if (IsMemory(instruction, 2, out var mem))
        {
            _asm.Cmov(condition, Size(instruction.Width), G(instruction, 0), mem);
        }
        else
        {
            _asm.Cmov(condition, Size(instruction.Width), G(instruction, 0), G(instruction, 2));
        }
    }

    private void EmitMoveBits(in MachineInstruction instruction)
    {
        var to = At(instruction, 0);
        var isMemory = IsMemory(instruction, 1, out var mem);
        if (to.Value >= RegisterFile.FirstVector)
        {
            if (isMemory)
            {
                _asm.Vec(instruction.Width == 4 ? SseOp.MovssLoad : SseOp.MovsdLoad, X(instruction, 0), mem);
            }
            else
            {
                _asm.Vec(instruction.Width == 4 ? SseOp.Movd : SseOp.Movq, X(instruction, 0), G(instruction, 1));
            }
        }
        else if (isMemory)
        {
            _asm.Mov(Size(instruction.Width), G(instruction, 0), mem);
        }
        else
        {
            _asm.Vec(instruction.Width == 4 ? SseOp.MovdToGpr : SseOp.MovqToGpr, G(instruction, 0), X(instruction, 1));
        }
    }

    private void EmitAtomic(int i, in MachineInstruction instruction)
    {
        var size = Size(instruction.Width);
        switch ((X64Opcode)instruction.Opcode)
        {
            case X64Opcode.AtomicAdd:
                var sum = AddressOf(instruction, 2);
                Site(i, instruction);
                _asm.Lock();
                _asm.Xadd(size, sum, G(instruction, 0));
                ZeroExtend(size, G(instruction, 0));
                break;
            case X64Opcode.AtomicExchange:
                var exchanged = AddressOf(instruction, 2);
                Site(i, instruction);
                _asm.Xchg(size, exchanged, G(instruction, 0));
                ZeroExtend(size, G(instruction, 0));
                break;
            case X64Opcode.AtomicCompareExchange:
                // An expected value wider than the access never equals it; the comparison is of the access's width after the bits above were compared.
                var swapped = AddressOf(instruction, 3);
                Site(i, instruction);
                _asm.Lock();
                _asm.Cmpxchg(size, swapped, G(instruction, 2));

                // Where it exchanges it leaves rax alone, and the upper half, of 32 bits too, is that of what was expected: perhaps of an i64.
                if (size <= OperandSize.S32)
                {
                    _asm.Movzx(size, Gpr.Rax, Gpr.Rax);
                }

                break;
            default:
                var target = AddressOf(instruction, 3);
                var temp = G(instruction, 1);
                Site(i, instruction);
                if (size == OperandSize.S64)
                {
                    _asm.Mov(size, Gpr.Rax, target);
                }
                else
                {
                    _asm.Movzx(size, Gpr.Rax, target);
                }

                var again = _asm.BindNew();
                _asm.Mov(OperandSize.S64, temp, Gpr.Rax);
                _asm.Alu((AluOp)instruction.Condition, OperandSize.S64, temp, G(instruction, 2));
                _asm.Lock();
                _asm.Cmpxchg(size, target, temp);
                _asm.Jcc(Condition.NotEqual, again);
                ZeroExtend(size, Gpr.Rax);
                break;
        }
    }

    private void ZeroExtend(OperandSize size, Gpr register)
    {
        if (size < OperandSize.S32)
        {
            _asm.Movzx(size, register, register);
        }
    }
}

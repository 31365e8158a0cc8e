// Machine instructions to bytes, one by one.
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Allocate;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

/// <content>Instructions.</content>
internal sealed partial class X64Emitter
{
    private protected override void EmitInstruction(int i, ref MachineInstruction instruction)
    {
        var opcode = (X64Opcode)instruction.Opcode;
        var keepsFlags = false;
        switch (opcode)
        {
            case X64Opcode.Copy:
                EmitCopy(instruction);
                break;
            case X64Opcode.LoadConstant:
            case X64Opcode.LoadTypeId:
            case X64Opcode.LoadFloatConstant:
                if (At(instruction, 0).IsRegister)
                {
                    EmitRematerialised(i, At(instruction, 0), flagsLive: false);
                }

                break;
            case X64Opcode.Load:
                if (At(instruction, 0).IsRegister)
                {
                    var loadAddress = AddressOf(instruction, 1);
                    Site(i, instruction);
                    EmitIntegerLoad(instruction, G(instruction, 0), loadAddress);
                }

                break;
            case X64Opcode.LoadVector:
                if (At(instruction, 0).IsRegister)
                {
                    var vectorAddress = AddressOf(instruction, 1);
                    Site(i, instruction);
                    EmitVectorLoad(instruction.Width, At(instruction, 0), vectorAddress);
                }

                break;
            case X64Opcode.Store:
                var storeAddress = AddressOf(instruction, 1);
                Site(i, instruction);
                _asm.Mov(Size(instruction.Width), storeAddress, G(instruction, 0));
                break;
            case X64Opcode.StoreImmediate:
                var immediateAddress = AddressOf(instruction, 0);
                Site(i, instruction);
                _asm.MovImm(Size(instruction.Width), immediateAddress, instruction.Immediate);
                break;
            case X64Opcode.StoreVector:
                var target = AddressOf(instruction, 1);
                Site(i, instruction);
                _asm.Vec(
                    instruction.Width switch { 4 => SseOp.MovssStore, 8 => SseOp.MovsdStore, _ => SseOp.MovupsStore }, target, X(instruction, 0));
                break;
            case X64Opcode.Lea:
                EmitLea(instruction);
                break;
            case X64Opcode.Alu:
                EmitAlu(i, instruction);
                keepsFlags = true;
                break;
            case X64Opcode.AluImmediate:
                _asm.Alu((AluOp)instruction.Condition, Size(instruction.Width), G(instruction, 0), instruction.Immediate);
                SetFlags(instruction);
                keepsFlags = true;
                break;
            case X64Opcode.Add3:
                keepsFlags = EmitAdd3(instruction);
                break;
            case X64Opcode.Add3Immediate:
                keepsFlags = EmitAdd3Immediate(instruction);
                break;
            case X64Opcode.AluMemory:
                var changed = AddressOf(instruction, 1);
                Site(i, instruction);
                _asm.Alu((AluOp)instruction.Condition, Size(instruction.Width), changed, G(instruction, 0));
                break;
            case X64Opcode.AluMemoryImmediate:
                EmitAluMemoryImmediate(i, instruction);
                break;
            case X64Opcode.Compare:
                EmitCompare(i, instruction);
                break;
            case X64Opcode.CompareImmediate:
                EmitCompareImmediate(i, instruction);
                break;
            case X64Opcode.CompareMemory:
                var left = AddressOf(instruction, 1);
                PrepareSet(i, instruction);
                Site(i, instruction);
                _asm.Cmp(Size(instruction.Width), left, G(instruction, 0));
                break;
            case X64Opcode.CompareTypeId:
                EmitCompareTypeId(i, instruction);
                break;
            case X64Opcode.Test:
                EmitTest(i, instruction);
                break;
            case X64Opcode.TestImmediate:
                EmitTestImmediate(i, instruction);
                break;
            case X64Opcode.BitTest:
                PrepareSet(i, instruction);
                _asm.BitTest(BitTestOp.Bt, Size(instruction.Width), G(instruction, 0), G(instruction, 1));
                break;
            case X64Opcode.BitTestImmediate:
                PrepareSet(i, instruction);
                _asm.BitTest(BitTestOp.Bt, Size(instruction.Width), G(instruction, 0), instruction.Immediate);
                break;
            case X64Opcode.Unary:
                _asm.Unary((UnaryOp)instruction.Condition, Size(instruction.Width), G(instruction, 0));
                break;
            case X64Opcode.ByteSwap:
                _asm.Bswap(Size(instruction.Width), G(instruction, 0));
                break;
            case X64Opcode.Multiply:
                EmitMultiply(i, instruction);
                break;
            case X64Opcode.MultiplyImmediate:
                if (IsMemory(instruction, 1, out var factor))
                {
                    Site(i, instruction);
                    _asm.Imul(Size(instruction.Width), G(instruction, 0), factor, instruction.Immediate);
                }
                else
                {
                    _asm.Imul(Size(instruction.Width), G(instruction, 0), G(instruction, 1), instruction.Immediate);
                }

                break;
            case X64Opcode.MultiplyHigh:
                var multiply = instruction.Condition != 0 ? UnaryOp.Imul : UnaryOp.Mul;
                if (IsMemory(instruction, 2, out var multiplicand))
                {
                    _asm.Unary(multiply, Size(instruction.Width), multiplicand);
                }
                else
                {
                    _asm.Unary(multiply, Size(instruction.Width), G(instruction, 2));
                }

                break;
            case X64Opcode.Divide:
                EmitDivide(i, instruction);
                break;
            case X64Opcode.ShiftImmediate:
                _asm.Shift((ShiftOp)instruction.Condition, Size(instruction.Width), G(instruction, 0), instruction.Immediate);
                break;
            case X64Opcode.ShiftCl:
                _asm.ShiftCl((ShiftOp)instruction.Condition, Size(instruction.Width), G(instruction, 0));
                break;
            case X64Opcode.ShiftX:
                EmitShiftX(instruction);
                break;
            case X64Opcode.RotateRightX:
                if (IsMemory(instruction, 1, out var rotated))
                {
                    _asm.Rorx(Size(instruction.Width), G(instruction, 0), rotated, instruction.Immediate);
                }
                else if (G(instruction, 0) == G(instruction, 1))
                {
                    _asm.Shift(ShiftOp.Ror, Size(instruction.Width), G(instruction, 0), instruction.Immediate);
                }
                else
                {
                    _asm.Rorx(Size(instruction.Width), G(instruction, 0), G(instruction, 1), instruction.Immediate);
                }

                break;
            case X64Opcode.Extend:
                EmitExtend(instruction);
                break;
            case X64Opcode.BitCount:
                EmitBitCount(i, instruction);
                break;
            case X64Opcode.BitCountSlow:
                EmitBitCountSlow(instruction);
                break;
            case X64Opcode.AndNot:
                if (IsMemory(instruction, 2, out var kept))
                {
                    Site(i, instruction);
                    _asm.Bmi(BmiOp.Andn, Size(instruction.Width), G(instruction, 0), G(instruction, 1), kept);
                }
                else
                {
                    _asm.Bmi(BmiOp.Andn, Size(instruction.Width), G(instruction, 0), G(instruction, 1), G(instruction, 2));
                }

                break;
            case X64Opcode.LowestBit:
                if (IsMemory(instruction, 1, out var lowest))
                {
                    _asm.Bls((BlsOp)instruction.Condition, Size(instruction.Width), G(instruction, 0), lowest);
                }
                else
                {
                    _asm.Bls((BlsOp)instruction.Condition, Size(instruction.Width), G(instruction, 0), G(instruction, 1));
                }

                break;
            case X64Opcode.Set:
                EmitSet(instruction);
                break;
            case X64Opcode.Cmov:
                EmitCmov(instruction);
                break;
            case X64Opcode.SelectVector:
                EmitSelectVector(instruction);
                break;
            case X64Opcode.VectorBinary:
                EmitVectorBinary(i, instruction);
                break;
            case X64Opcode.VectorUnary:
            case X64Opcode.VectorUnaryImmediate:
                EmitVectorUnary(i, instruction);
                break;
            case X64Opcode.VectorCompare:
                PrepareSet(i, instruction);
                if (IsMemory(instruction, 1, out var compared))
                {
                    Site(i, instruction);
                    _asm.Vec((SseOp)(uint)instruction.Immediate, X(instruction, 0), compared);
                }
                else
                {
                    _asm.Vec((SseOp)(uint)instruction.Immediate, X(instruction, 0), X(instruction, 1));
                }

                break;
            case X64Opcode.MinMax:
                EmitMinMax(i, instruction);
                break;
            case X64Opcode.IntegerToFloat:
                EmitIntegerToFloat(i, instruction);
                break;
            case X64Opcode.Unsigned64ToFloat:
                EmitUnsigned64ToFloat(i, instruction);
                break;
            case X64Opcode.Truncate:
                EmitTruncate(i, instruction);
                break;
            case X64Opcode.MoveBits:
                EmitMoveBits(instruction);
                break;
            case >= X64Opcode.VectorMap and <= X64Opcode.VectorStoreLane:
                EmitVector(i, instruction);
                break;
            case X64Opcode.Call:
            case X64Opcode.CallBuiltin:
            case X64Opcode.CallReference:
                EmitCall(i, instruction);
                break;
            case X64Opcode.Push:
                EmitPush(instruction);
                break;
            case X64Opcode.PushImmediate:
                _asm.Push(instruction.Immediate);
                _pushed += 8;
                break;
            case X64Opcode.TailCall:
            case X64Opcode.TailCallReference:
                EmitTailCall(instruction);
                break;
            case X64Opcode.TrapIf:
                EmitTrapIf(instruction.Condition, instruction.Aux, _machine.Sources[i]);
                keepsFlags = true;
                break;
            case X64Opcode.BoundsCheck:
                EmitBoundsCheck(i, instruction);
                break;
            case X64Opcode.InterruptCheck:
                _asm.Cmp(OperandSize.S32, new Mem(VmContext, VmContextHeader.InterruptRequested), 0);
                CallBuiltinIf(Condition.NotEqual, BuiltinId.Interrupt, i);
                break;
            case X64Opcode.Allocate:
                EmitAllocate(i, instruction);
                break;
            case X64Opcode.MarkCard:
                EmitMarkCard(i, instruction);
                break;
            case X64Opcode.FuelCheck:
                _asm.Alu(AluOp.Sub, OperandSize.S64, new Mem(G(instruction, 0), ExecutionRecordLayout.Fuel), instruction.Immediate);
                CallBuiltinIf(Condition.Sign, BuiltinId.FuelExhausted, i);
                break;
            case X64Opcode.FuelCharge:
                _asm.Alu(AluOp.Sub, OperandSize.S64, new Mem(G(instruction, 0), ExecutionRecordLayout.Fuel), G(instruction, 1));
                CallBuiltinIf(Condition.Sign, BuiltinId.FuelExhausted, i);
                break;
            case X64Opcode.AtomicAdd:
            case X64Opcode.AtomicExchange:
            case X64Opcode.AtomicCompareExchange:
            case X64Opcode.AtomicLoop:
                EmitAtomic(i, instruction);
                break;
            case X64Opcode.Fence:
                _asm.Mfence();
                break;
            case X64Opcode.BranchOnThrow:
                AddHandler(instruction.Aux);
                EmitJump(EdgeTarget(0));
                break;
            case X64Opcode.Jump:
                EmitJump(EdgeTarget(0));
                break;
            case X64Opcode.JumpIf:
                EmitJumpIf(instruction.Condition);
                break;
            case X64Opcode.Switch:
                EmitSwitch(instruction);
                break;
            case X64Opcode.Return:
                EmitReturn();
                break;
            case X64Opcode.Trap:
                EmitTrapCall(instruction.Aux, _machine.Sources[i], inPrologue: false);
                break;
            default:
                throw new InvalidOperationException($"The emitter does not know {opcode}.");
        }

        if (!keepsFlags)
        {
            _flagsRegister = -1;
        }

        if (opcode != X64Opcode.Set)
        {
            _setRegister = -1;
        }
    }

    // The zero and sign flags now say what `test` on this definition would.
    private void SetFlags(in MachineInstruction instruction)
    {
        _flagsRegister = At(instruction, 0).Value;
        _flagsWidth = instruction.Width;
    }

    private void EmitCopy(in MachineInstruction instruction)
    {
        var to = At(instruction, 0);
        if (to.Value >= RegisterFile.FirstVector)
        {
            if (IsMemory(instruction, 1, out var vector))
            {
                EmitVectorLoad(instruction.Width, to, vector);
            }
            else if (At(instruction, 1) != to)
            {
                _asm.MovXmm(X(instruction, 0), X(instruction, 1));
            }
        }
        else if (IsMemory(instruction, 1, out var mem))
        {
            _asm.Mov(Size(instruction.Width), G(instruction, 0), mem);
        }
        else if (instruction.Width < 8 || At(instruction, 1) != to)
        {
            _asm.Mov(Size(instruction.Width), G(instruction, 0), G(instruction, 1));
        }
    }

    private void EmitIntegerLoad(in MachineInstruction instruction, Gpr register, Mem mem)
    {
        var size = Size(instruction.Width);
        switch ((LoadExtension)instruction.Condition)
        {
            case LoadExtension.Sign32:
                _asm.Movsx(OperandSize.S32, size, register, mem);
                break;
            case LoadExtension.Sign64:
                _asm.Movsx(OperandSize.S64, size, register, mem);
                break;
            default:
                if (size == OperandSize.S64)
                {
                    _asm.Mov(size, register, mem);
                }
                else
                {
                    _asm.Movzx(size, register, mem);
                }

                break;
        }
    }

    private void EmitLea(in MachineInstruction instruction)
    {
        if (!At(instruction, 0).IsRegister)
        {
            return;
        }

        var to = G(instruction, 0);
        var kind = (X64AddressKind)(instruction.Address >> 4);
        if (kind == X64AddressKind.VmContext && instruction.Displacement == 0 && (instruction.Address & 2) == 0)
        {
            _asm.Mov(OperandSize.S64, to, VmContext);
            return;
        }

        _asm.Lea(Size(instruction.Width), to, AddressOf(instruction, 1));
    }

    private void EmitAlu(int i, in MachineInstruction instruction)
    {
        var op = (AluOp)instruction.Condition;
        var size = Size(instruction.Width);
        var to = G(instruction, 0);
        if (instruction.OperandCount == 2 && (instruction.Address >> 4) == 0)
        {
            _asm.Alu(op, size, to, to);
        }
        else if (IsMemory(instruction, 2, out var mem))
        {
            Site(i, instruction);
            _asm.Alu(op, size, to, mem);
        }
        else
        {
            _asm.Alu(op, size, to, G(instruction, 2));
        }

        SetFlags(instruction);
    }

    // Returns whether the flags say something of the result.
    private bool EmitAdd3(in MachineInstruction instruction)
    {
        var to = G(instruction, 0);
        var a = G(instruction, 1);
        var b = G(instruction, 2);
        var size = Size(instruction.Width);
        if (to == a || to == b)
        {
            _asm.Add(size, to, to == a ? b : a);
            SetFlags(instruction);
            return true;
        }

        _asm.Lea(size, to, a is Gpr.Rbp or Gpr.R13 ? new Mem(b, a) : new Mem(a, b));
        return false;
    }

    private bool EmitAdd3Immediate(in MachineInstruction instruction)
    {
        var to = G(instruction, 0);
        var from = G(instruction, 1);
        var size = Size(instruction.Width);
        var value = instruction.Immediate;
        if (to != from)
        {
            _asm.Lea(size, to, new Mem(from, value));
            return false;
        }

        if (value == 128)
        {
            _asm.Sub(size, to, -128);
        }
        else if (value == 1)
        {
            _asm.Inc(size, to);
        }
        else if (value == -1)
        {
            _asm.Dec(size, to);
        }
        else
        {
            _asm.Add(size, to, value);
        }

        SetFlags(instruction);
        return true;
    }
}

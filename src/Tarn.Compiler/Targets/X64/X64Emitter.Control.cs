// Branches, calls, returns, checks, and what is emitted after all blocks.
using System.Numerics;
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Allocate;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

/// <content>Control.</content>
internal sealed partial class X64Emitter
{
    private void EmitJump(int target)
    {
        if (_layout.Threaded(target) != _next && !TryRepeat(_layout.Threaded(target)))
        {
            _asm.Jmp(LabelOf(target));
        }
    }

    private void EmitJumpIf(int condition)
    {
        var taken = EdgeTarget(0);
        var other = EdgeTarget(1);
        var ifSo = LabelOf(taken);
        var ifNot = LabelOf(other);
        if (ifSo == ifNot)
        {
            EmitJump(taken);
            return;
        }

        if (condition >= 16)
        {
            // Put in terms of "not equal or unordered".
            if (condition == (int)X64Condition.EqualOrdered)
            {
                (ifSo, ifNot) = (ifNot, ifSo);
                (taken, other) = (other, taken);
            }

            if (_layout.Threaded(taken) == _next)
            {
                _asm.Jcc(Condition.Parity, ifSo);
                _asm.Jcc(Condition.Equal, ifNot);
                return;
            }

            _asm.Jcc(Condition.NotEqual, ifSo);
            _asm.Jcc(Condition.Parity, ifSo);
            EmitJump(other);
            return;
        }

        if (_layout.Threaded(taken) == _next)
        {
            _asm.Jcc(((Condition)condition).Negate(), ifNot);
            return;
        }

        _asm.Jcc((Condition)condition, ifSo);
        EmitJump(other);
    }

    private void EmitSwitch(in MachineInstruction instruction)
    {
        var table = G(instruction, 0);
        var offset = G(instruction, 1);
        var index = G(instruction, 2);
        var count = instruction.Immediate;
        var targets = _machine.SwitchTargets.Span.Slice(instruction.Aux, count);
        _asm.Cmp(OperandSize.S32, index, count - 1);
        _asm.Jcc(Condition.AboveEqual, LabelOf(EdgeTarget(targets[count - 1])));
        if (_layout.MembersOf(_current, targets, out var set) is var member and >= 0)
        {
            EmitMembership(table, index, set, count > 33 ? OperandSize.S64 : OperandSize.S32, member, EdgeTarget(targets[count - 1]));
            return;
        }

        if (_switchTables[_current] == 0)
        {
            if (_tableLabels.Length < count)
            {
                _tableLabels = new Label[2 * count];
            }

            for (var k = 0; k + 1 < count; k++)
            {
                _tableLabels[k] = LabelOf(EdgeTarget(targets[k]));
            }

            _switchTables[_current] = _asm.AddJumpTable(_tableLabels.AsSpan(0, count - 1)).Id + 1;
        }

        _asm.Lea(OperandSize.S64, table, Mem.At(new Label(_switchTables[_current] - 1)));
        _asm.Movsx(OperandSize.S64, OperandSize.S32, offset, new Mem(table, index, 2));
        _asm.Add(OperandSize.S64, table, offset);
        _asm.Jmp(table);
    }

    // Branches that say yes or no are predicted better than a jump through a table, and need no table.
    private void EmitMembership(Gpr bits, Gpr index, ulong set, OperandSize size, int member, int otherwise)
    {
        if (BitOperations.IsPow2(set))
        {
            _asm.Cmp(OperandSize.S32, index, BitOperations.Log2(set));
        }
        else
        {
            _asm.MovImm(bits, (long)set);
            _asm.BitTest(BitTestOp.Bt, size, bits, index);
        }

        var isMember = BitOperations.IsPow2(set) ? Condition.Equal : Condition.Below;
        if (_layout.Threaded(member) == _next)
        {
            _asm.Jcc(isMember.Negate(), LabelOf(otherwise));
            return;
        }

        _asm.Jcc(isMember, LabelOf(member));
        EmitJump(otherwise);
    }

    private void TrapIf(Condition condition, int code, int source)
    {
        var label = _asm.NewLabel();
        _asm.Jcc(condition, label);
        _cold.Add(new Cold { Kind = ColdKind.Trap, Start = label, Argument = code, Source = source });
    }

    private void EmitTrapIf(int condition, int code, int source)
    {
        if (condition < 16)
        {
            TrapIf((Condition)condition, code, source);
        }
        else if (condition == (int)X64Condition.NotEqualOrUnordered)
        {
            var label = _asm.NewLabel();
            _asm.Jcc(Condition.NotEqual, label);
            _asm.Jcc(Condition.Parity, label);
            _cold.Add(new Cold { Kind = ColdKind.Trap, Start = label, Argument = code, Source = source });
        }
        else
        {
            var skip = _asm.NewLabel();
            _asm.Jcc(Condition.Parity, skip);
            TrapIf(Condition.Equal, code, source);
            _asm.Bind(skip);
        }
    }

    private void EmitTrapCall(int code, int source, bool inPrologue)
    {
        _asm.CallSymbol(Symbol(SymbolKind.Trap, 0));
        _trapSites.Add(new TrapSite(_asm.Offset, (TrapCode)code, source, inPrologue));
    }

    // What a call through a reference needs of the record in rax; the code's address in r11, which is never an argument. "call [rax]" would do without it, but AMD's
    // processors (Zen 5) predict calls through memory far worse than those through a register.
    private void LoadReference()
    {
        _asm.Mov(OperandSize.S64, Gpr.R11, new Mem(Gpr.Rax, FunctionReferenceRecord.Code));
        _asm.Mov(OperandSize.S64, VmContext, new Mem(Gpr.Rax, FunctionReferenceRecord.VmContext));
    }

    private void EmitCall(int i, in MachineInstruction instruction)
    {
        switch ((X64Opcode)instruction.Opcode)
        {
            case X64Opcode.Call:
                _asm.CallSymbol(Symbol(SymbolKind.Function, instruction.Aux));
                break;
            case X64Opcode.CallBuiltin:
                _asm.CallSymbol(Symbol(SymbolKind.Builtin, instruction.Aux));
                break;
            default:
                LoadReference();
                _asm.Call(Gpr.R11);
                break;
        }

        _pushed -= instruction.Immediate;
        AddCallSite(_asm.Offset, i);
        if (instruction.Condition != 0)
        {
            _asm.Mov(OperandSize.S64, VmContext, new Mem(Gpr.Rsp, _frame.ContextOffset + _pushed));
        }
    }

    private void EmitPush(in MachineInstruction instruction)
    {
        if (instruction.Width == 16)
        {
            var source = Scratch;
            if (IsMemory(instruction, 0, out var vector))
            {
                _asm.Vec(SseOp.Movups, Scratch, vector);
            }
            else
            {
                source = X(instruction, 0);
            }

            _asm.Lea(OperandSize.S64, Gpr.Rsp, new Mem(Gpr.Rsp, -16));
            _asm.Vec(SseOp.MovupsStore, new Mem(Gpr.Rsp), source);
        }
        else if (IsMemory(instruction, 0, out var mem))
        {
            _asm.Push(mem);
        }
        else if (At(instruction, 0).Value < RegisterFile.FirstVector)
        {
            _asm.Push(G(instruction, 0));
        }
        else
        {
            _asm.Lea(OperandSize.S64, Gpr.Rsp, new Mem(Gpr.Rsp, -8));
            _asm.Vec(SseOp.MovsdStore, new Mem(Gpr.Rsp), X(instruction, 0));
        }

        _pushed += instruction.Width;
    }

    // The callee's arguments have been pushed below this frame. They go, with the return address, to where this function's own arguments
    // end; the areas may overlap, and the target is the higher one, so the copy goes from high to low. rax may be the function reference.
    private void EmitTailCall(in MachineInstruction instruction)
    {
        var pushed = instruction.Immediate;
        var incoming = _machine.IncomingBytes;
        var frame = FrameSize;
        if (pushed == 0 && incoming == 0)
        {
            EmitRestore();
        }
        else
        {
            var saved = _frame.LocalBytes + pushed + _frame.SavedBytes;
            for (var set = _frame.Saved; set != 0; set &= set - 1)
            {
                saved -= 8;
                _asm.Mov(OperandSize.S64, (Gpr)BitOperations.TrailingZeroCount(set), new Mem(Gpr.Rsp, saved));
            }

            _asm.Mov(OperandSize.S64, Gpr.R11, new Mem(Gpr.Rsp, pushed + frame));
            var end = pushed + frame + 8 + incoming;
            for (var offset = pushed - 8; offset >= 0; offset -= 8)
            {
                _asm.Mov(OperandSize.S64, Gpr.R10, new Mem(Gpr.Rsp, offset));
                _asm.Mov(OperandSize.S64, new Mem(Gpr.Rsp, end - pushed + offset), Gpr.R10);
            }

            _asm.Mov(OperandSize.S64, new Mem(Gpr.Rsp, end - pushed - 8), Gpr.R11);
            _asm.Lea(OperandSize.S64, Gpr.Rsp, new Mem(Gpr.Rsp, end - pushed - 8));
        }

        _pushed = 0;
        if ((X64Opcode)instruction.Opcode == X64Opcode.TailCall)
        {
            _asm.JmpSymbol(Symbol(SymbolKind.Function, instruction.Aux));
        }
        else
        {
            LoadReference();
            _asm.Jmp(Gpr.R11);
        }
    }

    private void EmitReturn()
    {
        EmitRestore();
        if (_machine.IncomingBytes != 0)
        {
            _asm.Ret(_machine.IncomingBytes);
        }
        else
        {
            _asm.Ret();
        }
    }

    private void EmitBoundsCheck(int i, in MachineInstruction instruction)
    {
        var sum = G(instruction, 0);
        var value = G(instruction, 1);
        var extent = (uint)instruction.Immediate;
        var source = _machine.Sources[i];
        if (instruction.Width == 4 && extent <= int.MaxValue)
        {
            // 33 bits: no carry.
            _asm.Lea(OperandSize.S64, sum, new Mem(value, (int)extent));
        }
        else
        {
            _asm.MovImm(sum, extent);
            _asm.Add(OperandSize.S64, sum, value);
            if (instruction.Width == 8)
            {
                TrapIf(Condition.Below, instruction.Aux, source);
            }
        }

        if (IsMemory(instruction, 2, out var mem))
        {
            _asm.Cmp(OperandSize.S64, sum, mem);
        }
        else
        {
            _asm.Cmp(OperandSize.S64, sum, G(instruction, 2));
        }

        TrapIf(Condition.Above, instruction.Aux, source);
    }

    private void CallBuiltinIf(Condition condition, BuiltinId builtin, int i)
    {
        var start = _asm.NewLabel();
        var back = _asm.NewLabel();
        _asm.Jcc(condition, start);
        _asm.Bind(back);
        _cold.Add(new Cold { Kind = ColdKind.CallBuiltin, Start = start, Return = back, Argument = (int)builtin, Source = _machine.Sources[i] });
    }

    private void EmitCold()
    {
        for (var k = 0; k < _cold.Count; k++)
        {
            var cold = _cold[k];
            _asm.Bind(cold.Start);
            switch (cold.Kind)
            {
                case ColdKind.Trap:
                    EmitTrapCall(cold.Argument, cold.Source, cold.InPrologue);
                    break;
                case ColdKind.CallBuiltin:
                    _asm.CallSymbol(Symbol(SymbolKind.Builtin, cold.Argument));
                    _callSites.Add(new CallSite(_asm.Offset, cold.Source));
                    _asm.Jmp(cold.Return);
                    break;
                case ColdKind.Collect:
                    EmitCollect(cold);
                    break;
                case ColdKind.MarkCard:
                    EmitMarkCardCold(cold);
                    break;
                case ColdKind.MinMax:
                    EmitMinMaxCold(cold);
                    break;
                case ColdKind.Unsigned64ToFloat:
                    EmitUnsigned64ToFloatCold(cold);
                    break;
                case ColdKind.Truncate:
                    EmitTruncateCold(cold);
                    break;
                default:
                    EmitTruncateBig(cold);
                    break;
            }
        }
    }
}

// Blocks and branches. The operand stack's height is known at every instruction, so a branch moves the values it takes along
// down to the height of its target and jumps. Code after an unconditional branch is skipped, not compiled.
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Wasm;
using Tarn.Wasm.Binary;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.Compiler.Baseline;

internal sealed partial class BaselineCompiler
{
    private bool EmitControl(Opcode opcode, ref WasmReader reader)
    {
        switch (opcode)
        {
            case Opcode.Nop:
                return true;
            case Opcode.Unreachable:
                FlushFuel();
                TrapAlways(TrapCode.Unreachable);
                SkipUnreachable(ref reader);
                return true;
            case Opcode.Block:
            case Opcode.Loop:
            case Opcode.If:
                EnterBlock(opcode, reader.ReadBlockType());
                return true;
            case Opcode.Else:
                FlushFuel();
                _asm.Jmp(_blocks[^1].Target);
                BeginElse();
                return true;
            case Opcode.End:
                FlushFuel();
                EndBlock();
                return true;
            case Opcode.Br:
                FlushFuel();
                EmitBranch(_blocks[^(reader.ReadIndex() + 1)]);
                SkipUnreachable(ref reader);
                return true;
            case Opcode.BrIf:
                FlushFuel();
                Block conditional = _blocks[^(reader.ReadIndex() + 1)];
                Pop(Rax);
                _asm.Test(S32, Rax, Rax);
                EmitBranchIf(Condition.NotEqual, conditional);
                return true;
            case Opcode.BrTable:
                FlushFuel();
                EmitBranchTable(ref reader);
                SkipUnreachable(ref reader);
                return true;
            case Opcode.Return:
                FlushFuel();
                EmitReturn();
                SkipUnreachable(ref reader);
                return true;
            case Opcode.BrOnNull:
                FlushFuel();
                Block onNull = _blocks[^(reader.ReadIndex() + 1)];
                Pop(Rax);
                _asm.Test(S64, Rax, Rax);
                EmitBranchIf(Condition.Equal, onNull);
                Grow(1);
                return true;
            case Opcode.BrOnNonNull:
                FlushFuel();
                Block onNonNull = _blocks[^(reader.ReadIndex() + 1)];
                _asm.Cmp(S64, Operand(_depth - 1), 0);
                EmitBranchIf(Condition.NotEqual, onNonNull);
                _depth--;
                return true;
            case Opcode.Drop:
                _depth--;
                return true;
            case Opcode.Select:
            case Opcode.SelectTyped:
                EmitSelect(opcode, ref reader);
                return true;
            default:
                return false;
        }
    }

    private void EmitSelect(Opcode opcode, ref WasmReader reader)
    {
        if (opcode == Opcode.SelectTyped)
        {
            for (uint count = reader.ReadVarU32(); count > 0; count--)
                Refuse(reader.ReadValType());
        }
        Pop(Rcx);
        Pop(Rdx);
        Pop(Rax);
        _asm.Test(S32, Rcx, Rcx);
        _asm.Cmov(Condition.Equal, S64, Rax, Rdx);
        Push(Rax);
    }

    private void EnterBlock(Opcode opcode, BlockType type)
    {
        int parameters = 0;
        int results = 0;
        if (type.HasTypeIndex)
        {
            var function = (FunctionType)_module.Types[type.TypeIndex].Composite;
            parameters = function.ParameterCount;
            results = function.ResultCount;
        }
        else if (!type.IsEmpty)
        {
            Refuse(type.Result);
            results = 1;
        }
        FlushFuel();
        Label otherwise = default;
        if (opcode == Opcode.If)
        {
            Pop(Rax);
            otherwise = _asm.NewLabel();
            _asm.Test(S32, Rax, Rax);
            _asm.Jcc(Condition.Equal, otherwise);
        }
        Label target = _asm.NewLabel();
        _blocks.Add(new Block(opcode, target, otherwise, _depth - parameters, parameters, results));
        if (opcode == Opcode.Loop)
        {
            _asm.Bind(target);
            EmitInterruptionCheck();
        }
    }

    private void BeginElse()
    {
        Block block = _blocks[^1];
        _asm.Bind(block.Else);
        _blocks[^1] = block with { Kind = Opcode.Else };
        _depth = block.Height + block.Parameters;
        _fuelRun = 0;
    }

    private void EndBlock()
    {
        Block block = _blocks[^1];
        _blocks.RemoveAt(_blocks.Count - 1);
        if (block.Kind == Opcode.If)
            _asm.Bind(block.Else);
        if (block.Kind != Opcode.Loop)
            _asm.Bind(block.Target);
        _depth = block.Height;
        Grow(block.Results);
        if (_blocks.Count == 0)
            EmitReturn();
    }

    // Moves values down, lowest first: the ranges may overlap.
    private void MoveForBranch(in Block block)
    {
        int count = block.BranchArity;
        int from = _depth - count;
        if (from == block.Height)
            return;
        for (int i = 0; i < count; i++)
        {
            _asm.Mov(S64, R11, Operand(from + i));
            _asm.Mov(S64, Operand(block.Height + i), R11);
        }
    }

    private void EmitBranch(in Block block)
    {
        MoveForBranch(block);
        _asm.Jmp(block.Target);
    }

    private void EmitBranchIf(Condition condition, in Block block)
    {
        if (_depth - block.BranchArity == block.Height || block.BranchArity == 0)
        {
            _asm.Jcc(condition, block.Target);
            return;
        }
        Label stay = _asm.NewLabel();
        _asm.Jcc(condition.Negate(), stay);
        EmitBranch(block);
        _asm.Bind(stay);
    }

    private void EmitBranchTable(ref WasmReader reader)
    {
        int count = (int)reader.ReadVarU32();
        var targets = new int[count + 1];
        for (int i = 0; i <= count; i++)
            targets[i] = reader.ReadIndex();
        Pop(Rax);
        // One piece of code for each depth that occurs.
        var pieces = new Dictionary<int, Label>();
        var labels = new Label[count];
        for (int i = 0; i <= count; i++)
        {
            if (!pieces.TryGetValue(targets[i], out Label piece))
                pieces.Add(targets[i], piece = _asm.NewLabel());
            if (i < count)
                labels[i] = piece;
        }
        if (count > 0)
        {
            _asm.Cmp(S32, Rax, count);
            _asm.Jcc(Condition.AboveEqual, pieces[targets[count]]);
            _asm.JmpTable(_asm.AddJumpTable(labels), Rax, Rcx);
        }
        else
        {
            _asm.Jmp(pieces[targets[count]]);
        }
        foreach ((int depth, Label piece) in pieces)
        {
            _asm.Bind(piece);
            EmitBranch(_blocks[^(depth + 1)]);
        }
    }

    // Reads on to the else or end that makes code reachable again, and takes it.
    private void SkipUnreachable(ref WasmReader reader)
    {
        int nesting = 0;
        while (true)
        {
            Opcode opcode = reader.ReadOpcode();
            switch (opcode)
            {
                case Opcode.Block or Opcode.Loop or Opcode.If or Opcode.TryTable:
                    nesting++;
                    InstructionSkipper.SkipImmediates(ref reader, opcode);
                    break;
                case Opcode.Else when nesting == 0:
                    BeginElse();
                    return;
                case Opcode.End when nesting == 0:
                    _fuelRun = 0;
                    EndBlock();
                    return;
                case Opcode.End:
                    nesting--;
                    break;
                default:
                    InstructionSkipper.SkipImmediates(ref reader, opcode);
                    break;
            }
        }
    }
}

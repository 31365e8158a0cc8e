// Locals, globals, linear memories, tables and references.
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Wasm;
using Tarn.Wasm.Binary;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.Compiler.Baseline;

internal sealed partial class BaselineCompiler
{
    private bool EmitMemory(Opcode opcode, ref WasmReader reader)
    {
        switch (opcode)
        {
            case Opcode.LocalGet:
                _asm.Mov(S64, Rax, Local(reader.ReadIndex()));
                Push(Rax);
                return true;
            case Opcode.LocalSet:
                Pop(Rax);
                _asm.Mov(S64, Local(reader.ReadIndex()), Rax);
                return true;
            case Opcode.LocalTee:
                _asm.Mov(S64, Rax, Operand(_depth - 1));
                _asm.Mov(S64, Local(reader.ReadIndex()), Rax);
                return true;
            case Opcode.GlobalGet:
                _asm.Mov(S64, Rax, GlobalCell(reader.ReadIndex()));
                Push(Rax);
                return true;
            case Opcode.GlobalSet:
                Pop(Rax);
                _asm.Mov(S64, GlobalCell(reader.ReadIndex()), Rax);
                return true;
            case >= Opcode.I32Load and <= Opcode.I64Load32U:
                EmitLoad(opcode, reader.ReadMemoryArgument());
                return true;
            case >= Opcode.I32Store and <= Opcode.I64Store32:
                EmitStore(opcode, reader.ReadMemoryArgument());
                return true;
            case Opcode.MemorySize:
                int measured = reader.ReadIndex();
                LoadByteLength(measured, Rax);
                _asm.Shift(ShiftOp.Shr, S64, Rax, _module.Memories[measured].PageSizeLog2);
                Push(Rax);
                return true;
            case Opcode.MemoryGrow:
                int grown = reader.ReadIndex();
                Pop(Rsi);
                _asm.MovImm(Rdi, grown);
                CallBuiltin(BuiltinId.MemoryGrow);
                if (!_module.Memories[grown].Limits.Is64)
                    _asm.Mov(S32, Rax, Rax);
                Push(Rax);
                return true;
            case Opcode.MemoryCopy:
                EmitMemoryCopy(reader.ReadIndex(), reader.ReadIndex());
                return true;
            case Opcode.MemoryFill:
                EmitMemoryFill(reader.ReadIndex());
                return true;
            case Opcode.MemoryInit:
                int data = reader.ReadIndex();
                int initialized = reader.ReadIndex();
                Pop(R8);
                Pop(Rcx);
                Pop(Rdx);
                _asm.MovImm(Rsi, data);
                _asm.MovImm(Rdi, initialized);
                CallBuiltin(BuiltinId.MemoryInit);
                return true;
            case Opcode.DataDrop:
                _asm.MovImm(Rdi, reader.ReadIndex());
                CallBuiltin(BuiltinId.DataDrop);
                return true;
            default:
                return EmitTable(opcode, ref reader);
        }
    }

    private bool EmitTable(Opcode opcode, ref WasmReader reader)
    {
        switch (opcode)
        {
            case Opcode.TableGet:
                LoadTable(reader.ReadIndex(), Rdx, R8);
                Pop(Rcx);
                _asm.Cmp(S64, Rcx, R8);
                TrapIf(Condition.AboveEqual, TrapCode.TableOutOfBounds);
                _asm.Mov(S64, Rax, new Mem(Rdx, Rcx, 3));
                Push(Rax);
                return true;
            case Opcode.TableSet:
                LoadTable(reader.ReadIndex(), Rdx, R8);
                Pop(Rax);
                Pop(Rcx);
                _asm.Cmp(S64, Rcx, R8);
                TrapIf(Condition.AboveEqual, TrapCode.TableOutOfBounds);
                _asm.Mov(S64, new Mem(Rdx, Rcx, 3), Rax);
                return true;
            case Opcode.TableSize:
                LoadTable(reader.ReadIndex(), Rdx, Rax);
                Push(Rax);
                return true;
            case Opcode.TableGrow:
                int grown = reader.ReadIndex();
                Pop(Rdx);
                Pop(Rsi);
                _asm.MovImm(Rdi, grown);
                CallBuiltin(BuiltinId.TableGrow);
                if (!_module.Tables[grown].Limits.Is64)
                    _asm.Mov(S32, Rax, Rax);
                Push(Rax);
                return true;
            case Opcode.TableFill:
                int filled = reader.ReadIndex();
                Pop(Rcx);
                Pop(Rdx);
                Pop(Rsi);
                _asm.MovImm(Rdi, filled);
                CallBuiltin(BuiltinId.TableFill);
                return true;
            case Opcode.TableCopy:
                int to = reader.ReadIndex();
                int from = reader.ReadIndex();
                Pop(R8);
                Pop(Rcx);
                Pop(Rdx);
                _asm.MovImm(Rsi, from);
                _asm.MovImm(Rdi, to);
                CallBuiltin(BuiltinId.TableCopy);
                return true;
            case Opcode.TableInit:
                int segment = reader.ReadIndex();
                int initialized = reader.ReadIndex();
                Pop(R8);
                Pop(Rcx);
                Pop(Rdx);
                _asm.MovImm(Rsi, segment);
                _asm.MovImm(Rdi, initialized);
                CallBuiltin(BuiltinId.TableInit);
                return true;
            case Opcode.ElemDrop:
                _asm.MovImm(Rdi, reader.ReadIndex());
                CallBuiltin(BuiltinId.ElementDrop);
                return true;
            case Opcode.RefNull:
                _ = reader.ReadHeapType();
                _asm.Zero(Rax);
                Push(Rax);
                return true;
            case Opcode.RefIsNull:
                Pop(Rcx);
                _asm.Zero(Rax);
                _asm.Test(S64, Rcx, Rcx);
                _asm.Setcc(Condition.Equal, Rax);
                Push(Rax);
                return true;
            case Opcode.RefFunc:
                int function = reader.ReadIndex();
                int offset = _layout.FunctionReference(function);
                if (offset >= 0)
                {
                    _asm.Lea(S64, Rax, new Mem(R14, offset));
                }
                else
                {
                    _asm.MovImm(Rdi, function);
                    CallBuiltin(BuiltinId.FunctionReference);
                }
                Push(Rax);
                return true;
            case Opcode.RefAsNonNull:
                _asm.Cmp(S64, Operand(_depth - 1), 0);
                TrapIf(Condition.Equal, TrapCode.NullReference);
                return true;
            case Opcode.RefEq:
                Pop(Rcx);
                Pop(Rdx);
                _asm.Zero(Rax);
                _asm.Cmp(S64, Rcx, Rdx);
                _asm.Setcc(Condition.Equal, Rax);
                Push(Rax);
                return true;
            default:
                return false;
        }
    }

    private Mem GlobalCell(int global)
    {
        int offset = _layout.Global(global);
        if (global >= _module.ImportedGlobalCount || !_module.Globals[global].IsMutable)
        {
            Refuse(_module.Globals[global].Type);
            return new Mem(R14, offset);
        }
        _asm.Mov(S64, R11, new Mem(R14, offset));
        return new Mem(R11);
    }

    private void LoadTable(int table, Gpr elements, Gpr length)
    {
        int offset = _layout.Table(table);
        _asm.Mov(S64, elements, new Mem(R14, offset + VmContextLayout.EntryBase));
        if (table >= _module.ImportedTableCount)
        {
            _asm.Mov(S64, length, new Mem(R14, offset + VmContextLayout.EntryLength));
            return;
        }
        _asm.Mov(S64, R11, new Mem(R14, offset + VmContextLayout.EntryRecord));
        _asm.Mov(S64, length, new Mem(R11, VmContextLayout.EntryLength));
    }

    private void LoadByteLength(int memory, Gpr length)
    {
        int offset = _layout.Memory(memory);
        if (memory >= _module.ImportedMemoryCount)
        {
            _asm.Mov(S64, length, new Mem(R14, offset + VmContextLayout.EntryLength));
            return;
        }
        _asm.Mov(S64, R11, new Mem(R14, offset + VmContextLayout.EntryRecord));
        _asm.Mov(S64, length, new Mem(R11, VmContextLayout.EntryLength));
    }

    private void LoadBase(int memory, Gpr address) => _asm.Mov(S64, address, new Mem(R14, _layout.Memory(memory) + VmContextLayout.EntryBase));

    private bool IsGuarded(in MemoryType memory) =>
        _target.MemoryStrategy == MemoryStrategy.Guarded && !memory.Limits.Is64 && memory.PageSizeLog2 == 16;

    // The operand whose access follows; pops the index. Uses rcx, rdx and r8.
    private Mem EmitAddress(in MemoryArgument argument, int size)
    {
        MemoryType memory = _module.Memories[argument.Memory];
        Pop(Rcx);
        LoadBase(argument.Memory, Rdx);
        ulong end = argument.Offset + (ulong)size;
        if (IsGuarded(memory) && end <= _target.GuardBytes)
            return new Mem(Rdx, Rcx, 0, (int)argument.Offset);
        if (end < argument.Offset)
        {
            _asm.Test(S32, Rsp, Rsp);
            TrapIf(Condition.NotEqual, TrapCode.MemoryOutOfBounds);
            return new Mem(Rdx);
        }
        _asm.MovImm(R8, (long)end);
        _asm.Add(S64, Rcx, R8);
        if (memory.Limits.Is64)
            TrapIf(Condition.Below, TrapCode.MemoryOutOfBounds);
        LoadByteLength(argument.Memory, R8);
        _asm.Cmp(S64, Rcx, R8);
        TrapIf(Condition.Above, TrapCode.MemoryOutOfBounds);
        return new Mem(Rdx, Rcx, 0, -size);
    }

    private void MarkFault(in MemoryArgument argument)
    {
        if (IsGuarded(_module.Memories[argument.Memory]))
            _trapSites.Add(new TrapSite(_asm.Offset, TrapCode.MemoryOutOfBounds, _wasmOffset));
    }

    private void EmitLoad(Opcode opcode, in MemoryArgument argument)
    {
        int size = opcode switch
        {
            Opcode.I32Load8S or Opcode.I32Load8U or Opcode.I64Load8S or Opcode.I64Load8U => 1,
            Opcode.I32Load16S or Opcode.I32Load16U or Opcode.I64Load16S or Opcode.I64Load16U => 2,
            Opcode.I64Load or Opcode.F64Load => 8,
            _ => 4,
        };
        Mem address = EmitAddress(argument, size);
        MarkFault(argument);
        switch (opcode)
        {
            case Opcode.I32Load8S:
                _asm.Movsx(S32, S8, Rax, address);
                break;
            case Opcode.I64Load8S:
                _asm.Movsx(S64, S8, Rax, address);
                break;
            case Opcode.I32Load8U or Opcode.I64Load8U:
                _asm.Movzx(S8, Rax, address);
                break;
            case Opcode.I32Load16S:
                _asm.Movsx(S32, S16, Rax, address);
                break;
            case Opcode.I64Load16S:
                _asm.Movsx(S64, S16, Rax, address);
                break;
            case Opcode.I32Load16U or Opcode.I64Load16U:
                _asm.Movzx(S16, Rax, address);
                break;
            case Opcode.I64Load32S:
                _asm.Movsx(S64, S32, Rax, address);
                break;
            default:
                _asm.Mov(size == 8 ? S64 : S32, Rax, address);
                break;
        }
        Push(Rax);
    }

    private void EmitStore(Opcode opcode, in MemoryArgument argument)
    {
        (OperandSize width, int size) = opcode switch
        {
            Opcode.I32Store8 or Opcode.I64Store8 => (S8, 1),
            Opcode.I32Store16 or Opcode.I64Store16 => (S16, 2),
            Opcode.I64Store or Opcode.F64Store => (S64, 8),
            _ => (S32, 4),
        };
        Pop(Rax);
        Mem address = EmitAddress(argument, size);
        MarkFault(argument);
        _asm.Mov(width, address, Rax);
    }

    // Traps unless [address, address + count) lies within the memory; leaves the host address in `address`. Uses r8 and r10.
    private void CheckRange(int memory, Gpr address, Gpr count)
    {
        LoadByteLength(memory, R8);
        _asm.Mov(S64, R10, address);
        _asm.Add(S64, R10, count);
        TrapIf(Condition.Below, TrapCode.MemoryOutOfBounds);
        _asm.Cmp(S64, R10, R8);
        TrapIf(Condition.Above, TrapCode.MemoryOutOfBounds);
        LoadBase(memory, R8);
        _asm.Add(S64, address, R8);
    }

    private void EmitMemoryCopy(int to, int from)
    {
        Pop(Rdx);
        Pop(Rsi);
        Pop(Rdi);
        CheckRange(to, Rdi, Rdx);
        CheckRange(from, Rsi, Rdx);
        CallBuiltin(BuiltinId.MemoryCopyBytes);
    }

    private void EmitMemoryFill(int memory)
    {
        Pop(Rdx);
        Pop(Rsi);
        Pop(Rdi);
        CheckRange(memory, Rdi, Rdx);
        CallBuiltin(BuiltinId.MemoryFillBytes);
    }
}

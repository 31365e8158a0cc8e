// Calls of every kind, by the convention of docs/abi.md. Arguments lie in the topmost operand slots; those that go on the stack are
// copied below rsp first (slots are addressed with _pushed added meanwhile), then the rest is loaded into registers.
//
// Tail calls build their stack arguments below the frame and then move them, with the return address, to where this function's own
// arguments end: the callee pops what it was given, so the caller finds rsp where it expects it however large the two argument areas are.
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Abi.X64;
using Tarn.Wasm;
using Tarn.Wasm.Binary;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.Compiler.Baseline;

internal sealed partial class BaselineCompiler
{
    private bool EmitCall(Opcode opcode, ref WasmReader reader)
    {
        switch (opcode)
        {
            case Opcode.Call:
                FlushFuel();
                int callee = reader.ReadIndex();
                if (callee < _module.ImportedFunctionCount)
                {
                    _asm.Lea(S64, Rax, new Mem(R14, _layout.FunctionReference(callee)));
                    CallReference(_module.FunctionTypeOf(callee));
                }
                else
                {
                    EmitCallSequence(_module.FunctionTypeOf(callee), callee);
                }
                return true;
            case Opcode.CallIndirect:
                FlushFuel();
                int type = reader.ReadIndex();
                LoadIndirect(type, reader.ReadIndex());
                CallReference((FunctionType)_module.Types[type].Composite);
                return true;
            case Opcode.CallRef:
                FlushFuel();
                int referenceType = reader.ReadIndex();
                PopCallee();
                CallReference((FunctionType)_module.Types[referenceType].Composite);
                return true;
            case Opcode.ReturnCall:
                FlushFuel();
                int tail = reader.ReadIndex();
                if (tail < _module.ImportedFunctionCount)
                    _asm.Lea(S64, Rax, new Mem(R14, _layout.FunctionReference(tail)));
                EmitTailCall(_module.FunctionTypeOf(tail), tail < _module.ImportedFunctionCount ? -1 : tail);
                SkipUnreachable(ref reader);
                return true;
            case Opcode.ReturnCallIndirect:
                FlushFuel();
                int tailType = reader.ReadIndex();
                LoadIndirect(tailType, reader.ReadIndex());
                EmitTailCall((FunctionType)_module.Types[tailType].Composite, -1);
                SkipUnreachable(ref reader);
                return true;
            case Opcode.ReturnCallRef:
                FlushFuel();
                int tailReference = reader.ReadIndex();
                PopCallee();
                EmitTailCall((FunctionType)_module.Types[tailReference].Composite, -1);
                SkipUnreachable(ref reader);
                return true;
            default:
                return false;
        }
    }

    private void PopCallee()
    {
        Pop(Rax);
        _asm.Test(S64, Rax, Rax);
        TrapIf(Condition.Equal, TrapCode.NullReference);
    }

    // rax = the record in a table's element, its type checked.
    private void LoadIndirect(int type, int table)
    {
        Pop(Rcx);
        LoadTable(table, Rdx, R8);
        _asm.Cmp(S64, Rcx, R8);
        TrapIf(Condition.AboveEqual, TrapCode.UndefinedElement);
        _asm.Mov(S64, Rax, new Mem(Rdx, Rcx, 3));
        _asm.Test(S64, Rax, Rax);
        TrapIf(Condition.Equal, TrapCode.IndirectCallToNull);
        _asm.Cmp(S32, new Mem(Rax, FunctionReferenceRecord.TypeId), int.MaxValue);
        _typeRelocations.Add(new Relocation(_asm.Offset - sizeof(int), SymbolKind.TypeId, type));
        if (_module.Types[type].IsFinal)
        {
            TrapIf(Condition.NotEqual, TrapCode.BadSignature);
            return;
        }
        Label fits = _asm.NewLabel();
        _asm.Jcc(Condition.Equal, fits);
        _asm.Mov(S64, At(Scratch), Rax);
        _asm.Mov(S32, Rdi, new Mem(Rax, FunctionReferenceRecord.TypeId));
        _asm.MovImm32(Rsi, int.MaxValue);
        _typeRelocations.Add(new Relocation(_asm.Offset - sizeof(int), SymbolKind.TypeId, type));
        CallBuiltin(BuiltinId.IsSubtype);
        _asm.Test(S32, Rax, Rax);
        _asm.Mov(S64, Rax, At(Scratch));
        TrapIf(Condition.Equal, TrapCode.BadSignature);
        _asm.Bind(fits);
    }

    private void CallBuiltin(BuiltinId id)
    {
        _asm.CallSymbol(Symbol(SymbolKind.Builtin, (int)id));
        _callSites.Add(new CallSite(_asm.Offset, _wasmOffset));
    }

    private void CallReference(FunctionType type) => EmitCallSequence(type, -1);

    // With callee < 0 the record to call is in rax, which carries no argument and survives the copying.
    private void EmitCallSequence(FunctionType type, int callee)
    {
        CallShape shape = ShapeOf(type, out ValueLocation[] parameters, out ValueLocation[] results);
        int first = _depth - type.ParameterCount;
        if (shape.StackArgumentBytes != 0)
        {
            _asm.Sub(S64, Rsp, shape.StackArgumentBytes);
            _pushed = shape.StackArgumentBytes;
        }
        for (int i = 0; i < parameters.Length; i++)
        {
            if (parameters[i].Kind != LocationKind.Memory)
                continue;
            _asm.Mov(S64, R11, Operand(first + i));
            _asm.Mov(S64, new Mem(Rsp, parameters[i].Value), R11);
        }
        for (int i = 0; i < parameters.Length; i++)
            LoadInto(AbiOf(type.Parameters[i]), parameters[i], Operand(first + i));
        if (shape.HasResultBuffer)
            _asm.Lea(S64, Rdi, At(_frameSize - _callBufferBytes));
        if (callee >= 0)
        {
            _asm.CallSymbol(Symbol(SymbolKind.Function, callee));
        }
        else
        {
            _asm.Mov(S64, R14, new Mem(Rax, FunctionReferenceRecord.VmContext));
            _asm.Call(new Mem(Rax, FunctionReferenceRecord.Code));
        }
        _callSites.Add(new CallSite(_asm.Offset, _wasmOffset));
        _pushed = 0;
        _asm.Mov(S64, R14, At(SavedContext));
        _depth = first;
        Grow(type.ResultCount);
        // Integer results first: storing a vector result goes through rax.
        for (int i = 0; i < results.Length; i++)
        {
            if (results[i].Kind == LocationKind.IntegerRegister)
                _asm.Mov(S64, Operand(first + i), (Gpr)results[i].Value);
        }
        for (int i = 0; i < results.Length; i++)
        {
            if (results[i].Kind == LocationKind.VectorRegister)
            {
                StoreVector(AbiOf(type.Results[i]), (Xmm)results[i].Value, Operand(first + i));
            }
            else if (results[i].Kind == LocationKind.Memory)
            {
                _asm.Mov(S64, R11, At(_frameSize - _callBufferBytes + results[i].Value));
                _asm.Mov(S64, Operand(first + i), R11);
            }
        }
    }

    // With callee < 0 the record to call is in rax.
    private void EmitTailCall(FunctionType type, int callee)
    {
        CallShape shape = ShapeOf(type, out ValueLocation[] parameters, out _);
        int first = _depth - type.ParameterCount;
        int outgoing = shape.StackArgumentBytes;
        // Built below the frame: return address, then arguments.
        int built = outgoing + 8;
        _asm.Sub(S64, Rsp, built);
        _pushed = built;
        _asm.Mov(S64, R11, At(_frameSize));
        _asm.Mov(S64, new Mem(Rsp), R11);
        for (int i = 0; i < parameters.Length; i++)
        {
            if (parameters[i].Kind != LocationKind.Memory)
                continue;
            _asm.Mov(S64, R11, Operand(first + i));
            _asm.Mov(S64, new Mem(Rsp, 8 + parameters[i].Value), R11);
        }
        for (int i = 0; i < parameters.Length; i++)
            LoadInto(AbiOf(type.Parameters[i]), parameters[i], Operand(first + i));
        if (shape.HasResultBuffer)
            _asm.Mov(S64, Rdi, At(SavedResultBuffer));
        // Moved up, highest first: the destination lies above the source and may overlap it.
        int destination = built + _frameSize + _shape.StackArgumentBytes - outgoing;
        for (int offset = outgoing; offset >= 0; offset -= 8)
        {
            _asm.Mov(S64, R11, new Mem(Rsp, offset));
            _asm.Mov(S64, new Mem(Rsp, destination + offset), R11);
        }
        _asm.Add(S64, Rsp, destination);
        _pushed = 0;
        if (callee >= 0)
        {
            _asm.JmpSymbol(Symbol(SymbolKind.Function, callee));
            return;
        }
        _asm.Mov(S64, R14, new Mem(Rax, FunctionReferenceRecord.VmContext));
        _asm.Jmp(new Mem(Rax, FunctionReferenceRecord.Code));
    }
}

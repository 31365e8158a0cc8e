// Managed objects: the bump of an allocation, and marking cards.
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

/// <content>Managed objects.</content>
internal sealed partial class X64Emitter
{
    // The heap's limit is below 4 GiB and sizes are below 2^37, so that the sum in 64 bits does not wrap.
    private void EmitAllocate(int i, in MachineInstruction instruction)
    {
        var top = G(instruction, 0);
        var end = G(instruction, 1);
        var record = G(instruction, 2);
        var again = _asm.BindNew();
        var cold = _asm.NewLabel();
        _asm.Mov(OperandSize.S64, top, new Mem(record, ExecutionRecordLayout.HeapTop));
        _asm.Lea(OperandSize.S64, end, instruction.OperandCount > 3 ? new Mem(top, G(instruction, 3), 0, 0) : new Mem(top, instruction.Immediate));
        _asm.Cmp(OperandSize.S64, end, new Mem(record, ExecutionRecordLayout.HeapLimit));
        _asm.Jcc(Condition.Above, cold);
        _asm.Mov(OperandSize.S64, new Mem(record, ExecutionRecordLayout.HeapTop), end);
        _cold.Add(new Cold { Kind = ColdKind.Collect, Start = cold, Return = again, Instruction = i, Source = _machine.Sources[i] });
    }

    // The runtime makes room, or the guest traps; then it is tried again.
    private void EmitCollect(in Cold cold)
    {
        ref var instruction = ref _machine.Instructions[cold.Instruction];
        var request = new Mem(G(instruction, 2), ExecutionRecordLayout.HeapRequest);
        if (instruction.OperandCount > 3)
        {
            _asm.Mov(OperandSize.S64, request, G(instruction, 3));
        }
        else
        {
            _asm.MovImm(OperandSize.S64, request, instruction.Immediate);
        }

        _asm.CallSymbol(Symbol(SymbolKind.Builtin, (int)BuiltinId.CollectGarbage));
        AddCallSite(_asm.Offset, cold.Instruction);
        _asm.Jmp(cold.Return);
    }

    private void EmitMarkCard(int i, in MachineInstruction instruction)
    {
        var cold = _asm.NewLabel();
        var back = _asm.NewLabel();
        _asm.Cmp(OperandSize.S32, G(instruction, 2), ObjectLayout.NurseryEnd);
        _asm.Jcc(Condition.AboveEqual, cold);
        _asm.Bind(back);
        _cold.Add(new Cold { Kind = ColdKind.MarkCard, Start = cold, Return = back, Instruction = i });
    }

    private void EmitMarkCardCold(in Cold cold)
    {
        ref var instruction = ref _machine.Instructions[cold.Instruction];
        var card = G(instruction, 0);
        _asm.Lea(OperandSize.S32, card, new Mem(G(instruction, 2), instruction.Immediate));
        _asm.Shift(ShiftOp.Shr, OperandSize.S32, card, ObjectLayout.CardShift);
        _asm.MovImm(OperandSize.S8, new Mem(G(instruction, 1), card, 0, -ObjectLayout.CardTableBytes), 1);
        _asm.Jmp(cold.Return);
    }
}

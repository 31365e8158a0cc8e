// Managed objects: allocation, offsets of elements, the write barrier.
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

using Tarn.Compiler.IR;

/// <content>Managed objects.</content>
internal sealed partial class X64Lowering
{
    private void LowerAllocate(Value i, ref IrInstruction instruction)
    {
        var definition = Definition(i);
        var record = Use(instruction.ValueA);
        var size = instruction.B >= 0 ? Use(instruction.ValueB) : VReg.None;
        Begin(X64Opcode.Allocate, 8, immediate: instruction.D);
        Add(definition, OperandKind.DefEarly);
        Add(_machine.NewVirtualRegister(MachineType.I64), OperandKind.Temp);
        Add(record, OperandKind.UseLate);
        if (size >= 0)
        {
            Add(size, OperandKind.UseLate);
        }
    }

    // In 32 bits, where it wraps.
    private void LowerElementOffset(Value i, ref IrInstruction instruction)
    {
        var definition = Definition(i);
        var array = Use(instruction.ValueA);
        var address = new Address { Kind = X64AddressKind.Registers, Base = array, Index = VReg.None };
        if (_ir.IsConstant(Resolve(instruction.ValueB), out var index) && index <= int.MaxValue >> 3)
        {
            address.Displacement = (int)index << instruction.Access.ScaleLog2;
        }
        else
        {
            address.Index = Use(instruction.ValueB);
            address.Scale = instruction.Access.ScaleLog2;
        }

        Begin(X64Opcode.Lea, 4);
        Add(definition, OperandKind.Def);
        AddAddress(address);
    }

    private void LowerWriteBarrier(ref IrInstruction instruction)
    {
        var heap = Use(instruction.ValueA);
        var at = Use(instruction.ValueB);
        Begin(X64Opcode.MarkCard, 1, immediate: instruction.D);
        Add(_machine.NewVirtualRegister(MachineType.I64), OperandKind.Temp);
        Add(heap, OperandKind.UseLate);
        Add(at, OperandKind.UseLate);
    }
}

// Loads, stores, atomic accesses and managed objects. No access relies on a fault: memories are checked, and an access of null is looked for.
using Tarn.Compiler.IR;
using Tarn.Compiler.Machine;
using Op = Tarn.Compiler.Targets.Portable.PortableOpcode;

namespace Tarn.Compiler.Targets.Portable;

/// <content>Memory.</content>
internal sealed partial class PortableLowering
{
    // Which form of an access: at a, at a + b, at the VM context.
    private enum Form : ushort
    {
        Plain = 0,
        Indexed = 1,
        Context = 2,
    }

    // Base, index and displacement of an access. Emits what the forms have no room for.
    private Form AddressOf(ref IrInstruction instruction, out VReg @base, out VReg index, out long displacement)
    {
        var isLinear = instruction.Opcode is IrOpcode.Load or IrOpcode.Store;
        displacement = instruction.Offset;
        @base = VReg.None;
        index = VReg.None;
        var a = Resolve(instruction.ValueA);
        ref var sum = ref _ir.Get(a);
        if (sum.Opcode == IrOpcode.Add && sum.Type is IrType.I64 or IrType.Ref && _ir.IsConstant(sum.ValueB, out var part))
        {
            displacement += (long)part;
            a = Resolve(sum.ValueA);
        }

        var form = _ir.Get(a).Opcode == IrOpcode.VmContext ? Form.Context : Form.Plain;
        if (instruction.B >= 0)
        {
            var scale = isLinear ? 0 : instruction.Access.ScaleLog2;
            if (_ir.IsConstant(Resolve(instruction.ValueB), out var bits))
            {
                displacement += (long)(bits << scale);
            }
            else
            {
                form = Form.Indexed;
                index = Use(instruction.ValueB);
                if (scale != 0)
                {
                    var scaled = _machine.NewVirtualRegister(MachineType.I64);
                    Begin(Op.ShiftLeft64K);
                    SetImmediate(scale);
                    Add(scaled, OperandKind.Def);
                    Add(index, OperandKind.UseAny);
                    index = scaled;
                }
            }
        }

        if (form != Form.Context)
        {
            @base = Use(a);
        }

        if (isLinear && instruction.Access.MayFault)
        {
            CheckNull(ref instruction, index, displacement);
        }

        return form;
    }

    // What faults on a processor are accesses of null in the heap of managed objects, whose first bytes are inaccessible. Memories are not guarded for this target.
    private void CheckNull(ref IrInstruction instruction, VReg index, long displacement)
    {
        if (instruction.Region >= AliasRegion.MemoryImported)
        {
            throw new InvalidOperationException("an access to linear memory that may fault was compiled for a target without guard regions");
        }

        if (index < 0)
        {
            index = _machine.NewVirtualRegister(MachineType.I64);
            Begin(Op.LoadConstant);
            Add(index, OperandKind.Def);
        }

        Begin(Op.NullCheck, aux: (int)Abi.TrapCode.NullReference);
        SetImmediate(displacement);
        Add(index, OperandKind.UseAny);
    }

    private void AddAddress(Form form, VReg @base, VReg index, long displacement)
    {
        SetImmediate(displacement);
        if (form != Form.Context)
        {
            Add(@base, OperandKind.UseAny);
        }

        if (form == Form.Indexed)
        {
            Add(index, OperandKind.UseAny);
        }
    }

    private void LowerLoad(Value i, ref IrInstruction instruction)
    {
        var access = instruction.Access;
        var isWide = instruction.Type is IrType.I64 or IrType.Ref;
        var first = (access.WidthLog2, access.Signed) switch
        {
            (2, _) when instruction.Type == IrType.V128 => Op.LoadV32,
            (3, _) when instruction.Type == IrType.V128 => Op.LoadV64,
            (0, false) => Op.LoadU8,
            (0, true) => isWide ? Op.LoadS8To64 : Op.LoadS8To32,
            (1, false) => Op.LoadU16,
            (1, true) => isWide ? Op.LoadS16To64 : Op.LoadS16To32,
            (2, true) when isWide => Op.LoadS32To64,
            (2, _) => Op.LoadU32,
            (3, _) => Op.LoadU64,
            _ => Op.LoadV128,
        };
        var form = AddressOf(ref instruction, out var @base, out var index, out var displacement);
        Define(first + (ushort)form, i);
        AddAddress(form, @base, index, displacement);
    }

    private void LowerStore(ref IrInstruction instruction)
    {
        var value = Use(instruction.ValueC);
        var form = AddressOf(ref instruction, out var @base, out var index, out var displacement);
        Begin(Op.Store8 + (ushort)((3 * instruction.Access.WidthLog2) + (int)form));
        Add(value, OperandKind.UseAny);
        AddAddress(form, @base, index, displacement);
    }

    private void LowerAtomic(Value i, ref IrInstruction instruction)
    {
        if (instruction.Opcode == IrOpcode.AtomicFence)
        {
            Begin(Op.AtomicFence);
            return;
        }

        var width = instruction.Access.Width;
        var address = Use(instruction.ValueA);
        switch (instruction.Opcode)
        {
            case IrOpcode.AtomicLoad:
                Define(Op.AtomicLoad, i);
                Add(address, OperandKind.UseAny);
                break;
            case IrOpcode.AtomicStore:
                var stored = Use(instruction.ValueB);
                Begin(Op.AtomicStore);
                Add(stored, OperandKind.UseAny);
                Add(address, OperandKind.UseAny);
                break;
            case IrOpcode.AtomicReadModifyWrite:
                var operand = Use(instruction.ValueB);
                width |= instruction.C << 8;
                Define(Op.AtomicReadModifyWrite, i);
                Add(address, OperandKind.UseAny);
                Add(operand, OperandKind.UseAny);
                break;
            default:
                var expected = Use(instruction.ValueB);
                var replacement = Use(instruction.ValueC);
                Define(Op.AtomicCompareExchange, i);
                Add(address, OperandKind.UseAny);
                Add(expected, OperandKind.UseAny);
                Add(replacement, OperandKind.UseAny);
                break;
        }

        _machine.Instructions[_open].Immediate = instruction.D;
        _machine.Instructions[_open].Displacement = width;
    }

    private void LowerAllocate(Value i, ref IrInstruction instruction)
    {
        var record = Use(instruction.ValueA);
        var size = instruction.B >= 0 ? Use(instruction.ValueB) : VReg.None;
        Define(Op.Allocate, i);
        Add(record, OperandKind.UseAny);
        if (size >= 0)
        {
            Add(size, OperandKind.UseAny);
        }
        else
        {
            SetImmediate((uint)instruction.D);
        }
    }
}

// Instruction selection for x86-64: operands, addresses and immediates. What is shared with other targets is in Machine/Lowering.cs; the groups of
// instructions are in the partial files.
using Tarn.Assembler.X64;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

using Tarn.Compiler.IR;

/// <summary>Instruction selection. One object serves one thread and is reused.</summary>
internal sealed partial class X64Lowering(CpuFeatures features) : Lowering
{
    private readonly CpuFeatures _features = features;
    private VReg _hiddenResult;

    private bool HasAvx => (_features & CpuFeatures.Avx) != 0;

    private protected override void BeginFunction() => _hiddenResult = VReg.None;

    // ---- Building instructions

    private int Begin(X64Opcode opcode, int width, int condition = 0, int immediate = 0, int aux = 0)
        => Begin((ushort)opcode, width, condition, immediate, aux);

    // The last source: a folded load, or an operand that may be in memory.
    private void AddSource(in Source source)
    {
        if (source.IsMemory)
        {
            AddAddress(source.Address);
        }
        else
        {
            Add(source.Virtual, OperandKind.UseAny);
        }
    }

    private void AddAddress(in Address address)
    {
        ref var instruction = ref _machine.Instructions[_open];
        instruction.Address = (byte)(((int)address.Kind << 4) | (address.Scale << 2) | (address.Index >= 0 ? 2 : 0) | (address.Base >= 0 ? 1 : 0));
        instruction.Displacement = address.Displacement;
        if (address.MayFault)
        {
            if (!_ir.CatchesFaults)
            {
                throw new InvalidOperationException("an access that may fault was compiled for a system where faults are not caught");
            }

            instruction.Flags |= address.IsNullCheck ? MachineFlags.MayFault | MachineFlags.NullCheck : MachineFlags.MayFault;
            _machine.Sources[_open] = address.WasmOffset;
        }

        if (address.Base >= 0)
        {
            Add(address.Base, OperandKind.Use);
        }

        if (address.Index >= 0)
        {
            Add(address.Index, OperandKind.Use);
        }
    }

    private struct Address
    {
        public X64AddressKind Kind;
        public VReg Base;
        public VReg Index;
        public int Scale;
        public int Displacement;
        public int WasmOffset;
        public bool MayFault;
        public bool IsNullCheck;

        public static Address Of(X64AddressKind kind, int displacement)
            => new() { Kind = kind, Base = VReg.None, Index = VReg.None, Displacement = displacement };
    }

    private struct Source
    {
        public bool IsMemory;
        public VReg Virtual;
        public Address Address;
    }

    // ---- Values

    private bool IsImmediate(Value value, out int immediate)
    {
        ref var instruction = ref _ir.Get(value);
        immediate = 0;
        if (instruction.Opcode != IrOpcode.Constant || instruction.Type == IrType.V128)
        {
            return false;
        }

        var bits = (long)instruction.Bits;
        if (instruction.Type is IrType.I32 or IrType.F32)
        {
            immediate = (int)bits;
            return true;
        }

        immediate = (int)bits;
        return immediate == bits;
    }

    // A source of an operation of a width: a load merged into it, or a register or slot.
    private Source SourceOf(Value value, int width)
    {
        if (TryMergeLoad(value, width, out var address))
        {
            return new Source { IsMemory = true, Address = address };
        }

        return new Source { Virtual = UseWidth(value, width) };
    }

    private bool CanMergeLoad(Value value, int width)
    {
        ref var instruction = ref _ir.Get(value);
        if (instruction.Opcode is not (IrOpcode.Load or IrOpcode.LoadVm) || !IsMergeable(value) || instruction.Access.Width != width)
        {
            return false;
        }

        return _colors.MayMoveLoad(value, instruction, _root);
    }

    private bool TryMergeLoad(Value value, int width, out Address address)
    {
        if (!CanMergeLoad(value, width))
        {
            address = default;
            return false;
        }

        _merged[value] = true;
        address = AddressOf(ref _ir.Get(value), value);
        return true;
    }
}

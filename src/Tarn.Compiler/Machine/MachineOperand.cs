// Operands of machine instructions: a virtual register and what the instruction asks of its place. The allocator knows nothing else of
// an instruction. Positions within instruction i (see Allocate/LiveIntervals.cs): gap reads happen at 2i−1, before the instruction;
// register reads at 2i; late definitions at 2i+1. An operand whose kind is wrong gives silent miscompilation, so the checker
// (Allocate/AllocationChecker.cs) holds each kind to its meaning.
using System.Runtime.InteropServices;

namespace Tarn.Compiler.Machine;

/// <summary>What an instruction asks of an operand's place.</summary>
internal enum OperandKind : byte
{
    /// <summary>Read from a register; the register may be reused for a late definition.</summary>
    Use,

    /// <summary>Read from a register or from memory (a spill slot, an incoming stack argument, a rematerialised load).</summary>
    UseAny,

    /// <summary>Read from a register that no definition of this instruction shares.</summary>
    UseLate,

    /// <summary>Moved to the fixed register before the instruction.</summary>
    UseFixed,

    /// <summary>Moved to the register of the <see cref="DefTied"/> operand before the instruction.</summary>
    UseTied,

    /// <summary>Written after all uses were read.</summary>
    Def,

    /// <summary>Written while uses may still be read: shares no register with them.</summary>
    DefEarly,

    /// <summary>Starts as the value of the instruction's one <see cref="UseTied"/> operand.</summary>
    DefTied,

    /// <summary>Written to the fixed register.</summary>
    DefFixed,

    /// <summary>A scratch register for the length of the instruction. Its virtual register has no other operand.</summary>
    Temp,
}

/// <summary>An operand: 8 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 8)]
internal struct MachineOperand
{
    /// <summary>Virtual register.</summary>
    public VReg VirtualRegister;

    /// <summary>Constraint.</summary>
    public OperandKind Kind;

    /// <summary>Register of a fixed operand.</summary>
    public byte Register;

    /// <summary>Whether the operand is written.</summary>
    public readonly bool IsDefinition => Kind >= OperandKind.Def;

    /// <summary>Makes an operand.</summary>
    public static MachineOperand Create(VReg virtualRegister, OperandKind kind, int register = 0)
        => new() { VirtualRegister = virtualRegister, Kind = kind, Register = (byte)register };
}

// One machine instruction before and after register allocation. Opcodes belong to the target; what every target shares is the
// operand list and the clobbered registers.
//
//   byte  0      2       3      4          5         6          7       8         12     16      20      24
//        +------+-------+------+----------+---------+----------+-------+---------+------+-------+-------+
//        |opcode| width | cond | operands | address | clobbers | flags | operand | disp |  imm  |  aux  |
//        |      |       |      |  (count) |         |  (index) |       | (start) |      |       |       |
//        +------+-------+------+----------+---------+----------+-------+---------+------+-------+-------+
//
// Operands are in this order: definitions and temporaries, register or memory uses, then the base and the index of the address.
using System.Runtime.InteropServices;

namespace Tarn.Compiler.Machine;

/// <summary>Facts that the allocator or the emitter must know of an instruction.</summary>
[Flags]
internal enum MachineFlags : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>
    /// Defines one virtual register from nothing and can be repeated anywhere: a constant or a read-only load. The allocator never
    /// spills it, and the definition itself is left out if no register needs it there.
    /// </summary>
    Rematerialisable = 1,

    /// <summary>With <see cref="Rematerialisable"/>: the value is in memory, so an operand that takes memory can read it from there.</summary>
    MemoryResident = 2,

    /// <summary>Calls: clobbers what the calling convention says.</summary>
    Call = 4,

    /// <summary>Reads the flags of the instruction before.</summary>
    ReadsFlags = 8,

    /// <summary>The access may fault: a trap site.</summary>
    MayFault = 16,

    /// <summary>With <see cref="MayFault"/>: what faults is an access of null, not one outside of a memory.</summary>
    NullCheck = 32,
}

/// <summary>A machine instruction: 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 24)]
internal struct MachineInstruction
{
    /// <summary>The target's opcode. 0 is the label that starts each block and defines its parameters.</summary>
    public ushort Opcode;

    /// <summary>Operation width in bytes.</summary>
    public byte Width;

    /// <summary>Condition, rounding mode or the target's sub-operation.</summary>
    public byte Condition;

    /// <summary>Number of operands.</summary>
    public byte OperandCount;

    /// <summary>Addressing mode: bit 0 base, bit 1 index, bits 2 and 3 log2 of the index's scale, above them the target's kind of address, 0 for none.</summary>
    public byte Address;

    /// <summary>Index into the target's table of clobbered registers; 0 is none. Clobbered from the start of the instruction.</summary>
    public byte Clobbers;

    /// <summary>Facts.</summary>
    public MachineFlags Flags;

    /// <summary>First operand in <see cref="MachineFunction.Operands"/>. Lists longer than 255 are continued by the target's rules.</summary>
    public int OperandStart;

    /// <summary>Displacement of the address.</summary>
    public int Displacement;

    /// <summary>Immediate, or index of a constant.</summary>
    public int Immediate;

    /// <summary>Trap code, edge, call target: the target's choice.</summary>
    public int Aux;

    /// <summary>Whether the last operands are an address.</summary>
    public readonly bool HasAddress => Address >> 4 != 0;

    /// <summary>Number of operands that the address has: base and index.</summary>
    public readonly int AddressOperands => (Address & 1) + ((Address >> 1) & 1);
}

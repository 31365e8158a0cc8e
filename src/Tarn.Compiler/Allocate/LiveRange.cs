// Live ranges. Instruction i has the positions 2i (registers are read, early definitions written) and 2i+1 (late definitions). Moves go
// into the gap before an instruction; what they read they read at 2i−1. A segment [From, To) says that the value is needed at these positions.
//
//   gap i     reads at 2i−1: fixed and tied uses, splits
//   2i        Use, UseAny, DefEarly, DefTied, Temp; clobbers [2i, 2i+2)
//   2i+1      Def, UseLate; fixed definitions hold their register [2i+1, 2i+2) and start their segment at 2i+2, in gap i+1
//   edges     arguments are read at the last position of the block; parameters start at the label's 2i
//
// The segments of a virtual register are divided among live ranges, each with one location. A live range in memory may start anywhere, since
// the slot is written right after the definition; one in a register starts at an even position or at its definition.
using System.Runtime.InteropServices;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>A segment of positions.</summary>
internal struct LiveSegment
{
    /// <summary>First position.</summary>
    public int From;

    /// <summary>One past the last position.</summary>
    public int To;

    /// <summary>Next segment of the list, or −1.</summary>
    public int Next;
}

/// <summary>How a use constrains the location that it reads.</summary>
internal enum UseConstraint : byte
{
    /// <summary>Read by a move: any location serves.</summary>
    Gap,

    /// <summary>Memory serves, a register is better.</summary>
    Any,

    /// <summary>A register is needed.</summary>
    Register,
}

/// <summary>A use.</summary>
[StructLayout(LayoutKind.Sequential, Size = 20)]
internal struct UsePosition
{
    /// <summary>Position at which it reads.</summary>
    public int Position;

    /// <summary>Next use, or −1.</summary>
    public int Next;

    /// <summary>Operand, or ~edge argument.</summary>
    public int Operand;

    /// <summary>Block.</summary>
    public int Block;

    /// <summary>Constraint.</summary>
    public UseConstraint Constraint;
}

/// <summary>What is known of a virtual register.</summary>
internal struct VirtualRegisterState
{
    /// <summary>First segment, or −1 when it is never live.</summary>
    public int FirstSegment;

    /// <summary>First use, or −1.</summary>
    public int FirstUse;

    /// <summary>First live range, or −1.</summary>
    public int FirstRange;

    /// <summary>Defining instruction.</summary>
    public int Definition;

    /// <summary>Operand that defines it.</summary>
    public int DefinitionOperand;

    /// <summary>Parent in the forest of hint groups.</summary>
    public VReg Group;

    /// <summary>Of a group's root: the register that the first member was assigned, or −1.</summary>
    public sbyte GroupRegister;

    /// <summary>Fixed register that the last use or the definition requires, or −1.</summary>
    public sbyte FixedHint;

    /// <summary>Register that a live range of it was assigned last, or −1.</summary>
    public sbyte LastRegister;

    /// <summary>The definition can be repeated.</summary>
    public bool IsRematerialisable;

    /// <summary>The definition is a location in memory.</summary>
    public bool IsMemoryResident;

    /// <summary>Whether the slot is written on the ways into memory only, not after the definition.</summary>
    public bool IsStoredLate;

    /// <summary>Some live range is in the spill slot.</summary>
    public bool IsSpilled;

    /// <summary>Spill slot once assigned.</summary>
    public int Slot;
}

/// <summary>A part of a virtual register's life that has one location.</summary>
internal struct LiveRange
{
    /// <summary>Virtual register.</summary>
    public VReg VirtualRegister;

    /// <summary>First position.</summary>
    public int Start;

    /// <summary>One past the last position.</summary>
    public int End;

    /// <summary>First segment.</summary>
    public int FirstSegment;

    /// <summary>Segment that the walk has reached.</summary>
    public int CurrentSegment;

    /// <summary>Use that the walk has reached.</summary>
    public int CurrentUse;

    /// <summary>Position of the last use before <see cref="CurrentUse"/>, or −1.</summary>
    public int LastUsePosition;

    /// <summary>Next live range of the same virtual register, or −1.</summary>
    public int NextRange;

    /// <summary>Next in the list of a register's inactive live ranges.</summary>
    public int NextInactive;

    /// <summary>Location; a slot is marked with index 0 until slots are assigned.</summary>
    public Location Location;

    /// <summary>Not the first live range of its virtual register.</summary>
    public bool IsChild;
}

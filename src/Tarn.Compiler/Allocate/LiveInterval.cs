// Live intervals. Instruction i has the positions 2i (registers are read, early definitions written) and 2i+1 (late definitions). Moves go
// into the gap before an instruction; what they read they read at 2i−1. A range [From, To) says that the value is needed at these positions.
//
//   gap i     reads at 2i−1: fixed and tied uses, splits
//   2i        Use, UseAny, DefEarly, DefTied, Temp; clobbers [2i, 2i+2)
//   2i+1      Def, UseLate; fixed definitions hold their register [2i+1, 2i+2) and start their interval at 2i+2, in gap i+1
//   edges     arguments are read at the last position of the block; parameters start at the label's 2i
//
// A virtual register's interval is split into pieces, each with one location. A piece whose location is memory may start anywhere, since
// the slot is written right after the definition; one in a register starts at an even position or at its definition.
using System.Runtime.InteropServices;

namespace Tarn.Compiler.Allocate;

/// <summary>A range of positions.</summary>
internal struct LiveRange
{
    /// <summary>First position.</summary>
    public int From;

    /// <summary>One past the last position.</summary>
    public int To;

    /// <summary>Next range of the list, or −1.</summary>
    public int Next;
}

/// <summary>How much a use wants a register.</summary>
internal enum UseWish : byte
{
    /// <summary>Read by a move: any place will do.</summary>
    Gap,

    /// <summary>Memory will do, a register is better.</summary>
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

    /// <summary>Wish.</summary>
    public UseWish Wish;
}

/// <summary>What is known of a virtual register.</summary>
internal struct VirtualRegisterState
{
    /// <summary>First range, or −1 when it is never live.</summary>
    public int FirstRange;

    /// <summary>First use, or −1.</summary>
    public int FirstUse;

    /// <summary>First piece, or −1.</summary>
    public int FirstPiece;

    /// <summary>Defining instruction.</summary>
    public int Definition;

    /// <summary>Operand that defines it.</summary>
    public int DefinitionOperand;

    /// <summary>Parent in the forest of hint groups.</summary>
    public int Group;

    /// <summary>Of a group's root: the register that the first member got, or −1.</summary>
    public sbyte GroupRegister;

    /// <summary>Fixed register wished by the last use or by the definition, or −1.</summary>
    public sbyte FixedHint;

    /// <summary>Register that a piece of it got last, or −1.</summary>
    public sbyte LastRegister;

    /// <summary>The definition can be repeated.</summary>
    public bool IsRematerialisable;

    /// <summary>The definition is a place in memory.</summary>
    public bool IsMemoryResident;

    /// <summary>Some piece is in the spill slot.</summary>
    public bool IsSpilled;

    /// <summary>Spill slot once given.</summary>
    public int Slot;
}

/// <summary>A piece of an interval.</summary>
internal struct LivePiece
{
    /// <summary>Virtual register.</summary>
    public int VirtualRegister;

    /// <summary>First position.</summary>
    public int Start;

    /// <summary>One past the last position.</summary>
    public int End;

    /// <summary>First range.</summary>
    public int FirstRange;

    /// <summary>Range that the walk has reached.</summary>
    public int CurrentRange;

    /// <summary>Use that the walk has reached.</summary>
    public int CurrentUse;

    /// <summary>Position of the last use before <see cref="CurrentUse"/>, or −1.</summary>
    public int LastUsePosition;

    /// <summary>Next piece of the same virtual register, or −1.</summary>
    public int NextPiece;

    /// <summary>Next in the list of a register's inactive pieces.</summary>
    public int NextInactive;

    /// <summary>Location; a slot is marked with index 0 until slots are given.</summary>
    public Location Location;

    /// <summary>Not the first piece of its virtual register.</summary>
    public bool IsChild;
}

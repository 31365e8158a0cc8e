// The opcodes that every target has: those which the layers over machine instructions look at. A target's enumeration takes these numbers for its own names
// and counts on from FirstOfTarget; what else an instruction does is the target's business.
namespace Tarn.Compiler.Machine;

/// <summary>Machine opcodes that are the same for every target.</summary>
internal static class MachineOpcode
{
    /// <summary>Start of a block; defines its parameters.</summary>
    public const ushort Label = 0;

    /// <summary>Terminator: to the only edge.</summary>
    public const ushort Jump = 1;

    /// <summary>Terminator: to the first edge if the condition holds, else to the second.</summary>
    public const ushort JumpIf = 2;

    /// <summary>
    /// Terminator: to the edge that an index selects. Aux: start in <see cref="MachineFunction.SwitchTargets"/>; immediate: number of entries, of which the last
    /// is the default.
    /// </summary>
    public const ushort Switch = 3;

    /// <summary>Terminator: returns to the caller.</summary>
    public const ushort Return = 4;

    /// <summary>Terminator: traps. Aux: trap code.</summary>
    public const ushort Trap = 5;

    /// <summary>Terminator: leaves for a function of the module. Aux: function index.</summary>
    public const ushort TailCall = 6;

    /// <summary>Terminator: leaves for the function of a record.</summary>
    public const ushort TailCallReference = 7;

    /// <summary>Calls a function of the module. Aux: function index.</summary>
    public const ushort Call = 8;

    /// <summary>Calls the function of a record.</summary>
    public const ushort CallReference = 9;

    /// <summary>Calls the runtime. Aux: builtin.</summary>
    public const ushort CallBuiltin = 10;

    /// <summary>
    /// Terminator: to the first edge, or to the second if a handler catches what the call before it throws. Aux: scope. The second edge is taken from where the call returns: what comes
    /// between the call and this is executed on the first edge only.
    /// </summary>
    public const ushort BranchOnThrow = 11;

    /// <summary>Makes room for a managed object: a safepoint that preserves all registers. Immediate: bytes, unless there is an operand for them.</summary>
    public const ushort Allocate = 12;

    /// <summary>The first number that a target may use as it likes.</summary>
    public const ushort FirstOfTarget = 16;

    /// <summary>Whether the collector may run in an instruction.</summary>
    public static bool IsSafepoint(in MachineInstruction instruction) => (instruction.Flags & MachineFlags.Call) != 0 || instruction.Opcode == Allocate;

    /// <summary>Whether an opcode ends a block.</summary>
    public static bool IsTerminator(ushort opcode) => opcode is (>= Jump and <= TailCallReference) or BranchOnThrow;
}

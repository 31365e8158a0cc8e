// Blocks and edges at machine level. Each block starts with a label instruction (opcode 0) whose definitions are the block's parameters,
// so that a position exists before its first real instruction. Invariant: no edge is critical. Its source has one successor or its target has
// one predecessor, so that the moves of an edge have a place.
namespace Tarn.Compiler.Machine;

/// <summary>A block: a range of instructions.</summary>
internal struct MachineBlock
{
    /// <summary>Its label.</summary>
    public int First;

    /// <summary>One past its terminator.</summary>
    public int End;

    /// <summary>First of its outgoing edges in <see cref="MachineFunction.Edges"/>.</summary>
    public int SuccessorStart;

    /// <summary>Number of outgoing edges.</summary>
    public int SuccessorCount;

    /// <summary>First of its incoming edges in <see cref="MachineFunction.Predecessors"/>.</summary>
    public int PredecessorStart;

    /// <summary>Number of incoming edges.</summary>
    public int PredecessorCount;

    /// <summary>Innermost loop around, or −1.</summary>
    public int Loop;

    /// <summary>Nesting depth of loops.</summary>
    public int LoopDepth;

    /// <summary>Not expected to run.</summary>
    public bool IsCold;

    /// <summary>Header of its loop.</summary>
    public bool IsLoopHeader;

    /// <summary>Offset in the module for instructions that have none of their own.</summary>
    public int Source;
}

/// <summary>An edge with the values passed to the target's parameters.</summary>
internal struct MachineEdge
{
    /// <summary>Source block.</summary>
    public int From;

    /// <summary>Target block.</summary>
    public int To;

    /// <summary>First argument in <see cref="MachineFunction.Arguments"/>.</summary>
    public int ArgumentStart;

    /// <summary>Number of arguments.</summary>
    public int ArgumentCount;
}

/// <summary>A loop: the blocks from its header to <see cref="End"/>, exclusive, which are contiguous. Loops are numbered in the order of their headers.</summary>
internal struct MachineLoop
{
    /// <summary>
    /// What goes from loop to loop outwards takes so many steps at most: loops nested deeper count as one level. Loops are nested like that only to make compilers slow.
    /// </summary>
    public const int MaximumDepth = 64;

    /// <summary>Loop around, or −1. Of a loop nested deeper than <see cref="MaximumDepth"/> not the next one, but one at most so deep.</summary>
    public int Parent;

    /// <summary>How many loops there are from this one outwards, following <see cref="Parent"/>.</summary>
    public int Depth;

    /// <summary>Its header.</summary>
    public int Header;

    /// <summary>One past its last block.</summary>
    public int End;
}

// Blocks and edges. A block is a doubly linked list of instructions: parameters first, one terminator last. Edges are records of
// their own, so that predecessor lists, edge splitting and the moves on an edge all have something to point at.
namespace Tarn.Compiler.IR;

/// <summary>What is known of a block.</summary>
[Flags]
internal enum IrBlockFlags : byte
{
    /// <summary>Nothing special.</summary>
    None = 0,

    /// <summary>The target of at least one back edge; dominates all blocks of its loop.</summary>
    LoopHeader = 1,

    /// <summary>Expected not to run: laid out after all others.</summary>
    Cold = 2,

    /// <summary>Reached from the entry. Blocks without it are not in <see cref="IrFunction.Order"/>.</summary>
    Reachable = 4,
}

/// <summary>A basic block.</summary>
internal struct IrBlock
{
    /// <summary>First instruction, or none.</summary>
    public Value First;

    /// <summary>Last instruction: the terminator once the block is complete.</summary>
    public Value Last;

    /// <summary>Number of parameters.</summary>
    public int ParameterCount;

    /// <summary>Start of its incoming edges in <see cref="IrFunction.Predecessors"/>; valid after <see cref="IrFunction.ComputeOrder"/>.</summary>
    public int PredecessorStart;

    /// <summary>Number of incoming edges from reachable blocks.</summary>
    public int PredecessorCount;

    /// <summary>Immediate dominator, none for the entry; valid after <see cref="IrFunction.ComputeOrder"/>.</summary>
    public Block ImmediateDominator;

    /// <summary>Position in <see cref="IrFunction.Order"/> (reverse post-order), or −1.</summary>
    public int OrderIndex;

    /// <summary>Header of the innermost loop that holds this block (a header is in its own loop), or none.</summary>
    public Block LoopHeader;

    /// <summary>For a loop header, the header of the loop around, or none.</summary>
    public Block LoopParent;

    /// <summary>Number of loops around.</summary>
    public ushort LoopDepth;

    /// <summary>Facts.</summary>
    public IrBlockFlags Flags;

    /// <summary>Whether the block is a loop header.</summary>
    public readonly bool IsLoopHeader => (Flags & IrBlockFlags.LoopHeader) != 0;

    /// <summary>Whether the block is cold.</summary>
    public readonly bool IsCold => (Flags & IrBlockFlags.Cold) != 0;
}

/// <summary>An edge of the control-flow graph with the values it passes to the target's parameters.</summary>
internal struct IrEdge
{
    /// <summary>Block whose terminator holds the edge.</summary>
    public Block From;

    /// <summary>Target block.</summary>
    public Block To;

    /// <summary>Start of the arguments in the pool.</summary>
    public int ArgumentStart;

    /// <summary>Number of arguments: the target's parameter count.</summary>
    public int ArgumentCount;
}

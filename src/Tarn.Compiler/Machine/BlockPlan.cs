// Which blocks a machine function has, and in which order: those of the IR, each followed by blocks for its critical edges, so that the moves of each
// edge have a place. Loops are numbered on the way.
//
// Invariants, which the allocator relies on: a block comes after its dominators; the blocks of a loop are contiguous; no edge is critical.
using Tarn.Assembler;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Machine;

/// <summary>The blocks of a function that is being lowered. One object serves one thread and is reused.</summary>
internal sealed class BlockPlan
{
    // Edges of a switch are compared with so many blocks before them at most.
    private const int Window = 64;

    private IrFunction _ir = null!;
    private MachineFunction _machine = null!;
    private GrowableArray<int> _blockIndex = new(128);
    private GrowableArray<int> _loopIndex = new(128);
    private GrowableArray<int> _loopAround = new(16);
    private GrowableArray<int> _splitOf = new(128);
    private GrowableArray<PlannedBlock> _blocks = new(128);

    private struct PlannedBlock
    {
        /// <summary>IR block, or none for that of a split edge.</summary>
        public Block Block;

        /// <summary>IR edge that it splits, or none.</summary>
        public Edge Edge;
        public int Loop;
    }

    /// <summary>Number of blocks.</summary>
    public int Count => _blocks.Count;

    /// <summary>The IR block that a block is, or none if it splits an edge.</summary>
    public Block BlockAt(int index) => _blocks[index].Block;

    /// <summary>The IR edge that a block splits, or none.</summary>
    public Edge EdgeAt(int index) => _blocks[index].Edge;

    /// <summary>Innermost loop around a block, or −1.</summary>
    public int LoopOf(int index) => _blocks[index].Loop;

    /// <summary>Where an IR edge leads first: the block that splits it, if there is one, or its target.</summary>
    public int TargetOf(Edge irEdge) => _splitOf[irEdge] >= 0 ? _splitOf[irEdge] : BlockOf(_ir.Edges[irEdge].To);

    /// <summary>Whether an IR edge has a block of its own.</summary>
    public bool IsSplit(Edge irEdge) => _splitOf[irEdge] >= 0;

    /// <summary>The block of an IR block.</summary>
    public int BlockOf(Block irBlock) => _blockIndex[irBlock];

    /// <summary>Nesting depth of a loop of the machine function; 0 for none.</summary>
    public int DepthOf(int loop) => loop < 0 ? 0 : _machine.Loops[loop].Depth;

    /// <summary>Plans the blocks of a function whose order has been computed, and adds them and its loops to the machine function.</summary>
    public void Prepare(IrFunction ir, MachineFunction machine)
    {
        _ir = ir;
        _machine = machine;
        _blocks.Clear();
        _blockIndex.Fill(ir.Blocks.Count, -1);
        _loopIndex.Fill(ir.Blocks.Count, -1);
        _loopAround.Clear();
        _splitOf.Fill(ir.Edges.Count, -1);
        foreach (var block in ir.Order.Span)
        {
            SplitThrowEdges(block);
            ref var b = ref ir.Blocks[block];
            if (b.IsLoopHeader)
            {
                _loopIndex[block] = AddLoop(b.LoopParent.IsNone ? -1 : _loopIndex[b.LoopParent]);
            }

            _blockIndex[block] = _blocks.Add(new PlannedBlock { Block = block, Edge = Edge.None, Loop = b.LoopHeader.IsNone ? -1 : _loopIndex[b.LoopHeader] });
            SplitEdges(block);
        }

        FinishLoops();
        machine.Blocks.AddDefault(_blocks.Count);
    }

    // The blocks of edges to a handler come right before it, not behind the calls: what goes on after a call follows it.
    private void SplitThrowEdges(Block block)
    {
        var ir = _ir;
        ref var b = ref ir.Blocks[block];
        if (ir.HandlerScopes.Count == 0 || b.PredecessorCount < 2)
        {
            return;
        }

        foreach (var edge in ir.PredecessorsOf(block))
        {
            if (IsForwardThrow(edge))
            {
                _splitOf[edge] = _blocks.Add(new PlannedBlock { Block = Block.None, Edge = edge, Loop = -2 });
            }
        }
    }

    private bool IsForwardThrow(Edge edge)
    {
        ref var e = ref _ir.Edges[edge];
        ref var branch = ref _ir.Get(_ir.Blocks[e.From].Last);
        return branch.Opcode == IrOpcode.BranchOnThrow && branch.C == edge && _ir.Blocks[e.From].OrderIndex < _ir.Blocks[e.To].OrderIndex;
    }

    private void SplitEdges(Block block)
    {
        var ir = _ir;
        var count = ir.SuccessorCount(block);
        if (count < 2)
        {
            return;
        }

        var isMembership = HasTwoOutcomes(block, count);

        // The edge to a handler leaves from another place than the one beside it.
        var isThrow = ir.Get(ir.Blocks[block].Last).Opcode == IrOpcode.BranchOnThrow;
        for (var k = 0; k < count; k++)
        {
            var edge = ir.Successor(block, k);
            ref var e = ref ir.Edges[edge];
            if (_splitOf[edge] >= 0 || ir.Blocks[e.To].PredecessorCount < 2 || (isThrow && IsForwardThrow(edge)))
            {
                continue;
            }

            // Entries of a switch that go to the same block without arguments share a block. So do those with equal arguments, if that makes the switch a
            // test for membership of a set (BlockLayout.MembersOf). Elsewhere they stay apart: the origin of a jump is what the processor predicts later branches by.
            var shared = -1;
            if ((e.ArgumentCount == 0 || isMembership) && !isThrow)
            {
                for (var p = _blocks.Count - 1; p > _blockIndex[block] && p > _blocks.Count - Window; p--)
                {
                    if (AreSame(edge, _blocks[p].Edge))
                    {
                        shared = p;
                        break;
                    }
                }
            }

            _splitOf[edge] = shared >= 0 ? shared : _blocks.Add(new PlannedBlock { Block = Block.None, Edge = edge, Loop = -2 });
        }
    }

    private void FinishLoops()
    {
        var ir = _ir;
        for (var p = 0; p < _blocks.Count; p++)
        {
            ref var planned = ref _blocks[p];
            if (!planned.Edge.IsNone)
            {
                ref var e = ref ir.Edges[planned.Edge];
                ref var target = ref ir.Blocks[e.To];
                var header = target.IsLoopHeader && ir.Blocks[e.From].OrderIndex < target.OrderIndex ? target.LoopParent : target.LoopHeader;
                planned.Loop = header.IsNone ? -1 : _loopIndex[header];
            }

            if (planned.Loop >= 0)
            {
                _machine.Loops[planned.Loop].End = p + 1;
            }
        }

        for (var loop = _machine.Loops.Count - 1; loop >= 0; loop--)
        {
            var around = _loopAround[loop];
            if (around >= 0)
            {
                _machine.Loops[around].End = Math.Max(_machine.Loops[around].End, _machine.Loops[loop].End);
            }
        }
    }

    private bool AreSame(Edge edge, Edge other) =>
        _ir.Edges[edge].To == _ir.Edges[other].To && _ir.ArgumentsOf(edge).SequenceEqual(_ir.ArgumentsOf(other));

    // Whether a switch has one outcome besides its default's.
    private bool HasTwoOutcomes(Block block, int count)
    {
        if (count is < 3 or > BlockLayout.LargestSet + 1)
        {
            return false;
        }

        var otherwise = _ir.Successor(block, count - 1);
        var member = Edge.None;
        for (var k = 0; k + 1 < count; k++)
        {
            var edge = _ir.Successor(block, k);
            if (AreSame(edge, otherwise) || (!member.IsNone && AreSame(edge, member)))
            {
                continue;
            }

            if (!member.IsNone)
            {
                return false;
            }

            member = edge;
        }

        return true;
    }

    private int AddLoop(int around)
    {
        _loopAround.Add(around);
        var depth = DepthOf(around);
        return _machine.Loops.Add(new MachineLoop
        {
            Parent = depth <= MachineLoop.MaximumDepth ? around : _machine.Loops[around].Parent,
            Depth = Math.Min(depth, MachineLoop.MaximumDepth) + 1,
            Header = _blocks.Count,
        });
    }
}

// In which order blocks are emitted. Cold blocks come last, blocks that hold nothing but a jump are threaded through, and innermost loops are rotated so that
// the branch that decides on another iteration is also the one that goes back: a loop whose test is at its top, or whose back edge carries moves, would
// otherwise execute a jump in each iteration. Blocks on the way out of a loop, which hold the moves of its exits, leave the loop's range.
//
// A block that ends in a switch may be emitted again in place of a jump to it: in an interpreter each operation then has an indirect jump of its own, which
// is predicted by what usually follows that operation. Registers are assigned by then, so a copy is exact.
using Tarn.Assembler;
using Tarn.Compiler.Allocate;

namespace Tarn.Compiler.Machine;

/// <summary>The order of a function's blocks in code. One object serves one thread and is reused.</summary>
/// <param name="innerAlignment">Bytes to which innermost loops are aligned.</param>
/// <param name="outerAlignment">Bytes to which other loops are aligned, and inner ones that are fallen into and would take much padding.</param>
internal sealed class BlockLayout(int innerAlignment, int outerAlignment)
{
    /// <summary>A switch over at most so many values can be a test for membership of a set, which is one word.</summary>
    public const int LargestSet = 64;

    private const int RepeatedInstructions = 12;
    private const int RepeatedBlocks = 64;

    // Blocks that wait for a position: each position looks at all of them.
    private const int MaximumAside = 512;

    private MachineFunction _machine = null!;
    private Allocation _allocation = null!;
    private GrowableArray<int> _threaded = new(128);
    private GrowableArray<int> _moveStart = new(128);
    private GrowableArray<int> _layout = new(128);
    private GrowableArray<int> _alignment = new(128);
    private GrowableArray<int> _turned = new(128);
    private GrowableArray<int> _aside = new(16);
    private GrowableArray<bool> _hasInnerLoop = new(32);
    private int _repeats;

    /// <summary>The blocks that are emitted, in order.</summary>
    public ReadOnlySpan<int> Order => _layout.Span;

    /// <summary>Where a jump to a block leads: past blocks that hold nothing but a jump.</summary>
    public int Threaded(int block) => _threaded[block];

    /// <summary>The first of a block's moves in <see cref="Allocation.Moves"/>.</summary>
    public int MoveStart(int block) => _moveStart[block];

    /// <summary>Bytes to which a block is aligned; 0 for none.</summary>
    public int AlignmentOf(int block) => _alignment[block];

    /// <summary>Lays out the blocks of a function.</summary>
    public void Prepare(MachineFunction machine, Allocation allocation)
    {
        _machine = machine;
        _allocation = allocation;
        PrepareBlocks();
    }

    /// <summary>Whether to emit a block in place of a jump to it: a short one within a loop that ends in a switch through a table.</summary>
    public bool TakesRepetition(int target, int current)
    {
        ref var block = ref _machine.Blocks[target];
        if (block.LoopDepth == 0 || block.IsCold || _repeats == 0 || target == current || block.End - block.First > RepeatedInstructions
            || OpcodeAt(block.End - 1) != MachineOpcode.Switch)
        {
            return false;
        }

        // A test for membership of a set jumps through no table.
        ref var last = ref _machine.Instructions[block.End - 1];
        if (MembersOf(target, _machine.SwitchTargets.Span.Slice(last.Aux, last.Immediate), out _) >= 0)
        {
            return false;
        }

        _repeats--;
        return true;
    }

    /// <summary>
    /// Recognises a switch that asks whether a number is in a set ("is this a space?"): all its entries lead to the default's block or to one other.
    /// </summary>
    /// <param name="block">The block that ends in the switch.</param>
    /// <param name="targets">Its entries, the default last.</param>
    /// <param name="set">The numbers of the set, one bit each.</param>
    /// <returns>The other block, or −1 if there are more, or more values than a set may have.</returns>
    public int MembersOf(int block, ReadOnlySpan<int> targets, out ulong set)
    {
        set = 0;
        if (targets.Length > LargestSet + 1)
        {
            return -1;
        }

        var otherwise = _threaded[EdgeTarget(block, targets[^1])];
        var member = -1;
        for (var k = 0; k + 1 < targets.Length; k++)
        {
            var target = EdgeTarget(block, targets[k]);
            if (_threaded[target] == otherwise)
            {
                continue;
            }

            if (member >= 0 && _threaded[target] != _threaded[member])
            {
                return -1;
            }

            member = target;
            set |= 1UL << k;
        }

        return member;
    }

    private int EdgeTarget(int block, int k) => _machine.Edges[_machine.Blocks[block].SuccessorStart + k].To;

    private void PrepareBlocks()
    {
        var blocks = _machine.Blocks.Count;
        _moveStart.Fill(blocks, 0);
        _threaded.Fill(blocks, 0);
        _layout.Clear();
        var move = 0;
        for (var b = 0; b < blocks; b++)
        {
            ref var block = ref _machine.Blocks[b];
            while (move < _allocation.Moves.Count && _allocation.Moves[move].Instruction < block.First)
            {
                move++;
            }

            _moveStart[b] = move;
            _threaded[b] = b;
            var hasMoves = move < _allocation.Moves.Count && _allocation.Moves[move].Instruction < block.End;
            var isEmpty = !hasMoves && block.End - block.First == 2 && _machine.Instructions[block.First + 1].Opcode == MachineOpcode.Jump;
            var to = isEmpty && b != 0 ? _machine.Edges[block.SuccessorStart].To : b;
            _threaded[b] = to > b || _threaded[to] == to ? to : b;
        }

        // Targets further on are settled already, those before are not empty.
        for (var b = blocks - 1; b >= 0; b--)
        {
            _threaded[b] = _threaded[_threaded[b]];
        }

        for (var cold = 0; cold < 2; cold++)
        {
            for (var b = 0; b < blocks; b++)
            {
                if (_threaded[b] == b && _machine.Blocks[b].IsCold == (cold == 1))
                {
                    _layout.Add(b);
                }
            }

            if (cold == 0)
            {
                ArrangeLoops();
                MoveEdgesAside();
            }
        }
    }

    private void ArrangeLoops()
    {
        var loops = _machine.Loops;
        _alignment.Fill(_machine.Blocks.Count, 0);
        _repeats = RepeatedBlocks;
        _hasInnerLoop.Fill(loops.Count, false);
        for (var k = 0; k + 1 < loops.Count; k++)
        {
            _hasInnerLoop[k] = loops[k + 1].Header < loops[k].End;
        }

        for (var start = 0; start < _layout.Count;)
        {
            var header = _layout[start];
            ref var block = ref _machine.Blocks[header];
            if (!block.IsLoopHeader || _hasInnerLoop[block.Loop])
            {
                _alignment[header] = block.IsLoopHeader ? outerAlignment : 0;
                start++;
                continue;
            }

            var end = start + 1;
            while (end < _layout.Count && _layout[end] < loops[block.Loop].End)
            {
                end++;
            }

            if (!HasCalls(start, end))
            {
                ArrangeLoop(start, end, block.Loop);
                _alignment[_layout[start]] = innerAlignment;
            }

            start = end;
        }
    }

    // A round of a loop that calls takes longer than a jump or a crossed cache line.
    private bool HasCalls(int start, int end)
    {
        for (var k = start; k < end && _machine.HasCalls; k++)
        {
            ref var block = ref _machine.Blocks[_layout[k]];
            for (var i = block.First; i < block.End; i++)
            {
                if (OpcodeAt(i) is MachineOpcode.Call or MachineOpcode.CallReference)
                {
                    return true;
                }
            }
        }

        return false;
    }

    // The blocks of the layout from start to end: those of an innermost loop, its header first, and of its exits.
    private void ArrangeLoop(int start, int end, int loop)
    {
        _turned.Clear();
        for (var k = start; k < end; k++)
        {
            if (_machine.Blocks[_layout[k]].Loop == loop)
            {
                _turned.Add(_layout[k]);
            }
        }

        var count = _turned.Count;
        for (var k = start; k < end; k++)
        {
            if (_machine.Blocks[_layout[k]].Loop != loop)
            {
                _turned.Add(_layout[k]);
            }
        }

        var first = 0;
        ref var last = ref _machine.Blocks[_turned[count - 1]];
        if (OpcodeAt(last.End - 1) == MachineOpcode.Jump && _threaded[_machine.Edges[last.SuccessorStart].To] == _turned[0])
        {
            for (var k = count - 1; k > 0 && first == 0; k--)
            {
                ref var leaving = ref _machine.Blocks[_turned[k - 1]];
                if (OpcodeAt(leaving.End - 1) != MachineOpcode.JumpIf)
                {
                    continue;
                }

                var one = _threaded[_machine.Edges[leaving.SuccessorStart].To];
                var other = _threaded[_machine.Edges[leaving.SuccessorStart + 1].To];
                var exit = one == _turned[k] ? other : one;
                if ((one == _turned[k] || other == _turned[k]) && _machine.Blocks[exit].Loop != loop)
                {
                    first = k;
                    BringForward(count, exit);
                }
            }
        }

        for (var k = 0; k < count; k++)
        {
            _layout[start + k] = _turned[(first + k) % count];
        }

        for (var k = count; k < _turned.Count; k++)
        {
            _layout[start + k] = _turned[k];
        }
    }

    // A block between a branch and what follows it that holds nothing but the moves of its edge and a jump on costs the other way a taken branch. Within loops
    // such blocks go to the next place that no code falls into, as near as may be; often that is right before where they jump to. The way through the block then
    // takes a branch more, but what compilers leave in line is the likelier way.
    private void MoveEdgesAside()
    {
        _aside.Clear();
        _turned.Clear();
        var count = _layout.Count;
        for (var k = 0; k < count; k++)
        {
            var b = _layout[k];
            if (k > 0 && k + 1 < count && _aside.Count < MaximumAside && IsAside(_layout[k - 1], b, _layout[k + 1]))
            {
                _aside.Add(b);
                continue;
            }

            _turned.Add(b);
            if (_aside.Count == 0 || FallsInto(b, k + 1 < count ? _layout[k + 1] : -1))
            {
                continue;
            }

            // Nothing falls in here. The block that jumps to what comes next goes last, and falls into it.
            var depth = _machine.Blocks[b].LoopDepth;
            var left = 0;
            var last = -1;
            for (var a = 0; a < _aside.Count; a++)
            {
                var moved = _aside[a];
                if (depth > _machine.Blocks[moved].LoopDepth && k + 1 < count)
                {
                    _aside[left++] = moved;
                }
                else if (k + 1 < count && last < 0 && _threaded[_machine.Edges[_machine.Blocks[moved].SuccessorStart].To] == _layout[k + 1])
                {
                    last = moved;
                }
                else
                {
                    _turned.Add(moved);
                }
            }

            _aside.Truncate(left);
            if (last >= 0)
            {
                _turned.Add(last);
            }
        }

        foreach (var moved in _aside.Span)
        {
            _turned.Add(moved);
        }

        _turned.Span.CopyTo(_layout.Span);
    }

    private bool IsAside(int before, int b, int after)
    {
        ref var block = ref _machine.Blocks[b];
        ref var branch = ref _machine.Blocks[before];
        if (block.LoopDepth == 0 || block.IsLoopHeader || block.End - block.First != 2 || OpcodeAt(block.End - 1) != MachineOpcode.Jump || block.PredecessorCount != 1
            || OpcodeAt(branch.End - 1) != MachineOpcode.JumpIf || _machine.Edges[_machine.Predecessors[block.PredecessorStart]].From != before)
        {
            return false;
        }

        var to = _threaded[_machine.Edges[block.SuccessorStart].To];
        var one = _threaded[_machine.Edges[branch.SuccessorStart].To];
        var other = one == b ? _threaded[_machine.Edges[branch.SuccessorStart + 1].To] : one;
        return other == after && to != after && _machine.Blocks[after].LoopDepth >= block.LoopDepth;
    }

    private bool FallsInto(int b, int next)
    {
        ref var block = ref _machine.Blocks[b];
        return OpcodeAt(block.End - 1) switch
        {
            MachineOpcode.Jump or MachineOpcode.BranchOnThrow => next >= 0 && _threaded[_machine.Edges[block.SuccessorStart].To] == next,
            MachineOpcode.JumpIf => next < 0 || _threaded[_machine.Edges[block.SuccessorStart].To] == next || _threaded[_machine.Edges[block.SuccessorStart + 1].To] == next,
            _ => false,
        };
    }

    // Puts the block that the loop falls out to before the other exits, if it is one of them.
    private void BringForward(int from, int block)
    {
        for (var k = from; k < _turned.Count; k++)
        {
            if (_turned[k] == block)
            {
                _turned.Span[from..k].CopyTo(_turned.Span[(from + 1)..]);
                _turned[from] = block;
                return;
            }
        }
    }

    private ushort OpcodeAt(int instruction) => _machine.Instructions[instruction].Opcode;
}

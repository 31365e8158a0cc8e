// Which loops need not look whether somebody wants to interrupt them: those that are over soon anyway. A loop without calls and without loops inside, whose counter
// starts, steps and ends so that the number of rounds is known to be small, executes a bounded number of instructions; whatever is around it has checks of its own.
//
// Invariant: a check is left out only if every round takes the loop's one back edge (there is no other) and some parameter of its header bounds how often. Being wrong here means a
// guest that cannot be stopped, not one that gets out.
using Tarn.Assembler;

namespace Tarn.Compiler.IR.Analysis;

/// <summary>How often loops go round at most, by the ranges of their counters.</summary>
internal sealed class TripCounts
{
    /// <summary>Instructions of the IR that may be executed without a check: less than a millisecond, where an interruption is asked for by timers and people.</summary>
    private const ulong MostWithoutCheck = 1 << 18;

    private const int NotPlain = -1;

    // By header: instructions in the loop, or NotPlain.
    private GrowableArray<int> _loopSizes = new(128);
    private IrFunction _ir = null!;
    private ValueRanges _ranges = null!;

    /// <summary>Starts with a function that the ranges have been prepared for.</summary>
    public void Prepare(IrFunction function, ValueRanges ranges)
    {
        var ir = function;
        _ir = function;
        _ranges = ranges;
        _loopSizes.Fill(ir.Blocks.Count, 0);
        foreach (var index in ir.Order.Span)
        {
            ref var block = ref ir.Blocks[index];
            if (block.LoopHeader < 0)
            {
                continue;
            }

            if (block.IsLoopHeader && block.LoopParent >= 0)
            {
                _loopSizes[block.LoopParent] = NotPlain;
            }

            ref var size = ref _loopSizes[block.LoopHeader];
            for (var i = block.First; i >= 0 && size != NotPlain; i = ir.Links[i].Next)
            {
                size = IrOpcodeInfo.IsCall(ir.Get(i).Opcode) ? NotPlain : size + 1;
            }
        }
    }

    /// <summary>Whether a loop is known to execute few instructions until it is over.</summary>
    public bool IsOverSoon(Block header)
    {
        var size = _loopSizes[header];
        if (size == NotPlain)
        {
            return false;
        }

        var back = Edge.None;
        foreach (var edge in _ir.PredecessorsOf(header))
        {
            if (_ir.Blocks[_ir.Edges[edge].From].OrderIndex < _ir.Blocks[header].OrderIndex)
            {
                continue;
            }

            if (!back.IsNone)
            {
                return false;
            }

            back = edge;
        }

        if (back.IsNone)
        {
            return false;
        }

        var most = MostWithoutCheck / (ulong)Math.Max(size, 1);
        var position = 0;
        for (var i = _ir.Blocks[header].First; _ir.Get(i).Opcode == IrOpcode.BlockParameter; i = _ir.Links[i].Next)
        {
            if (_ir.TypeOf(i) is IrType.I32 or IrType.I64 && MostRounds(i, position, header, back) <= most)
            {
                return true;
            }

            position++;
        }

        return false;
    }

    // How many rounds a loop makes at most, as far as one parameter of its header tells.
    private ulong MostRounds(Value parameter, int position, Block header, Edge back)
    {
        var all = ValueRanges.LargestOf(_ir.TypeOf(parameter));
        var next = _ir.ArgumentsOf(back)[position];
        ref var step = ref _ir.Get(next);
        if (step.Opcode != IrOpcode.Add || step.A != parameter || !_ir.IsConstant(step.ValueB, out var amount) || (amount &= all) == 0)
        {
            return ulong.MaxValue;
        }

        // Each round adds to it and no addition wraps: it gets to its bound by so many steps at most.
        var bound = _ranges.BoundOfParameter(parameter, ValueRanges.Depth);
        return bound <= all - amount ? (bound / amount) + 1 : RoundsToEquality(parameter, next, amount, position, header, back, all);
    }

    // From a constant to a constant in steps, up or down, as long as they are not equal: LLVM's counters often run from below zero up to zero.
    private ulong RoundsToEquality(Value parameter, Value next, ulong amount, int position, Block header, Edge back, ulong all)
    {
        ref var branch = ref _ir.Get(_ir.Blocks[_ir.Edges[back].From].Last);
        if (branch.Opcode != IrOpcode.BranchIf || branch.B == branch.C)
        {
            return ulong.MaxValue;
        }

        // Compared with a constant, or zero or not as it is.
        ref var compare = ref _ir.Get(branch.ValueA);
        var compared = branch.A;
        var end = 0UL;
        var goesOn = branch.B == back ? IntegerCondition.NotEqual : IntegerCondition.Equal;
        if (compare.Opcode == IrOpcode.CompareInteger)
        {
            compared = compare.A;
            goesOn = branch.B == back ? compare.IntegerCondition : compare.IntegerCondition.Negate();
            if (!_ir.IsConstant(compare.ValueB, out end))
            {
                return ulong.MaxValue;
            }
        }

        if (goesOn != IntegerCondition.NotEqual || (compared != next && compared != parameter))
        {
            return ulong.MaxValue;
        }

        var rounds = 0UL;
        foreach (var edge in _ir.PredecessorsOf(header))
        {
            if (edge == back)
            {
                continue;
            }

            if (!_ir.IsConstant(_ir.ArgumentsOf(edge)[position], out var start))
            {
                return ulong.MaxValue;
            }

            // All of it modulo 2^32 or 2^64, where so many steps from the start meet the end exactly, whichever way round.
            var isUpward = amount <= all >> 1;
            var distance = (isUpward ? end - start : start - end) & all;
            var stride = isUpward ? amount : (0 - amount) & all;
            if (distance % stride != 0 || (distance == 0 && compared == next))
            {
                return ulong.MaxValue;
            }

            rounds = Math.Max(rounds, (distance / stride) + 1);
        }

        return rounds;
    }
}

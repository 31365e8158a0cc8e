// Second phase of linear scan: visits live ranges by start and gives each a location. A free register is taken whole if possible, else in
// part; when none is free, the cheapest occupant is evicted or the live range itself goes to memory. A live range is given a register only
// up to where nothing else lives in it, and one that must have a register at its start is never the one that is spilled.
//
// Cost: each live range looks at the registers of its class once or twice. Splits move strictly forward, so the walk ends.

using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>The walk. Reused.</summary>
internal sealed class LinearScanWalker
{
    private readonly LiveRangeTable _table;
    private readonly RegisterFile _file;
    private readonly RegisterNeeds _needs;
    private readonly LiveRangeSplitter _splitter;
    private readonly RegisterOccupancy _registers;
    private readonly RegisterHints _hints;
    private readonly SpillCosts _costs;
    private readonly LiveRangeQueue _queue = new();
    private readonly int[] _freeUntil = new int[64];
    private readonly ulong _integers;
    private readonly ulong _vectors;

    /// <summary>Initializes a walker over a table.</summary>
    public LinearScanWalker(LiveRangeTable table, RegisterFile file, RegisterNeeds needs, LiveRangeSplitter splitter)
    {
        _table = table;
        _file = file;
        _needs = needs;
        _splitter = splitter;
        _registers = new RegisterOccupancy(table, file);
        _hints = new RegisterHints(table, needs);
        _costs = new SpillCosts(table, needs, _registers);
        _integers = MaskOf(file.IntegerOrder);
        _vectors = MaskOf(file.VectorOrder);
    }

    private static ulong MaskOf(byte[] order)
    {
        var mask = 0UL;
        foreach (var r in order)
        {
            mask |= 1UL << r;
        }

        return mask;
    }

    /// <summary>Records what the walk decides; null unless a trace was asked for.</summary>
    public AllocationTrace? Trace { get; set; }

    /// <summary>All registers that were assigned.</summary>
    public ulong UsedRegisters => _registers.Used;

    /// <summary>Gives every live range of the table a location, splitting as it goes.</summary>
    public void Walk()
    {
        _table.Ranges.Clear();
        _queue.Clear();
        _registers.Begin();
        _hints.Begin();

        var function = _table.Function;
        for (var i = 0; i < function.Instructions.Count; i++)
        {
            ref var instruction = ref function.Instructions[i];
            var operands = function.OperandsOf(instruction);
            if (operands.Length == 0 || !operands[0].IsDefinition)
            {
                continue;
            }

            // Definitions of one instruction by start: early, late, fixed.
            var more = operands.Length > 1 && operands[1].IsDefinition;
            for (var start = 2 * i; start <= 2 * i + 2; start++)
            {
                foreach (ref var operand in operands)
                {
                    if (!operand.IsDefinition)
                    {
                        break;
                    }

                    ref var state = ref _table.States[operand.VirtualRegister];
                    if (state.FirstSegment >= 0 && _table.Segments[state.FirstSegment].From == start)
                    {
                        Visit(NewFirstRange(operand.VirtualRegister));
                    }

                    if (!more)
                    {
                        break;
                    }
                }
            }
        }

        VisitWaiting(LiveRangeTable.Never);
    }

    private int NewFirstRange(VReg v)
    {
        ref var state = ref _table.States[v];
        var start = _table.Segments[state.FirstSegment].From;
        VisitWaiting(start);
        state = ref _table.States[v];
        var range = _table.Ranges.Add(new LiveRange
        {
            VirtualRegister = v,
            Start = start,
            End = _table.EndOf(state.FirstSegment),
            FirstSegment = state.FirstSegment,
            CurrentSegment = state.FirstSegment,
            CurrentUse = state.FirstUse,
            LastUsePosition = -1,
            NextRange = -1,
            NextInactive = -1,
            Location = Location.None,
        });
        state.FirstRange = range;
        return range;
    }

    private void Visit(int range)
    {
        if (_table.Steps > LiveRangeTable.StepsAtOnce)
        {
            _table.CountSteps();
        }

        Trace?.Visit(range);
        ref var current = ref _table.Ranges[range];
        var position = current.Start;
        _registers.Advance(position);

        if (current.IsChild)
        {
            if ((position & 1) != 0)
            {
                // No move can be done there; see SplitBefore.
                SpillFrom(range, position);
                return;
            }
        }
        else
        {
            ref var state = ref _table.States[current.VirtualRegister];
            if (state.IsRematerialisable)
            {
                // Never before the first use that needs it.
                SpillFrom(range, position);
                return;
            }

            if (_table.IsParameter(state) && _needs.FirstRegisterUse(range, position) < 0)
            {
                // Only ever moved on: memory serves as well, unless there are registers to spare.
                if (!TryAllocateFree(range, wholeOnly: true))
                {
                    SpillFrom(range, position);
                }

                return;
            }
        }

        if (!TryAllocateFree(range, wholeOnly: false))
        {
            AllocateBlocked(range);
        }

        if (_table.Ranges[range].IsChild && _table.Ranges[range].Location.IsRegister)
        {
            var at = _hints.PositionToReconsider(range);
            if (at >= 0)
            {
                SplitOff(range, at);
                _registers.EndsAt(_table.Ranges[range].End);
            }
        }
    }

    private void VisitWaiting(int until)
    {
        while (_queue.TryTake(until, out var range))
        {
            Visit(range);
        }
    }

    private void SplitOff(int range, int position)
    {
        var rest = _splitter.Split(range, position);
        _queue.Add(rest, _table.Ranges[rest].Start);
        Trace?.Split(range, rest);
    }

    private bool TryAllocateFree(int range, bool wholeOnly)
    {
        var v = _table.Ranges[range].VirtualRegister;
        var start = _table.Ranges[range].Start;
        var end = _table.Ranges[range].End;
        var call = _registers.CallConflict(range);
        _hints.Gather(range);
        var bestWhole = -1;
        var bestWholeLimit = LiveRangeTable.Never;
        var bestWholeScore = long.MinValue;
        var bestPart = -1;
        var bestPartLimit = start;
        foreach (var r in OrderOf(v))
        {
            if (_registers.OccupantOf(r) >= 0)
            {
                _freeUntil[r] = 0;
                continue;
            }

            var limit = _registers.LimitOf(r, range, call);
            _freeUntil[r] = limit;
            if (limit >= end)
            {
                // By what it saves, then the one that is free for the shortest time, then by order.
                var score = _hints.ScoreOf(r) - (_registers.IsNewCalleeSaved(r) ? SpillCosts.SaveCost : 0);
                if (score > bestWholeScore || (score == bestWholeScore && limit < bestWholeLimit))
                {
                    bestWhole = r;
                    bestWholeLimit = limit;
                    bestWholeScore = score;
                }
            }
            else if (limit > bestPartLimit)
            {
                bestPart = r;
                bestPartLimit = limit;
            }
        }

        if (bestWhole >= 0)
        {
            if (_registers.IsNewCalleeSaved(bestWhole) && call < end && !_costs.IsWorthSaving(range, wholeOnly))
            {
                if (wholeOnly)
                {
                    return false;
                }

                if (bestPart >= 0 && TakePart(range, bestPart, bestPartLimit, start))
                {
                    return true;
                }

                if (!_needs.NeedsRegisterAtStart(range))
                {
                    SpillFrom(range, start);
                    return true;
                }
            }

            Trace?.Whole(range, bestWhole, bestWholeScore);
            _registers.Assign(range, bestWhole);
            return true;
        }

        return !wholeOnly && bestPart >= 0 && TakePart(range, bestPart, bestPartLimit, start);
    }

    private bool TakePart(int range, int register, int limit, int start)
    {
        // A register is worth having for a part only if the part holds the first use.
        var first = _needs.FirstRegisterUse(range, start);
        if (_needs.NeedsRegisterAtStart(range) ? limit < _needs.SmallestEnd(range) : first < 0 || _table.Uses[first].Position >= limit)
        {
            return false;
        }

        var best = _hints.ScoreOf(register);
        for (var set = _hints.Hinted; set != 0; set &= set - 1)
        {
            var candidate = System.Numerics.BitOperations.TrailingZeroCount(set);
            if (_hints.ScoreOf(candidate) > best && IsAllocatable(candidate, register) && _registers.OccupantOf(candidate) < 0 && _freeUntil[candidate] >= limit)
            {
                register = candidate;
                best = _hints.ScoreOf(candidate);
            }
        }

        var at = _splitter.SplitBefore(range, limit);
        if (at < 0)
        {
            return false;
        }

        SplitOff(range, at);
        Trace?.Part(range, register, limit);
        _registers.Assign(range, register);
        return true;
    }

    // Hints may name registers of the other class or such as are never allocated.
    private bool IsAllocatable(int candidate, int like)
        => (((like >= RegisterFile.FirstVector ? _vectors : _integers) >> candidate) & 1) != 0;

    private void AllocateBlocked(int range)
    {
        ref var current = ref _table.Ranges[range];
        var position = current.Start;
        var v = current.VirtualRegister;
        var needed = _needs.NeedsRegisterAtStart(range);
        var first = _needs.FirstRegisterUse(range, position);
        var firstPosition = needed ? position : first < 0 ? LiveRangeTable.Never : _table.Uses[first].Position;
        if (firstPosition == LiveRangeTable.Never)
        {
            SpillFrom(range, position);
            return;
        }

        var call = _registers.CallConflict(range);
        var best = -1;
        var bestLimit = 0;
        var bestScore = long.MaxValue;
        foreach (var r in OrderOf(v))
        {
            var limit = _registers.LimitOf(r, range, call);
            if (limit < current.End && (limit <= firstPosition || (needed && limit < _needs.SmallestEnd(range))))
            {
                continue;
            }

            var occupant = _registers.OccupantOf(r);
            var score = occupant < 0 ? 0 : _costs.EvictionScore(occupant, position);
            if (score < bestScore || (score == bestScore && score != long.MaxValue && limit > bestLimit))
            {
                best = r;
                bestScore = score;
                bestLimit = limit;
            }
        }

        if (!needed && (best < 0 || _costs.SpillScore(range, position, _table.Uses[first].Block, firstPosition) <= bestScore))
        {
            SpillFrom(range, position);
            return;
        }

        if (best < 0)
        {
            throw new InvalidOperationException($"No register for {v} at instruction {position >> 1}.");
        }

        var evicted = _registers.OccupantOf(best);
        if (evicted >= 0)
        {
            Trace?.Evict(evicted, best, bestScore);
            _registers.Release(best);
            SpillFrom(_table.Ranges[evicted].Start == position ? evicted : _splitter.Split(evicted, _splitter.EvictionPosition(evicted, position)), position);
        }

        if (bestLimit < _table.Ranges[range].End)
        {
            var at = _splitter.SplitBefore(range, bestLimit);
            if (at < 0)
            {
                throw new InvalidOperationException($"No place to split {v} before instruction {bestLimit >> 1}.");
            }

            SplitOff(range, at);
        }

        _registers.Assign(range, best);
    }

    // Puts a live range into memory until the next use after `position` that is worth a register; from there on it waits again.
    private void SpillFrom(int range, int position)
    {
        ref var current = ref _table.Ranges[range];
        ref var state = ref _table.States[current.VirtualRegister];
        if (state.IsRematerialisable)
        {
            current.Location = Location.Rematerialise(current.VirtualRegister);
        }
        else
        {
            current.Location = Location.Slot(0);
            state.IsSpilled = true;
        }

        Trace?.Spill(range, position);
        var u = _needs.FirstRegisterUse(range, Math.Max(position, current.Start));
        while (u >= 0)
        {
            ref var use = ref _table.Uses[u];
            var low = Math.Max(position, current.Start);
            var at = _splitter.OptimalPosition(low, use.Position);
            var meeting = state.IsRematerialisable ? -1 : _splitter.MeetingPosition(range, low, at);
            at = meeting >= 0 ? meeting : at;
            if (at > current.Start && at >= position)
            {
                if (at < current.End)
                {
                    SplitOff(range, at);
                }

                return;
            }

            // Too late for this one, which therefore can read memory.
            System.Diagnostics.Debug.Assert(!_needs.MustHaveRegister(range, u), "a use that needs a register is left in memory");
            do
            {
                u = _table.Uses[u].Next;
            }
            while (u >= 0 && (_table.Uses[u].Constraint == UseConstraint.Gap || _table.Uses[u].Position >= current.End));
            if (u >= 0 && _table.Uses[u].Position >= current.End)
            {
                return;
            }
        }
    }

    private byte[] OrderOf(VReg v) => RegisterFile.IsVector(_table.Function.Types[v]) ? _file.VectorOrder : _file.IntegerOrder;
}

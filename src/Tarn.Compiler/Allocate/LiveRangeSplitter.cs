// Where live ranges are split, and the split itself. Positions move out of loops: what is stored or reloaded before a loop costs an eighth of
// the same inside it. Splits move strictly forward, which is why the walk ends.

namespace Tarn.Compiler.Allocate;

/// <summary>Splits live ranges.</summary>
internal sealed class LiveRangeSplitter(LiveRangeTable table, RegisterNeeds needs)
{
    private readonly LiveRangeTable _table = table;
    private readonly RegisterNeeds _needs = needs;

    /// <summary>Returns where an evicted live range leaves its register: before the outermost loop that it crosses without use, or at the position.</summary>
    public int EvictionPosition(int range, int position)
    {
        ref var current = ref _table.Ranges[range];
        return LeavingPosition(range, Math.Max(current.LastUsePosition, current.Start), position);
    }

    /// <summary>
    /// Returns where to split a live range whose register is gone from a limit on: an even position after its start and after all uses before the limit;
    /// before the outermost loop that is entered in between, if any. −1 if there is no such position.
    /// </summary>
    public int SplitBefore(int range, int limit)
    {
        if (limit >= _table.Ranges[range].End)
        {
            return -1;
        }

        var start = _table.Ranges[range].Start;
        var lower = start;
        for (var u = _needs.FirstUseFrom(range, start); u >= 0 && _table.Uses[u].Position < limit; u = _table.Uses[u].Next)
        {
            _table.Steps++;
            lower = _table.Uses[u].Position;
        }

        var at = LeavingPosition(range, lower, limit & ~1);
        if (at > start && at > lower)
        {
            return at;
        }

        // The register is lost within an instruction that reads the value: the rest starts at an odd position, in memory.
        return limit > start ? limit : -1;
    }

    // A live range with no use in (low, high) that loses its register at high. It leaves it before the outermost loop that is entered in between:
    // else it would have to be in that register again on the back edge. But if the register is lost in a part of the loop that seldom
    // runs, and the loop uses the value elsewhere, only that part is to pay.
    private int LeavingPosition(int range, int low, int high)
    {
        var at = high;
        var block = _table.BlockOf[Math.Min(high >> 1, _table.BlockOf.Count - 1)];
        var next = -1;
        for (var loop = _table.Function.Blocks[block].Loop; loop >= 0; loop = _table.Function.Loops[loop].Parent)
        {
            ref var l = ref _table.Function.Loops[loop];
            var loopStart = 2 * _table.Function.Blocks[l.Header].First;
            _table.Steps++;
            if (loopStart <= low)
            {
                break;
            }

            if (2 * _table.FrequencyOf(block) < _table.FrequencyOf(l.Header))
            {
                if (next < 0)
                {
                    next = NextUse(range, high);
                }

                if (next < 2 * _table.Function.Blocks[l.End - 1].End)
                {
                    break;
                }
            }

            at = loopStart;
        }

        return at;
    }

    // Position of the first use from a position on that is not just a move, wherever the walk is.
    private int NextUse(int range, int position)
    {
        var u = _table.Ranges[range].CurrentUse;
        while (u >= 0 && (_table.Uses[u].Position < position || _table.Uses[u].Constraint == UseConstraint.Gap))
        {
            _table.Steps++;
            u = _table.Uses[u].Next;
        }

        return u < 0 ? LiveRangeTable.Never : _table.Uses[u].Position;
    }

    /// <summary>Returns the best position for a reload in (low, high]: before the outermost loop that is entered in between, or as late as possible.</summary>
    public int OptimalPosition(int low, int high)
    {
        var at = high & ~1;
        for (var loop = _table.Function.Blocks[_table.BlockOf[Math.Min(high >> 1, _table.BlockOf.Count - 1)]].Loop; loop >= 0; loop = _table.Function.Loops[loop].Parent)
        {
            var loopStart = 2 * _table.Function.Blocks[_table.Function.Loops[loop].Header].First;
            _table.Steps++;
            if (loopStart <= low)
            {
                break;
            }

            at = loopStart;
        }

        return at;
    }

    /// <summary>
    /// Returns the position, before <paramref name="high"/>, where the paths meet again around a seldom executed part in which a live range is in memory
    /// while the other path has it in a register, so that it is back in a register there; or −1.
    /// </summary>
    public int MeetingPosition(int range, int low, int high)
    {
        var c = _table.BlockOf[low >> 1];
        var limit = Math.Min(c + LiveRangeTable.SearchLimit, _table.BlockOf[Math.Min(high >> 1, _table.BlockOf.Count - 1)]);
        var cold = 2 * _table.FrequencyOf(c);
        var n = c + 1;
        while (n <= limit && _table.FrequencyOf(n) <= cold)
        {
            n++;
        }

        if (n > limit)
        {
            return -1;
        }

        ref var block = ref _table.Function.Blocks[n];
        var at = 2 * block.First;
        if (at <= low || at >= high || !_table.IsLiveAt(range, at))
        {
            return -1;
        }

        for (var k = 0; k < Math.Min(block.PredecessorCount, LiveRangeTable.EdgesSearched); k++)
        {
            var from = _table.Function.Edges[_table.Function.Predecessors[block.PredecessorStart + k]].From;
            if (from < c && _table.IsInRegisterAt(_table.Ranges[range].VirtualRegister, 2 * _table.Function.Blocks[from].End - 1))
            {
                return at;
            }
        }

        return -1;
    }

    /// <summary>Splits a live range and returns the new one, which starts at the position or where the next segment starts.</summary>
    public int Split(int range, int position)
    {
        ref var parent = ref _table.Ranges[range];
        System.Diagnostics.Debug.Assert(position > parent.Start && position < parent.End, "split within the range");
        var segment = parent.FirstSegment;
        if (_table.Segments[parent.CurrentSegment].From <= position)
        {
            segment = parent.CurrentSegment;
        }

        var previous = -1;
        while (_table.Segments[segment].To <= position)
        {
            _table.Steps++;
            previous = segment;
            segment = _table.Segments[segment].Next;
        }

        int childSegment;
        int parentEnd;
        if (_table.Segments[segment].From < position)
        {
            childSegment = _table.Segments.Add(new LiveSegment { From = position, To = _table.Segments[segment].To, Next = _table.Segments[segment].Next });
            _table.Segments[segment].To = position;
            _table.Segments[segment].Next = -1;
            parentEnd = position;
        }
        else
        {
            childSegment = segment;
            if (previous < 0)
            {
                // The cursor already stood on the first segment after the position.
                previous = parent.FirstSegment;
                while (_table.Segments[previous].Next != segment)
                {
                    _table.Steps++;
                    previous = _table.Segments[previous].Next;
                }
            }

            _table.Segments[previous].Next = -1;
            parentEnd = _table.Segments[previous].To;
        }

        var use = _needs.FirstUseFrom(range, parent.Start);
        var last = parent.LastUsePosition;
        while (use >= 0 && _table.Uses[use].Position < position)
        {
            last = _table.Uses[use].Position;
            use = _table.Uses[use].Next;
        }

        var child = new LiveRange
        {
            VirtualRegister = parent.VirtualRegister,
            Start = _table.Segments[childSegment].From,
            End = parent.End,
            FirstSegment = childSegment,
            CurrentSegment = childSegment,
            CurrentUse = use,
            LastUsePosition = last,
            NextRange = parent.NextRange,
            NextInactive = -1,
            Location = Location.None,
            IsChild = true,
        };
        parent.End = parentEnd;
        var index = _table.Ranges.Add(child);
        _table.Ranges[range].NextRange = index;
        return index;
    }
}

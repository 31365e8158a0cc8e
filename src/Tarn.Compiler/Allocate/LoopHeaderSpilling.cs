// Registers given up at the header of loops, in hindsight. The walk brings a value into its register before a loop that uses it, not knowing yet that the
// loop will lose the register further down, at a call or to something more urgent. Then every iteration ends with bringing it back, even on paths that
// never look at it. Here such a live range is cut: from the loop's header to where it is next needed it is in memory, or made again there, if that
// costs less in all.
//
// Invariant: a live range only gives up positions and never gains any, so nothing else is affected; nothing reads the value where it has given up its register.
using Tarn.Assembler;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>Spilling at loop headers. Reused.</summary>
internal sealed class LoopHeaderSpilling(LiveRangeTable table, LiveRangeSplitter splitter, RangeSequence sequence)
{
    private readonly LiveRangeTable _table = table;
    private readonly LiveRangeSplitter _splitter = splitter;
    private readonly RangeSequence _sequence = sequence;

    private const int MostRanges = 24;
    private const int MostAttempts = 8;

    /// <summary>Cuts the live ranges of the virtual register that the sequence holds where that saves moves; the sequence holds the result.</summary>
    public void Run(VReg v)
    {
        ref var state = ref _table.States[v];
        if (_sequence.Count > MostRanges || !(state.IsRematerialisable || state.IsSpilled))
        {
            return;
        }

        var cost = -1L;
        var attempts = 0;
        for (var k = 0; k < _sequence.Count; k++)
        {
            var p = _sequence[k];
            if (!_table.Ranges[p].Location.IsRegister || _table.Ranges[p].NextRange < 0)
            {
                continue;
            }

            // The outermost loop that it is in from the header on and loses its register in; then those within.
            GatherLoops(_table.BlockOf[(_table.Ranges[p].End - 1) >> 1]);
            for (var outer = _loopsAround.Count - 1; outer >= 0; outer--)
            {
                var header = HeaderOf(_loopsAround[outer], p, state.Definition);
                if (header < 0)
                {
                    continue;
                }

                cost = cost >= 0 ? cost : _sequence.MovingCost(v);
                if (cost == long.MaxValue || ++attempts > MostAttempts)
                {
                    return;
                }

                if (TrySpill(v, p, header, ref cost))
                {
                    break;
                }
            }
        }
    }

    private GrowableArray<int> _loopsAround = new(16);

    // The loops around a block, inner ones first.
    private void GatherLoops(int block)
    {
        _loopsAround.Clear();
        for (var loop = _table.Function.Blocks[block].Loop; loop >= 0; loop = _table.Function.Loops[loop].Parent)
        {
            _table.Steps++;
            _loopsAround.Add(loop);
        }
    }

    // The header of a loop, if the live range is live there, was defined before, and ends within that loop.
    private int HeaderOf(int loop, int range, int definition)
    {
        ref var l = ref _table.Function.Loops[loop];
        var first = _table.Function.Blocks[l.Header].First;
        return 2 * first >= _table.Ranges[range].Start && definition < first && _table.Ranges[range].End < 2 * _table.Function.Blocks[l.End - 1].End ? l.Header : -1;
    }

    private bool TrySpill(VReg v, int range, int header, ref long cost)
    {
        ref var state = ref _table.States[v];
        var from = 2 * _table.Function.Blocks[header].First;
        var u = state.FirstUse;
        var last = -1;
        while (u >= 0 && _table.Uses[u].Position < from)
        {
            _table.Steps++;
            last = _table.Uses[u].Position;
            u = _table.Uses[u].Next;
        }

        var end = _table.Ranges[range].End;
        var to = u < 0 || _table.Uses[u].Position >= end ? end : _splitter.OptimalPosition(from, _table.Uses[u].Position);
        if (to <= from)
        {
            return false;
        }

        // What was brought there for the loop alone need not be brought there at all.
        if (_table.Ranges[range].IsChild && last < _table.Ranges[range].Start)
        {
            from = _table.Ranges[range].Start;
        }

        var storing = state.IsSpilled && _sequence.IsBetterStoredLate(v) ? _table.FrequencyOf(_table.BlockOf[state.Definition]) : 0;
        var before = _table.Ranges[range];
        var ranges = _table.Ranges.Count;
        var segments = _table.Segments.Count;
        var cutSegment = -1;
        var cutBefore = default(LiveSegment);
        var secondSegment = -1;
        var secondBefore = default(LiveSegment);
        var middle = from > before.Start ? CutRange(range, from, out cutSegment, out cutBefore) : range;
        if (middle < 0)
        {
            return false;
        }

        if (to < end)
        {
            _ = CutRange(middle, to, out secondSegment, out secondBefore);
        }

        _table.Ranges[middle].Location = state.IsRematerialisable ? Location.Rematerialise(v) : Location.Slot(0);
        _sequence.Gather(v);

        // Where a store at each way into memory stood for one at the definition, it may no longer.
        var after = _sequence.MovingCost(v);
        if (after != long.MaxValue && after + storing < cost)
        {
            cost = after;
            return true;
        }

        // As it was.
        if (secondSegment >= 0)
        {
            _table.Segments[secondSegment] = secondBefore;
        }

        if (cutSegment >= 0)
        {
            _table.Segments[cutSegment] = cutBefore;
        }

        _table.Ranges[range] = before;
        _table.Ranges.Truncate(ranges);
        _table.Segments.Truncate(segments);
        _sequence.Gather(v);
        return false;
    }

    // Splits a live range whose register is known, wherever the walk is. Gives the new live range, which starts at the position or with the next segment, and the last
    // segment of the old one as it was; −1 if nothing lies before or after.
    private int CutRange(int range, int position, out int changed, out LiveSegment before)
    {
        ref var parent = ref _table.Ranges[range];
        var previous = -1;
        var segment = parent.FirstSegment;
        while (segment >= 0 && _table.Segments[segment].To <= position)
        {
            previous = segment;
            segment = _table.Segments[segment].Next;
        }

        changed = -1;
        before = default;
        if (segment < 0 || (previous < 0 && _table.Segments[segment].From >= position))
        {
            return -1;
        }

        var childSegment = segment;
        if (_table.Segments[segment].From < position)
        {
            changed = segment;
            before = _table.Segments[segment];
            childSegment = _table.Segments.Add(new LiveSegment { From = position, To = before.To, Next = before.Next });
            _table.Segments[segment].To = position;
            _table.Segments[segment].Next = -1;
        }
        else
        {
            changed = previous;
            before = _table.Segments[previous];
            _table.Segments[previous].Next = -1;
        }

        var child = parent;
        child.Start = _table.Segments[childSegment].From;
        child.FirstSegment = childSegment;
        child.CurrentSegment = childSegment;
        child.IsChild = true;
        parent.End = _table.Segments[changed].To;
        var index = _table.Ranges.Add(child);
        _table.Ranges[range].NextRange = index;
        return index;
    }
}

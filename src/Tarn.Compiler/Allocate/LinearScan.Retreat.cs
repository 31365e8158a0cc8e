// Registers given up at the head of loops, in hindsight. The walk brings a value into its register before a loop that wants it, not knowing yet that the
// loop will lose the register further down, at a call or to something more urgent. Then every round ends with bringing it back, even on ways that never
// look at it. Here such a piece is cut: from the loop's header to where it is next needed it is in memory, or made again there, if that costs less in all.
//
// Invariant: a piece only gives up positions and never gains any, so nothing else is affected; nothing reads the value where it has given up its register.
using Tarn.Assembler;

namespace Tarn.Compiler.Allocate;

/// <content>Retreat.</content>
internal sealed partial class LinearScan
{
    // Bounds on what is looked at for one value.
    private const int RetreatEdges = 96;
    private const int RetreatPieces = 24;
    private const int RetreatAttempts = 8;

    // The pieces of a value are in _order, and are in it again afterwards.
    private void Retreat(int v)
    {
        ref var state = ref _states[v];
        if (_order.Count > RetreatPieces || !(state.IsRematerialisable || state.IsSpilled))
        {
            return;
        }

        var cost = -1L;
        var attempts = 0;
        for (var k = 0; k < _order.Count; k++)
        {
            var p = _order[k];
            if (!_pieces[p].Location.IsRegister || _pieces[p].NextPiece < 0)
            {
                continue;
            }

            // The outermost loop that it is in from the header on and loses its register in; then those within.
            GatherLoops(_blockOf[(_pieces[p].End - 1) >> 1]);
            for (var outer = _loopsAround.Count - 1; outer >= 0; outer--)
            {
                var header = HeaderOf(_loopsAround[outer], p, state.Definition);
                if (header < 0)
                {
                    continue;
                }

                cost = cost >= 0 ? cost : MovingCost(v);
                if (cost == long.MaxValue || ++attempts > RetreatAttempts)
                {
                    return;
                }

                if (TryRetreat(v, p, header, ref cost))
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
        for (var loop = _function.Blocks[block].Loop; loop >= 0; loop = _function.Loops[loop].Parent)
        {
            _steps++;
            _loopsAround.Add(loop);
        }
    }

    // The header of a loop, if the piece is live there, was defined before, and ends within that loop.
    private int HeaderOf(int loop, int piece, int definition)
    {
        ref var l = ref _function.Loops[loop];
        var first = _function.Blocks[l.Header].First;
        return 2 * first >= _pieces[piece].Start && definition < first && _pieces[piece].End < 2 * _function.Blocks[l.End - 1].End ? l.Header : -1;
    }

    private bool TryRetreat(int v, int piece, int header, ref long cost)
    {
        ref var state = ref _states[v];
        var from = 2 * _function.Blocks[header].First;
        var u = state.FirstUse;
        var last = -1;
        while (u >= 0 && _uses[u].Position < from)
        {
            _steps++;
            last = _uses[u].Position;
            u = _uses[u].Next;
        }

        var end = _pieces[piece].End;
        var to = u < 0 || _uses[u].Position >= end ? end : OptimalPosition(from, _uses[u].Position);
        if (to <= from)
        {
            return false;
        }

        // What was brought there for the loop alone need not be brought there at all.
        if (_pieces[piece].IsChild && last < _pieces[piece].Start)
        {
            from = _pieces[piece].Start;
        }

        var storing = state.IsSpilled && IsBetterStoredLate(v) ? FrequencyOf(_blockOf[state.Definition]) : 0;
        var before = _pieces[piece];
        var pieces = _pieces.Count;
        var ranges = _ranges.Count;
        var cutRange = -1;
        var cutBefore = default(LiveRange);
        var secondRange = -1;
        var secondBefore = default(LiveRange);
        var middle = from > before.Start ? CutPiece(piece, from, out cutRange, out cutBefore) : piece;
        if (middle < 0)
        {
            return false;
        }

        if (to < end)
        {
            _ = CutPiece(middle, to, out secondRange, out secondBefore);
        }

        _pieces[middle].Location = state.IsRematerialisable ? Location.Rematerialise(v) : Location.Slot(0);
        GatherPieces(v);

        // Where a store at each way into memory stood for one at the definition, it may no longer.
        var after = MovingCost(v);
        if (after != long.MaxValue && after + storing < cost)
        {
            cost = after;
            return true;
        }

        // As it was.
        if (secondRange >= 0)
        {
            _ranges[secondRange] = secondBefore;
        }

        if (cutRange >= 0)
        {
            _ranges[cutRange] = cutBefore;
        }

        _pieces[piece] = before;
        _pieces.Truncate(pieces);
        _ranges.Truncate(ranges);
        GatherPieces(v);
        return false;
    }

    private void GatherPieces(int v)
    {
        _order.Clear();
        for (var p = _states[v].FirstPiece; p >= 0; p = _pieces[p].NextPiece)
        {
            _order.Add(p);
        }
    }

    // Splits a piece whose register is known, wherever the walk is. Gives the new piece, which starts at the position or with the next range, and the last
    // range of the old one as it was; −1 if nothing lies before or after.
    private int CutPiece(int piece, int position, out int changed, out LiveRange before)
    {
        ref var parent = ref _pieces[piece];
        var previous = -1;
        var range = parent.FirstRange;
        while (range >= 0 && _ranges[range].To <= position)
        {
            previous = range;
            range = _ranges[range].Next;
        }

        changed = -1;
        before = default;
        if (range < 0 || (previous < 0 && _ranges[range].From >= position))
        {
            return -1;
        }

        var childRange = range;
        if (_ranges[range].From < position)
        {
            changed = range;
            before = _ranges[range];
            childRange = _ranges.Add(new LiveRange { From = position, To = before.To, Next = before.Next });
            _ranges[range].To = position;
            _ranges[range].Next = -1;
        }
        else
        {
            changed = previous;
            before = _ranges[previous];
            _ranges[previous].Next = -1;
        }

        var child = parent;
        child.Start = _ranges[childRange].From;
        child.FirstRange = childRange;
        child.CurrentRange = childRange;
        child.IsChild = true;
        parent.End = _ranges[changed].To;
        var index = _pieces.Add(child);
        _pieces[piece].NextPiece = index;
        return index;
    }

    // How often a value is moved to registers: within blocks and on edges. The most there is where that is too much to look at.
    private long MovingCost(int v)
    {
        var cost = 0L;
        var edges = 0;
        for (var k = 0; k < _order.Count; k++)
        {
            var p = _order[k];
            ref var piece = ref _pieces[p];
            if (!piece.Location.IsRegister)
            {
                continue;
            }

            var instruction = piece.Start >> 1;
            if (k > 0 && piece.Start != 2 * _function.Blocks[_blockOf[instruction]].First && LocationBefore(2 * instruction - 1) != piece.Location)
            {
                cost += FrequencyOf(_blockOf[instruction]);
            }

            for (var walk = new EdgeWalk(this, v, p); walk.Next();)
            {
                if (++edges > RetreatEdges)
                {
                    return long.MaxValue;
                }

                if (LocationBefore(2 * _function.Blocks[walk.Source].End - 1) != piece.Location)
                {
                    cost += EdgeFrequency(walk.Source, walk.Target);
                }
            }
        }

        return cost;
    }
}

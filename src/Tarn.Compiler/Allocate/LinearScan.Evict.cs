// When no register is free: whose piece gives way, where it is split, and what is spilled. Splits move strictly forward, so the walk ends;
// a piece that must have a register at its start is never the one that is spilled.

namespace Tarn.Compiler.Allocate;

internal sealed partial class LinearScan
{
    private void AllocateBlocked(int piece)
    {
        ref var current = ref _pieces[piece];
        var position = current.Start;
        var v = current.VirtualRegister;
        var needed = NeedsRegisterAtStart(piece);
        var first = FirstWish(piece, position);
        var firstPosition = needed ? position : first < 0 ? Never : _uses[first].Position;
        if (firstPosition == Never)
        {
            SpillFrom(piece, position);
            return;
        }

        var call = CallConflict(piece);
        var best = -1;
        var bestLimit = 0;
        var bestScore = long.MaxValue;
        foreach (var r in OrderOf(v))
        {
            var limit = LimitOf(r, piece, call);
            if (limit < current.End && (limit <= firstPosition || (needed && limit < SmallestEnd(piece))))
            {
                continue;
            }

            var occupant = _active[r];
            var score = occupant < 0 ? 0 : EvictionScore(occupant, position);
            if (score < bestScore || (score == bestScore && score != long.MaxValue && limit > bestLimit))
            {
                best = r;
                bestScore = score;
                bestLimit = limit;
            }
        }

        if (!needed && (best < 0 || SpillScore(piece, position, _uses[first].Block, firstPosition) <= bestScore))
        {
            SpillFrom(piece, position);
            return;
        }

        if (best < 0)
        {
            throw new InvalidOperationException($"No register for v{v} at instruction {position >> 1}.");
        }

        var evicted = _active[best];
        if (evicted >= 0)
        {
            _active[best] = -1;
            _occupied &= ~(1UL << best);
            SpillFrom(_pieces[evicted].Start == position ? evicted : Split(evicted, EvictionPosition(evicted, position)), position);
        }

        if (bestLimit < _pieces[piece].End)
        {
            var at = SplitBefore(piece, bestLimit);
            if (at < 0)
            {
                throw new InvalidOperationException($"No place to split v{v} before instruction {bestLimit >> 1}.");
            }

            Enqueue(Split(piece, at));
        }

        Assign(piece, best);
    }

    private const int MaximumGapUses = 64;

    // Cost of taking the register from a piece: what the reload will cost, per position won.
    private long EvictionScore(int piece, int position)
    {
        ref var current = ref _pieces[piece];
        if (NeedsRegisterAtStart(piece) && position < SmallestEnd(piece))
        {
            return long.MaxValue;
        }

        // A use that only moves it does not count; many in a row stand for one that does, so that this stays linear.
        var u = FirstUseFrom(piece, position);
        for (var n = 0; n < MaximumGapUses && u >= 0 && _uses[u].Position < current.End && _uses[u].Wish == UseWish.Gap; n++)
        {
            u = _uses[u].Next;
        }

        var within = u >= 0 && _uses[u].Position < current.End;
        if (LastNeedAt(piece, position) >= 0)
        {
            return long.MaxValue;
        }

        ref var state = ref _states[current.VirtualRegister];
        var here = _blockOf[position >> 1];
        var distance = within ? _uses[u].Position - position : current.End - position;
        var reload = within ? FrequencyOf(_uses[u].Block) : 1;

        // Used earlier in a loop around which it is live: the next use is in the next iteration.
        for (var loop = _function.Blocks[here].Loop; loop >= 0; loop = _function.Loops[loop].Parent)
        {
            _steps++;
            ref var l = ref _function.Loops[loop];
            var loopStart = 2 * _function.Blocks[l.Header].First;
            if (current.Start > loopStart)
            {
                break;
            }

            if (current.LastUsePosition >= loopStart)
            {
                var loopEnd = 2 * _function.Blocks[l.End - 1].End;
                if (current.End >= loopEnd && (!within || _uses[u].Position >= loopEnd))
                {
                    reload = Math.Max(reload, FrequencyOf(l.Header));
                    distance = Math.Min(distance, loopEnd - position);
                }

                break;
            }
        }

        if (state.IsRematerialisable)
        {
            reload = Math.Max(1, reload / 2);
        }
        else if (!state.IsSpilled)
        {
            reload += FrequencyOf(_blockOf[state.Definition]);
        }

        return ((long)reload << 16) / Math.Clamp(distance, 1, 64);
    }

    private long SpillScore(int piece, int position, int useBlock, int usePosition)
    {
        ref var state = ref _states[_pieces[piece].VirtualRegister];
        var reload = FrequencyOf(useBlock);
        if (state.IsRematerialisable)
        {
            reload = Math.Max(1, reload / 2);
        }
        else if (!state.IsSpilled)
        {
            reload += FrequencyOf(_blockOf[state.Definition]);
        }

        return ((long)reload << 16) / Math.Clamp(usePosition - position, 1, 64);
    }

    // Where an evicted piece leaves its register: at the outermost loop that it crosses without use before the position, else right there.
    private int EvictionPosition(int piece, int position)
    {
        ref var current = ref _pieces[piece];
        return LeavingPosition(piece, Math.Max(current.LastUsePosition, current.Start), position);
    }

    // Where to split a piece whose register is gone from a limit on: an even position after its start, all uses before being served; at the
    // outermost loop that is entered in between, if any. −1 if there is none.
    private int SplitBefore(int piece, int limit)
    {
        if (limit >= _pieces[piece].End)
        {
            return -1;
        }

        var start = _pieces[piece].Start;
        var lower = start;
        for (var u = FirstUseFrom(piece, start); u >= 0 && _uses[u].Position < limit; u = _uses[u].Next)
        {
            _steps++;
            lower = _uses[u].Position;
        }

        var at = LeavingPosition(piece, lower, limit & ~1);
        if (at > start && at > lower)
        {
            return at;
        }

        // The register is lost within an instruction that reads the value: the rest starts at an odd position, in memory.
        return limit > start ? limit : -1;
    }

    // A piece with no use in (low, high) that loses its register at high. It leaves it before the outermost loop that is entered in between:
    // else it would have to be in that register again on the back edge. But if the register is lost in a part of the loop that seldom
    // runs, and the loop wants the value elsewhere, only that part is to pay.
    private int LeavingPosition(int piece, int low, int high)
    {
        var at = high;
        var block = _blockOf[Math.Min(high >> 1, _blockOf.Count - 1)];
        var next = -1;
        for (var loop = _function.Blocks[block].Loop; loop >= 0; loop = _function.Loops[loop].Parent)
        {
            ref var l = ref _function.Loops[loop];
            var loopStart = 2 * _function.Blocks[l.Header].First;
            _steps++;
            if (loopStart <= low)
            {
                break;
            }

            if (2 * FrequencyOf(block) < FrequencyOf(l.Header))
            {
                if (next < 0)
                {
                    next = NextUse(piece, high);
                }

                if (next < 2 * _function.Blocks[l.End - 1].End)
                {
                    break;
                }
            }

            at = loopStart;
        }

        return at;
    }

    // Position of the first use from a position on that is not just a move, wherever the walk is.
    private int NextUse(int piece, int position)
    {
        var u = _pieces[piece].CurrentUse;
        while (u >= 0 && (_uses[u].Position < position || _uses[u].Wish == UseWish.Gap))
        {
            _steps++;
            u = _uses[u].Next;
        }

        return u < 0 ? Never : _uses[u].Position;
    }

    // The best place for a reload in (low, high]: before the outermost loop that is entered in between, else as late as possible.
    private int OptimalPosition(int low, int high)
    {
        var at = high & ~1;
        for (var loop = _function.Blocks[_blockOf[Math.Min(high >> 1, _blockOf.Count - 1)]].Loop; loop >= 0; loop = _function.Loops[loop].Parent)
        {
            var loopStart = 2 * _function.Blocks[_function.Loops[loop].Header].First;
            _steps++;
            if (loopStart <= low)
            {
                break;
            }

            at = loopStart;
        }

        return at;
    }

    // A value that goes to memory in a part that seldom runs, and is in a register on the way round that part, is back in a register where the
    // ways meet. Gives that position, before `high`, or −1.
    private int MeetingPosition(int piece, int low, int high)
    {
        var c = _blockOf[low >> 1];
        var limit = Math.Min(c + MeetingBlocks, _blockOf[Math.Min(high >> 1, _blockOf.Count - 1)]);
        var cold = 2 * FrequencyOf(c);
        var n = c + 1;
        while (n <= limit && FrequencyOf(n) <= cold)
        {
            n++;
        }

        if (n > limit)
        {
            return -1;
        }

        ref var block = ref _function.Blocks[n];
        var at = 2 * block.First;
        if (at <= low || at >= high || !IsLiveAt(piece, at))
        {
            return -1;
        }

        for (var k = 0; k < Math.Min(block.PredecessorCount, HintEdges); k++)
        {
            var from = _function.Edges[_function.Predecessors[block.PredecessorStart + k]].From;
            if (from < c && IsInRegisterAt(_pieces[piece].VirtualRegister, 2 * _function.Blocks[from].End - 1))
            {
                return at;
            }
        }

        return -1;
    }

    private const int MeetingBlocks = 16;

    private bool IsLiveAt(int piece, int position)
    {
        var range = _pieces[piece].CurrentRange;
        for (var k = 0; range >= 0 && k < MeetingBlocks; k++, range = _ranges[range].Next)
        {
            if (position < _ranges[range].To)
            {
                return position >= _ranges[range].From;
            }
        }

        return false;
    }

    private bool IsInRegisterAt(int v, int position)
    {
        var p = _states[v].FirstPiece;
        for (var k = 0; p >= 0 && k < MeetingBlocks; k++, p = _pieces[p].NextPiece)
        {
            if (position < _pieces[p].End)
            {
                return position >= _pieces[p].Start && _pieces[p].Location.IsRegister;
            }
        }

        return false;
    }

    // Splits a piece; the new piece starts at the position or where the next range starts.
    private int Split(int piece, int position)
    {
        ref var parent = ref _pieces[piece];
        System.Diagnostics.Debug.Assert(position > parent.Start && position < parent.End, "split within the piece");
        var range = parent.FirstRange;
        if (_ranges[parent.CurrentRange].From <= position)
        {
            range = parent.CurrentRange;
        }

        var previous = -1;
        while (_ranges[range].To <= position)
        {
            _steps++;
            previous = range;
            range = _ranges[range].Next;
        }

        int childRange;
        int parentEnd;
        if (_ranges[range].From < position)
        {
            childRange = _ranges.Add(new LiveRange { From = position, To = _ranges[range].To, Next = _ranges[range].Next });
            _ranges[range].To = position;
            _ranges[range].Next = -1;
            parentEnd = position;
        }
        else
        {
            childRange = range;
            if (previous < 0)
            {
                // The cursor already stood on the first range after the position.
                previous = parent.FirstRange;
                while (_ranges[previous].Next != range)
                {
                    _steps++;
                    previous = _ranges[previous].Next;
                }
            }

            _ranges[previous].Next = -1;
            parentEnd = _ranges[previous].To;
        }

        var use = FirstUseFrom(piece, parent.Start);
        var last = parent.LastUsePosition;
        while (use >= 0 && _uses[use].Position < position)
        {
            last = _uses[use].Position;
            use = _uses[use].Next;
        }

        var child = new LivePiece
        {
            VirtualRegister = parent.VirtualRegister,
            Start = _ranges[childRange].From,
            End = parent.End,
            FirstRange = childRange,
            CurrentRange = childRange,
            CurrentUse = use,
            LastUsePosition = last,
            NextPiece = parent.NextPiece,
            NextInactive = -1,
            Location = Location.None,
            IsChild = true,
        };
        parent.End = parentEnd;
        var index = _pieces.Add(child);
        _pieces[piece].NextPiece = index;
        return index;
    }

    // Gives a piece its place in memory until the next use after `position` that is worth a register; from there on it waits again.
    private void SpillFrom(int piece, int position)
    {
        ref var current = ref _pieces[piece];
        ref var state = ref _states[current.VirtualRegister];
        if (state.IsRematerialisable)
        {
            current.Location = Location.Rematerialise(current.VirtualRegister);
        }
        else
        {
            current.Location = Location.Slot(0);
            state.IsSpilled = true;
        }

        var u = FirstWish(piece, Math.Max(position, current.Start));
        while (u >= 0)
        {
            ref var use = ref _uses[u];
            var low = Math.Max(position, current.Start);
            var at = OptimalPosition(low, use.Position);
            var meeting = state.IsRematerialisable ? -1 : MeetingPosition(piece, low, at);
            at = meeting >= 0 ? meeting : at;
            if (at > current.Start && at >= position)
            {
                if (at < current.End)
                {
                    Enqueue(Split(piece, at));
                }

                return;
            }

            // Too late for this one, which therefore can read memory.
            System.Diagnostics.Debug.Assert(!MustHaveRegister(piece, u), "a use that needs a register is left in memory");
            do
            {
                u = _uses[u].Next;
            }
            while (u >= 0 && (_uses[u].Wish == UseWish.Gap || _uses[u].Position >= current.End));
            if (u >= 0 && _uses[u].Position >= current.End)
            {
                return;
            }
        }
    }
}

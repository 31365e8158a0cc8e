// Finding a register that is free for a piece: whole if it can be, else in part, by hints and by what a callee-saved register costs.
// Invariant: a piece is given a register only up to where nothing else lives in it.
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

internal sealed partial class LinearScan
{
    private bool TryAllocateFree(int piece, bool wholeOnly)
    {
        var v = _pieces[piece].VirtualRegister;
        var start = _pieces[piece].Start;
        var end = _pieces[piece].End;
        var call = CallConflict(piece);
        GatherHints(piece);
        var bestWhole = -1;
        var bestWholeLimit = Never;
        var bestWholeScore = long.MinValue;
        var bestPart = -1;
        var bestPartLimit = start;
        foreach (var r in OrderOf(v))
        {
            if (_active[r] >= 0)
            {
                _freeUntil[r] = 0;
                continue;
            }

            var limit = LimitOf(r, piece, call);
            _freeUntil[r] = limit;
            if (limit >= end)
            {
                // By what it saves, then the one that is free for the shortest time, then by order.
                var score = HintScore(r) - (IsNewCalleeSaved(r) ? SaveCost : 0);
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
            if (IsNewCalleeSaved(bestWhole) && call < end && !IsWorthSaving(piece, wholeOnly))
            {
                if (wholeOnly)
                {
                    return false;
                }

                if (bestPart >= 0 && TakePart(piece, bestPart, bestPartLimit, start))
                {
                    return true;
                }

                if (!NeedsRegisterAtStart(piece))
                {
                    SpillFrom(piece, start);
                    return true;
                }
            }

            Assign(piece, bestWhole);
            return true;
        }

        return !wholeOnly && bestPart >= 0 && TakePart(piece, bestPart, bestPartLimit, start);
    }

    private bool TakePart(int piece, int register, int limit, int start)
    {
        // A register is worth having for a part only if the part holds the first use.
        var first = FirstWish(piece, start);
        if (NeedsRegisterAtStart(piece) ? limit < SmallestEnd(piece) : first < 0 || _uses[first].Position >= limit)
        {
            return false;
        }

        var best = HintScore(register);
        for (var set = _hinted; set != 0; set &= set - 1)
        {
            var candidate = System.Numerics.BitOperations.TrailingZeroCount(set);
            if (_hintScore[candidate] > best && IsAllocatable(candidate, register) && _active[candidate] < 0 && _freeUntil[candidate] >= limit)
            {
                register = candidate;
                best = _hintScore[candidate];
            }
        }

        var at = SplitBefore(piece, limit);
        if (at < 0)
        {
            return false;
        }

        Enqueue(Split(piece, at));
        Assign(piece, register);
        return true;
    }

    // Hints may name registers of the other class or such as are never allocated.
    private bool IsAllocatable(int candidate, int like)
        => (((like >= RegisterFile.FirstVector ? _vectors : _integers) >> candidate) & 1) != 0;

    private bool IsNewCalleeSaved(int register) => (_file.CalleeSaved & ~_used & (1UL << register)) != 0;

    // A push at entry, a pop at exit.
    private const int SaveCost = 2 * EntryFrequency;

    // Saving and restoring a register costs two accesses at entry and exit; without it this interval is reloaded for its uses, or stored and
    // reloaded around the calls, whichever is cheaper, unless the choice is between that register and memory throughout.
    private bool IsWorthSaving(int piece, bool orMemory)
    {
        ref var current = ref _pieces[piece];
        ref var state = ref _states[current.VirtualRegister];
        var cost = state.IsSpilled || state.IsRematerialisable ? 0 : FrequencyOf(_blockOf[Math.Min(current.Start >> 1, _blockOf.Count - 1)]);
        for (var u = FirstUseFrom(piece, current.Start); u >= 0 && _uses[u].Position < current.End && cost <= SaveCost; u = _uses[u].Next)
        {
            cost += FrequencyOf(_uses[u].Block);
        }

        if (cost <= SaveCost)
        {
            return false;
        }

        if (orMemory)
        {
            return true;
        }

        var around = 0;
        for (var c = _callCursor; c < _calls.Count && 2 * _calls[c] < current.End; c++)
        {
            around += 3 * FrequencyOf(_blockOf[_calls[c]]);
            if (around > SaveCost)
            {
                return true;
            }
        }

        return false;
    }

    private const int EntryFrequency = BlockFrequencies.Entry;

    private int FrequencyOf(int block) => _frequencies[block];

    // First use from a position on, whatever it wants. The cursor moves with the walk.
    private int FirstUseFrom(int piece, int position)
    {
        ref var current = ref _pieces[piece];
        var u = current.CurrentUse;
        while (u >= 0 && _uses[u].Position < position)
        {
            _steps++;
            current.LastUsePosition = _uses[u].Position;
            u = _uses[u].Next;
        }

        current.CurrentUse = u;
        return u;
    }

    // First use from a position on, within the piece, that is worth a register.
    private int FirstWish(int piece, int position)
    {
        var end = _pieces[piece].End;
        for (var u = FirstUseFrom(piece, position); u >= 0 && _uses[u].Position < end; u = _uses[u].Next)
        {
            _steps++;
            if (_uses[u].Wish == UseWish.Register || (_uses[u].Wish == UseWish.Any && IsWorthReloading(piece, u)))
            {
                return u;
            }
        }

        return -1;
    }

    // A use that can read memory does so if it is the only one around.
    private bool IsWorthReloading(int piece, int use)
    {
        ref var state = ref _states[_pieces[piece].VirtualRegister];
        if (state.IsRematerialisable && !state.IsMemoryResident)
        {
            return true;
        }

        ref var u = ref _uses[use];
        if (_function.Blocks[u.Block].LoopDepth > _function.Blocks[_blockOf[_pieces[piece].Start >> 1]].LoopDepth)
        {
            return true;
        }

        if (u.Next < 0)
        {
            return false;
        }

        ref var next = ref _uses[u.Next];
        return next.Wish != UseWish.Gap && next.Block == u.Block && next.Position - u.Position < 64;
    }

    // A first piece that starts at a late, early or tied definition or a temporary is written there. Parameters, fixed definitions and
    // children come by a move in the gap; the instruction after the gap may read them at once.
    private bool NeedsRegisterAtStart(int piece)
        => IsWrittenAtStart(piece) || LastNeedAt(piece, _pieces[piece].Start) >= 0;

    private bool IsWrittenAtStart(int piece)
    {
        ref var current = ref _pieces[piece];
        ref var state = ref _states[current.VirtualRegister];
        return !current.IsChild && !state.IsRematerialisable && !IsParameter(state)
            && _function.Operands[state.DefinitionOperand].Kind != OperandKind.DefFixed;
    }

    // A definition must keep its register until the gap after its instruction, where the store to its slot is; a use only while it reads.
    private int SmallestEnd(int piece)
        => (IsWrittenAtStart(piece) ? _pieces[piece].Start | 1 : LastNeedAt(piece, _pieces[piece].Start)) + 1;

    // The last position of this instruction at which the piece is read and must be in a register, or −1.
    private int LastNeedAt(int piece, int position)
    {
        var last = -1;
        for (var u = FirstUseFrom(piece, position); u >= 0 && _uses[u].Position <= (position | 1); u = _uses[u].Next)
        {
            if (MustHaveRegister(piece, u))
            {
                last = _uses[u].Position;
            }
        }

        return last;
    }

    private bool MustHaveRegister(int piece, int use)
    {
        ref var state = ref _states[_pieces[piece].VirtualRegister];
        return _uses[use].Wish == UseWish.Register
            || (_uses[use].Wish == UseWish.Any && state.IsRematerialisable && !state.IsMemoryResident);
    }
}

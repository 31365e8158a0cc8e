// Finding a register that is free for a piece: whole if it can be, else in part, by hints and by what a callee-saved register costs.
// Invariant: a piece is given a register only up to where nothing else lives in it.
using Tarn.Compiler.Lower;

namespace Tarn.Compiler.Allocate;

internal sealed partial class LinearScan
{
    private bool TryAllocateFree(int piece, bool wholeOnly)
    {
        var v = _pieces[piece].VirtualRegister;
        var start = _pieces[piece].Start;
        var end = _pieces[piece].End;
        var call = CallConflict(piece);
        var order = OrderOf(v);
        var bestWhole = -1;
        var bestWholeLimit = Never;
        var bestPart = -1;
        var bestPartLimit = start;
        foreach (var r in order)
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
                if (bestWhole < 0 || limit < bestWholeLimit)
                {
                    bestWhole = r;
                    bestWholeLimit = limit;
                }
            }
            else if (limit > bestPartLimit)
            {
                bestPart = r;
                bestPartLimit = limit;
            }
        }

        // Hints: where the value goes, where its group is, where it comes from.
        ref var state = ref _states[v];
        var hint = (int)state.FixedHint;
        var group = _states[GroupOf(v)].GroupRegister;
        var source = SourceHint(piece);
        if (bestWhole >= 0)
        {
            var chosen = bestWhole;
            if (hint >= 0 && Fits(hint, order, end))
            {
                chosen = hint;
            }
            else if (group >= 0 && Fits(group, order, end))
            {
                chosen = group;
            }
            else if (source >= 0 && Fits(source, order, end))
            {
                chosen = source;
            }

            if (IsNewCalleeSaved(chosen) && call < end && !IsWorthSaving(piece))
            {
                if (wholeOnly)
                {
                    return false;
                }

                if (bestPart >= 0 && TakePart(piece, bestPart, bestPartLimit, hint, group, source, start))
                {
                    return true;
                }

                if (!NeedsRegisterAtStart(piece))
                {
                    SpillFrom(piece, start);
                    return true;
                }
            }

            Assign(piece, chosen);
            return true;
        }

        return !wholeOnly && bestPart >= 0 && TakePart(piece, bestPart, bestPartLimit, hint, group, source, start);
    }

    private bool Fits(int register, byte[] order, int end)
    {
        // A hint of the other class comes from a bitcast's group and is no help; scratch registers are in no order.
        return (register >= RegisterFile.FirstVector) == (order[0] >= RegisterFile.FirstVector)
            && ((_active[register] < 0) && _freeUntil[register] >= end);
    }

    private bool TakePart(int piece, int register, int limit, int hint, int group, int source, int start)
    {
        // A register is worth having for a part only if the part holds the first use.
        var first = FirstWish(piece, start);
        if (NeedsRegisterAtStart(piece) ? limit < SmallestEnd(piece) : first < 0 || _uses[first].Position >= limit)
        {
            return false;
        }

        foreach (var candidate in (ReadOnlySpan<int>)[hint, group, source])
        {
            if (candidate >= 0 && (candidate >= RegisterFile.FirstVector) == (register >= RegisterFile.FirstVector)
                && _active[candidate] < 0 && _freeUntil[candidate] >= limit && _freeUntil[candidate] != Never)
            {
                register = candidate;
                break;
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

    private int SourceHint(int piece)
    {
        ref var current = ref _pieces[piece];
        ref var state = ref _states[current.VirtualRegister];
        if (current.IsChild)
        {
            // Where the value was last in a register.
            for (var p = state.FirstPiece; p >= 0 && p != piece; p = _pieces[p].NextPiece)
            {
                if (_pieces[p].Location.IsRegister)
                {
                    return _pieces[p].Location.Value;
                }
            }

            return -1;
        }

        ref var definition = ref _function.Operands[state.DefinitionOperand];
        ref var instruction = ref _function.Instructions[state.Definition];
        if (instruction.Opcode == 0)
        {
            return -1;
        }

        // The tied input, or for a late definition the first register operand: three-operand forms have shorter two-operand ones.
        foreach (ref var operand in _function.OperandsOf(instruction))
        {
            if (definition.Kind == OperandKind.DefTied ? operand.Kind == OperandKind.UseTied : operand.Kind is OperandKind.Use or OperandKind.UseAny)
            {
                var p = PieceAt(operand.VirtualRegister, 2 * state.Definition - (definition.Kind == OperandKind.DefTied ? 1 : 0));
                if (p >= 0 && _pieces[p].Location.IsRegister)
                {
                    return _pieces[p].Location.Value;
                }
            }
        }

        return -1;
    }

    private int PieceAt(int v, int position)
    {
        for (var p = _states[v].FirstPiece; p >= 0; p = _pieces[p].NextPiece)
        {
            if (position < _pieces[p].End)
            {
                return position >= _pieces[p].Start ? p : -1;
            }
        }

        return -1;
    }

    private bool IsNewCalleeSaved(int register) => (_file.CalleeSaved & ~_used & (1UL << register)) != 0;

    // Saving and restoring a register costs two accesses at entry and exit; without it this interval pays a store and reloads.
    private bool IsWorthSaving(int piece)
    {
        ref var current = ref _pieces[piece];
        ref var state = ref _states[current.VirtualRegister];
        var cost = state.IsSpilled || state.IsRematerialisable ? 0 : FrequencyOf(_blockOf[Math.Min(current.Start >> 1, _blockOf.Count - 1)]);
        for (var u = FirstUseFrom(piece, current.Start); u >= 0 && _uses[u].Position < current.End; u = _uses[u].Next)
        {
            cost += FrequencyOf(_uses[u].Block);
            if (cost > 2 * EntryFrequency)
            {
                return true;
            }
        }

        return false;
    }

    private const int EntryFrequency = 16;

    private int FrequencyOf(int block)
    {
        ref var b = ref _function.Blocks[block];
        return b.IsCold ? 1 : EntryFrequency << (3 * Math.Min(b.LoopDepth, 6));
    }

    // First use from a position on, whatever it wants. The cursor moves with the walk.
    private int FirstUseFrom(int piece, int position)
    {
        ref var current = ref _pieces[piece];
        var u = current.CurrentUse;
        while (u >= 0 && _uses[u].Position < position)
        {
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

// Linear scan on SSA form with lifetime holes and splitting (after Wimmer and Mössenböck, 2005; Wimmer and Franz, 2010), in three phases:
// Build (intervals), this file (the walk), Resolve (operands, moves, slots). The walk visits pieces of intervals by start. At any
// position a register holds at most one piece that is live there; pieces in a hole wait in the register's inactive list.
//
// Why an unsplit interval need not be compared with inactive ones: in SSA form two values that are ever live together are live at one
// of their definitions, and the earlier one would be live, hence active, at the later one's start. Split pieces are compared.
//
// Cost: each piece looks at the registers of its class once or twice. Splits move strictly forward, so the walk ends.
using Tarn.Compiler.IR;
using Tarn.Compiler.Lower;

namespace Tarn.Compiler.Allocate;

/// <summary>The register allocator. One object serves one thread and is reused.</summary>
internal sealed partial class LinearScan(RegisterFile file)
{
    private const int Never = int.MaxValue;

    private readonly RegisterFile _file = file;
    private readonly int[] _active = new int[64];
    private readonly int[] _inactive = new int[64];
    private readonly int[] _fixedHead = new int[64];
    private readonly int[] _fixedCursor = new int[64];
    private readonly int[] _freeUntil = new int[64];

    private MachineFunction _function = null!;
    private Allocation _allocation = null!;
    private GrowableArray<LiveRange> _ranges = new(4096);
    private GrowableArray<UsePosition> _uses = new(4096);
    private GrowableArray<VirtualRegisterState> _states = new(1024);
    private GrowableArray<LivePiece> _pieces = new(2048);
    private GrowableArray<int> _calls = new(64);
    private GrowableArray<int> _live = new(256);
    private GrowableArray<int> _liveIndex = new(1024);
    private GrowableArray<int> _liveIn = new(1024);
    private GrowableArray<int> _liveInStart = new(128);
    private GrowableArray<int> _liveInCount = new(128);
    private GrowableArray<int> _blockOf = new(1024);
    private GrowableArray<long> _heap = new(256);
    private ulong _used;
    private ulong _occupied;
    private ulong _waiting;
    private int _callCursor;
    private int _nextEvent;

    /// <summary>Allocates registers for a function.</summary>
    public void Run(MachineFunction function, Allocation allocation)
    {
        _function = function;
        _allocation = allocation;
        allocation.Clear();
        Build();
        Walk();
        Resolve();
        allocation.UsedRegisters = _used;
    }

    private void Walk()
    {
        _pieces.Clear();
        _heap.Clear();
        _active.AsSpan().Fill(-1);
        _inactive.AsSpan().Fill(-1);
        _fixedHead.CopyTo(_fixedCursor, 0);
        _used = 0;
        _occupied = 0;
        _waiting = 0;
        _callCursor = 0;
        _nextEvent = 0;

        var function = _function;
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

                    ref var state = ref _states[operand.VirtualRegister];
                    if (state.FirstRange >= 0 && _ranges[state.FirstRange].From == start)
                    {
                        Visit(NewFirstPiece(operand.VirtualRegister));
                    }

                    if (!more)
                    {
                        break;
                    }
                }
            }
        }

        DrainHeap(Never);
    }

    private int NewFirstPiece(int v)
    {
        ref var state = ref _states[v];
        var start = _ranges[state.FirstRange].From;
        DrainHeap(start);
        state = ref _states[v];
        var piece = _pieces.Add(new LivePiece
        {
            VirtualRegister = v,
            Start = start,
            End = EndOf(state.FirstRange),
            FirstRange = state.FirstRange,
            CurrentRange = state.FirstRange,
            CurrentUse = state.FirstUse,
            LastUsePosition = -1,
            NextPiece = -1,
            NextInactive = -1,
            Location = Location.None,
        });
        state.FirstPiece = piece;
        return piece;
    }

    private int EndOf(int range)
    {
        while (_ranges[range].Next >= 0)
        {
            range = _ranges[range].Next;
        }

        return _ranges[range].To;
    }

    // Pieces wait ordered by start, then by number.
    private void Enqueue(int piece)
    {
        var key = ((long)_pieces[piece].Start << 32) | (uint)piece;
        var i = _heap.Add(key);
        while (i > 0)
        {
            var parent = (i - 1) >> 1;
            if (_heap[parent] <= key)
            {
                break;
            }

            _heap[i] = _heap[parent];
            i = parent;
        }

        _heap[i] = key;
    }

    private void DrainHeap(int until)
    {
        while (_heap.Count > 0 && (int)(_heap[0] >> 32) <= until)
        {
            var piece = (int)_heap[0];
            var last = _heap.Pop();
            var count = _heap.Count;
            if (count > 0)
            {
                var i = 0;
                while (true)
                {
                    var child = 2 * i + 1;
                    if (child >= count)
                    {
                        break;
                    }

                    if (child + 1 < count && _heap[child + 1] < _heap[child])
                    {
                        child++;
                    }

                    if (_heap[child] >= last)
                    {
                        break;
                    }

                    _heap[i] = _heap[child];
                    i = child;
                }

                _heap[i] = last;
            }

            Visit(piece);
        }
    }

    private void Visit(int piece)
    {
        ref var current = ref _pieces[piece];
        var position = current.Start;
        Advance(position);

        if (current.IsChild)
        {
            if ((position & 1) != 0)
            {
                // No move can be done there; see SplitBefore.
                SpillFrom(piece, position);
                return;
            }
        }
        else
        {
            ref var state = ref _states[current.VirtualRegister];
            if (state.IsRematerialisable)
            {
                // Never before the first use that wants it.
                SpillFrom(piece, position);
                return;
            }

            if (IsParameter(state) && FirstWish(piece, position) < 0)
            {
                // Only ever moved on: memory serves as well, unless there are registers to spare.
                if (!TryAllocateFree(piece, wholeOnly: true))
                {
                    SpillFrom(piece, position);
                }

                return;
            }
        }

        if (!TryAllocateFree(piece, wholeOnly: false))
        {
            AllocateBlocked(piece);
        }
    }

    private bool IsParameter(in VirtualRegisterState state)
        => _function.Instructions[state.Definition].Opcode == 0 && _function.Operands[state.DefinitionOperand].Kind == OperandKind.Def;

    // Moves the walk to a position: pieces that have ended leave, pieces in a hole become inactive and the other way round.
    private void Advance(int position)
    {
        while (_callCursor < _calls.Count && 2 * _calls[_callCursor] + 2 <= position)
        {
            _callCursor++;
        }

        if (position < _nextEvent)
        {
            return;
        }

        var next = Never;
        var wake = -1;
        for (var set = _waiting; set != 0; set &= set - 1)
        {
            var r = System.Numerics.BitOperations.TrailingZeroCount(set);
            var previous = -1;
            for (var p = _inactive[r]; p >= 0;)
            {
                ref var piece = ref _pieces[p];
                var following = piece.NextInactive;
                while (piece.CurrentRange >= 0 && _ranges[piece.CurrentRange].To <= position)
                {
                    piece.CurrentRange = _ranges[piece.CurrentRange].Next;
                }

                var from = piece.CurrentRange < 0 ? Never : _ranges[piece.CurrentRange].From;
                if (from > position && piece.CurrentRange >= 0 && from < piece.End)
                {
                    next = Math.Min(next, from);
                    previous = p;
                }
                else
                {
                    if (previous < 0)
                    {
                        _inactive[r] = following;
                    }
                    else
                    {
                        _pieces[previous].NextInactive = following;
                    }

                    if (from <= position)
                    {
                        // Becomes active, once the active ones have been looked at.
                        piece.NextInactive = wake;
                        wake = p;
                    }
                }

                p = following;
            }

            if (_inactive[r] < 0)
            {
                _waiting &= ~(1UL << r);
            }
        }

        for (var set = _occupied; set != 0; set &= set - 1)
        {
            var r = System.Numerics.BitOperations.TrailingZeroCount(set);
            var p = _active[r];
            ref var piece = ref _pieces[p];
            if (piece.End <= position)
            {
                _active[r] = -1;
                _occupied &= ~(1UL << r);
                continue;
            }

            while (_ranges[piece.CurrentRange].To <= position)
            {
                piece.CurrentRange = _ranges[piece.CurrentRange].Next;
            }

            ref var range = ref _ranges[piece.CurrentRange];
            if (range.From > position)
            {
                _active[r] = -1;
                _occupied &= ~(1UL << r);
                piece.NextInactive = _inactive[r];
                _inactive[r] = p;
                _waiting |= 1UL << r;
                next = Math.Min(next, range.From);
            }
            else
            {
                next = Math.Min(next, range.To);
            }
        }

        while (wake >= 0)
        {
            ref var piece = ref _pieces[wake];
            var following = piece.NextInactive;
            var r = piece.Location.Value;
            System.Diagnostics.Debug.Assert(_active[r] < 0, "two live pieces in one register");
            piece.NextInactive = -1;
            _active[r] = wake;
            _occupied |= 1UL << r;
            next = Math.Min(next, _ranges[piece.CurrentRange].To);
            wake = following;
        }

        _nextEvent = next;
    }

    private void Assign(int piece, int register)
    {
        ref var current = ref _pieces[piece];
        current.Location = Location.Register(register);
        _active[register] = piece;
        _occupied |= 1UL << register;
        _used |= 1UL << register;
        _nextEvent = Math.Min(_nextEvent, _ranges[current.CurrentRange].To);
        var group = GroupOf(current.VirtualRegister);
        if (_states[group].GroupRegister < 0)
        {
            _states[group].GroupRegister = (sbyte)register;
        }
    }

    // First position at which a fixed range of the register meets the piece.
    private int FixedConflict(int register, int piece)
    {
        ref var current = ref _pieces[piece];
        var f = _fixedCursor[register];
        while (f >= 0 && _ranges[f].To <= current.Start)
        {
            f = _ranges[f].Next;
        }

        _fixedCursor[register] = f;
        return f < 0 || _ranges[f].From >= current.End ? Never : Intersect(f, current.CurrentRange, current.End);
    }

    // First position in both lists of ranges, the second of which ends at a limit.
    private int Intersect(int a, int b, int limit)
    {
        while (a >= 0 && b >= 0)
        {
            ref var x = ref _ranges[a];
            ref var y = ref _ranges[b];
            if (x.To <= y.From)
            {
                a = x.Next;
            }
            else if (y.To <= x.From)
            {
                b = y.Next;
            }
            else
            {
                var at = Math.Max(x.From, y.From);
                return at < limit ? at : Never;
            }
        }

        return Never;
    }

    private int CallConflict(int piece)
    {
        ref var current = ref _pieces[piece];
        var range = current.CurrentRange;
        for (var c = _callCursor; c < _calls.Count; c++)
        {
            var at = 2 * _calls[c];
            if (at >= current.End)
            {
                break;
            }

            while (_ranges[range].To <= at)
            {
                range = _ranges[range].Next;
                if (range < 0)
                {
                    return Never;
                }
            }

            if (_ranges[range].From < at + 2)
            {
                at = Math.Max(at, _ranges[range].From);
                return at < current.End ? at : Never;
            }
        }

        return Never;
    }

    private int InactiveConflict(int register, int piece)
    {
        var found = Never;
        ref var current = ref _pieces[piece];
        for (var p = _inactive[register]; p >= 0; p = _pieces[p].NextInactive)
        {
            ref var other = ref _pieces[p];
            if (_ranges[other.CurrentRange].From < current.End)
            {
                found = Math.Min(found, Intersect(other.CurrentRange, current.CurrentRange, Math.Min(current.End, other.End)));
            }
        }

        return found;
    }

    private int LimitOf(int register, int piece, int call)
    {
        var limit = FixedConflict(register, piece);
        if ((_file.CallClobbers >> register & 1) != 0)
        {
            limit = Math.Min(limit, call);
        }

        if (_inactive[register] >= 0 && _pieces[piece].IsChild)
        {
            limit = Math.Min(limit, InactiveConflict(register, piece));
        }

        return limit;
    }

    private byte[] OrderOf(int v) => RegisterFile.IsVector(_function.Types[v]) ? _file.VectorOrder : _file.IntegerOrder;

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

    private bool NeedsRegisterAtStart(int piece)
    {
        ref var current = ref _pieces[piece];
        if (!current.IsChild)
        {
            ref var state = ref _states[current.VirtualRegister];
            return !state.IsRematerialisable && !IsParameter(state) && _function.Operands[state.DefinitionOperand].Kind != OperandKind.DefFixed;
        }

        return LastNeedAt(piece, current.Start) >= 0;
    }

    // A definition must keep its register until the gap after its instruction, where the store to its slot is; a use only while it reads.
    private int SmallestEnd(int piece)
        => (_pieces[piece].IsChild ? LastNeedAt(piece, _pieces[piece].Start) : _pieces[piece].Start | 1) + 1;

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

    // Cost of taking the register from a piece: what the reload will cost, per position won.
    private long EvictionScore(int piece, int position)
    {
        ref var current = ref _pieces[piece];
        if (NeedsRegisterAtStart(piece) && position < SmallestEnd(piece))
        {
            return long.MaxValue;
        }

        var u = FirstUseFrom(piece, position);
        while (u >= 0 && _uses[u].Position < current.End && _uses[u].Wish == UseWish.Gap)
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
        var last = Math.Max(current.LastUsePosition, current.Start);
        var at = position;
        for (var loop = _function.Blocks[_blockOf[position >> 1]].Loop; loop >= 0; loop = _function.Loops[loop].Parent)
        {
            var loopStart = 2 * _function.Blocks[_function.Loops[loop].Header].First;
            if (loopStart <= last)
            {
                break;
            }

            at = loopStart;
        }

        return at;
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
            lower = _uses[u].Position;
        }

        var at = OptimalPosition(lower, limit);
        if (at > start && at > lower)
        {
            return at;
        }

        // The register is lost within an instruction that reads the value: the rest starts at an odd position, in memory.
        return limit > start ? limit : -1;
    }

    // The best place for a split in (low, high]: before the outermost loop that is entered in between, else as late as possible.
    private int OptimalPosition(int low, int high)
    {
        var at = high & ~1;
        for (var loop = _function.Blocks[_blockOf[Math.Min(high >> 1, _blockOf.Count - 1)]].Loop; loop >= 0; loop = _function.Loops[loop].Parent)
        {
            var loopStart = 2 * _function.Blocks[_function.Loops[loop].Header].First;
            if (loopStart <= low)
            {
                break;
            }

            at = loopStart;
        }

        return at;
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

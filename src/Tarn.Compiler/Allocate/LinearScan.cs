// Linear scan on SSA form with lifetime holes and splitting (after Wimmer and Mössenböck, 2005; Wimmer and Franz, 2010), in three phases:
// Build (intervals), this file (the walk), Resolve (operands, moves, slots). The walk visits pieces of intervals by start. At any
// position a register holds at most one piece that is live there; pieces in a hole wait in the register's inactive list.
//
// Why an unsplit interval need not be compared with inactive ones: in SSA form two values that are ever live together are live at one
// of their definitions, and the earlier one would be live, hence active, at the later one's start. Split pieces are compared.
//
// Cost: each piece looks at the registers of its class once or twice. Splits move strictly forward, so the walk ends.
using Tarn.Assembler;
using Tarn.Compiler.Machine;

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

    // For each block, the call at its end that may go to a handler, or −1.
    private GrowableArray<int> _throwingCalls = new(128);
    private GrowableArray<long> _heap = new(256);
    private GrowableArray<int> _parameterOf = new(128);
    private readonly BlockFrequencies _frequencies = new();
    private readonly ulong _integers = MaskOf(file.IntegerOrder);
    private readonly ulong _vectors = MaskOf(file.VectorOrder);
    private ulong _used;
    private ulong _occupied;
    private ulong _waiting;
    private int _callCursor;
    private int _nextEvent;

    // Steps of searches since they were last counted for the function; see Step.
    private int _steps;

    private const int StepsAtOnce = 1 << 12;

    private static ulong MaskOf(byte[] order)
    {
        var mask = 0UL;
        foreach (var r in order)
        {
            mask |= 1UL << r;
        }

        return mask;
    }

    /// <summary>Number of ranges, uses and pieces that the last function had.</summary>
    public int PieceCount => _ranges.Count + _uses.Count + _pieces.Count;

    /// <summary>Allocates registers for a function.</summary>
    public void Run(MachineFunction function, Allocation allocation)
    {
        _function = function;
        _allocation = allocation;
        allocation.Clear();
        _frequencies.Compute(function);
        Build();
        Walk();
        Resolve();
        CountSteps();
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

    // Searches that are short in whatever compilers make can be long in what is made to be: they are counted, and the function is refused when there are too many.
    private void CountSteps()
    {
        _function.Budget.Step(_steps);
        _steps = 0;
    }

    private void Visit(int piece)
    {
        if (_steps > StepsAtOnce)
        {
            CountSteps();
        }

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

        if (_pieces[piece].IsChild && _pieces[piece].Location.IsRegister)
        {
            Reconsider(piece);
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
        _states[current.VirtualRegister].LastRegister = (sbyte)register;
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
            _steps++;
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
            _steps++;
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
        var c = _callCursor;
        for (var r = current.CurrentRange; r >= 0; r = _ranges[r].Next)
        {
            _steps++;
            ref var range = ref _ranges[r];
            c = FirstCallAfter(c, range.From);
            if (c >= _calls.Count || 2 * _calls[c] >= current.End)
            {
                break;
            }

            if (2 * _calls[c] < range.To)
            {
                var at = Math.Max(2 * _calls[c], range.From);
                return at < current.End ? at : Never;
            }
        }

        return Never;
    }

    // The first call, from one on, that is not over at a position. A hole may have thousands of calls in it, and thousands of pieces that hole.
    private int FirstCallAfter(int call, int position)
    {
        var step = 1;
        var high = call;
        while (high < _calls.Count && 2 * _calls[high] + 2 <= position)
        {
            call = high + 1;
            high += step;
            step *= 2;
        }

        high = Math.Min(high, _calls.Count);
        while (call < high)
        {
            var middle = (call + high) >> 1;
            if (2 * _calls[middle] + 2 <= position)
            {
                call = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return call;
    }

    private int InactiveConflict(int register, int piece)
    {
        var found = Never;
        ref var current = ref _pieces[piece];
        for (var p = _inactive[register]; p >= 0; p = _pieces[p].NextInactive)
        {
            _steps++;
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
}

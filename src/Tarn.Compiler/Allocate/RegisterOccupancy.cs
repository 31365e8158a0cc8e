// Which live range each register holds at the position of the walk, and until when a register stays free. At any position a register holds
// at most one live range that is live there; live ranges in a hole wait in the register's inactive list.
//
// Why an unsplit interval need not be compared with inactive ones: in SSA form two values that are ever live together are live at one
// of their definitions, and the earlier one would be live, hence active, at the later one's start. Split live ranges are compared.

namespace Tarn.Compiler.Allocate;

/// <summary>Contents of registers during the walk. Reused.</summary>
internal sealed class RegisterOccupancy(LiveRangeTable table, RegisterFile file)
{
    private readonly LiveRangeTable _table = table;
    private readonly RegisterFile _file = file;
    private readonly int[] _active = new int[64];
    private readonly int[] _inactive = new int[64];
    private readonly int[] _fixedCursor = new int[64];
    private ulong _used;
    private ulong _occupied;
    private ulong _waiting;
    private int _callCursor;
    private int _nextEvent;

    /// <summary>All registers that were assigned.</summary>
    public ulong Used => _used;

    /// <summary>The first call that is not over at the position of the walk, in <see cref="LiveRangeTable.Calls"/>.</summary>
    public int NextCall => _callCursor;

    /// <summary>Prepares for a function whose live ranges have been built.</summary>
    public void Begin()
    {
        _active.AsSpan().Fill(-1);
        _inactive.AsSpan().Fill(-1);
        _table.FixedHead.CopyTo(_fixedCursor, 0);
        _used = 0;
        _occupied = 0;
        _waiting = 0;
        _callCursor = 0;
        _nextEvent = 0;
    }

    /// <summary>Returns the live range that a register holds at the position of the walk, or −1.</summary>
    public int OccupantOf(int register) => _active[register];

    /// <summary>Takes a register from the live range that it holds.</summary>
    public void Release(int register)
    {
        _active[register] = -1;
        _occupied &= ~(1UL << register);
    }

    /// <summary>Takes note that a live range has been cut to a new end after its register was assigned.</summary>
    public void EndsAt(int position) => _nextEvent = Math.Min(_nextEvent, position);

    /// <summary>Moves the walk to a position: live ranges that have ended leave, those in a hole become inactive, those after a hole active.</summary>
    public void Advance(int position)
    {
        while (_callCursor < _table.Calls.Count && 2 * _table.Calls[_callCursor] + 2 <= position)
        {
            _callCursor++;
        }

        if (position < _nextEvent)
        {
            return;
        }

        var next = LiveRangeTable.Never;
        var wake = -1;
        for (var set = _waiting; set != 0; set &= set - 1)
        {
            var r = System.Numerics.BitOperations.TrailingZeroCount(set);
            var previous = -1;
            for (var p = _inactive[r]; p >= 0;)
            {
                ref var range = ref _table.Ranges[p];
                var following = range.NextInactive;
                while (range.CurrentSegment >= 0 && _table.Segments[range.CurrentSegment].To <= position)
                {
                    range.CurrentSegment = _table.Segments[range.CurrentSegment].Next;
                }

                var from = range.CurrentSegment < 0 ? LiveRangeTable.Never : _table.Segments[range.CurrentSegment].From;
                if (from > position && range.CurrentSegment >= 0 && from < range.End)
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
                        _table.Ranges[previous].NextInactive = following;
                    }

                    if (from <= position)
                    {
                        // Becomes active, once the active ones have been looked at.
                        range.NextInactive = wake;
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
            ref var range = ref _table.Ranges[p];
            if (range.End <= position)
            {
                _active[r] = -1;
                _occupied &= ~(1UL << r);
                continue;
            }

            while (_table.Segments[range.CurrentSegment].To <= position)
            {
                range.CurrentSegment = _table.Segments[range.CurrentSegment].Next;
            }

            ref var segment = ref _table.Segments[range.CurrentSegment];
            if (segment.From > position)
            {
                _active[r] = -1;
                _occupied &= ~(1UL << r);
                range.NextInactive = _inactive[r];
                _inactive[r] = p;
                _waiting |= 1UL << r;
                next = Math.Min(next, segment.From);
            }
            else
            {
                next = Math.Min(next, segment.To);
            }
        }

        while (wake >= 0)
        {
            ref var range = ref _table.Ranges[wake];
            var following = range.NextInactive;
            var r = range.Location.Value;
            System.Diagnostics.Debug.Assert(_active[r] < 0, "two live ranges in one register");
            range.NextInactive = -1;
            _active[r] = wake;
            _occupied |= 1UL << r;
            next = Math.Min(next, _table.Segments[range.CurrentSegment].To);
            wake = following;
        }

        _nextEvent = next;
    }

    /// <summary>Puts a live range that starts at the position of the walk into a register that is free there.</summary>
    public void Assign(int range, int register)
    {
        ref var current = ref _table.Ranges[range];
        current.Location = Location.Register(register);
        _active[register] = range;
        _occupied |= 1UL << register;
        _used |= 1UL << register;
        _nextEvent = Math.Min(_nextEvent, _table.Segments[current.CurrentSegment].To);
        _table.States[current.VirtualRegister].LastRegister = (sbyte)register;
        var group = _table.GroupOf(current.VirtualRegister);
        if (_table.States[group].GroupRegister < 0)
        {
            _table.States[group].GroupRegister = (sbyte)register;
        }
    }

    // First position at which a fixed segment of the register meets the live range.
    private int FixedConflict(int register, int range)
    {
        ref var current = ref _table.Ranges[range];
        var f = _fixedCursor[register];
        while (f >= 0 && _table.Segments[f].To <= current.Start)
        {
            _table.Steps++;
            f = _table.Segments[f].Next;
        }

        _fixedCursor[register] = f;
        return f < 0 || _table.Segments[f].From >= current.End ? LiveRangeTable.Never : Intersect(f, current.CurrentSegment, current.End);
    }

    // First position in both lists of segments, the second of which ends at a limit.
    private int Intersect(int a, int b, int limit)
    {
        while (a >= 0 && b >= 0)
        {
            _table.Steps++;
            ref var x = ref _table.Segments[a];
            ref var y = ref _table.Segments[b];
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
                return at < limit ? at : LiveRangeTable.Never;
            }
        }

        return LiveRangeTable.Never;
    }

    /// <summary>Returns the first position at which a call runs while a live range is live, or <see cref="LiveRangeTable.Never"/>.</summary>
    public int CallConflict(int range)
    {
        ref var current = ref _table.Ranges[range];
        var c = _callCursor;
        for (var r = current.CurrentSegment; r >= 0; r = _table.Segments[r].Next)
        {
            _table.Steps++;
            ref var segment = ref _table.Segments[r];
            c = FirstCallAfter(c, segment.From);
            if (c >= _table.Calls.Count || 2 * _table.Calls[c] >= current.End)
            {
                break;
            }

            if (2 * _table.Calls[c] < segment.To)
            {
                var at = Math.Max(2 * _table.Calls[c], segment.From);
                return at < current.End ? at : LiveRangeTable.Never;
            }
        }

        return LiveRangeTable.Never;
    }

    // The first call, from one on, that is not over at a position. A hole may have thousands of calls in it, and thousands of live ranges with that hole.
    private int FirstCallAfter(int call, int position)
    {
        var step = 1;
        var high = call;
        while (high < _table.Calls.Count && 2 * _table.Calls[high] + 2 <= position)
        {
            call = high + 1;
            high += step;
            step *= 2;
        }

        high = Math.Min(high, _table.Calls.Count);
        while (call < high)
        {
            var middle = (call + high) >> 1;
            if (2 * _table.Calls[middle] + 2 <= position)
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

    private int InactiveConflict(int register, int range)
    {
        var found = LiveRangeTable.Never;
        ref var current = ref _table.Ranges[range];
        for (var p = _inactive[register]; p >= 0; p = _table.Ranges[p].NextInactive)
        {
            _table.Steps++;
            ref var other = ref _table.Ranges[p];
            if (_table.Segments[other.CurrentSegment].From < current.End)
            {
                found = Math.Min(found, Intersect(other.CurrentSegment, current.CurrentSegment, Math.Min(current.End, other.End)));
            }
        }

        return found;
    }

    /// <summary>Returns the first position at which something that is known by now needs a register while a live range is live.</summary>
    /// <param name="register">Register.</param>
    /// <param name="range">Live range, which starts at the position of the walk.</param>
    /// <param name="call">What <see cref="CallConflict"/> returned for it.</param>
    public int LimitOf(int register, int range, int call)
    {
        var limit = FixedConflict(register, range);
        if ((_file.CallClobbers >> register & 1) != 0 || (!_file.KeepsReferences && _table.IsManaged(_table.Ranges[range].VirtualRegister)))
        {
            limit = Math.Min(limit, call);
        }

        if (_inactive[register] >= 0 && _table.Ranges[range].IsChild)
        {
            limit = Math.Min(limit, InactiveConflict(register, range));
        }

        return limit;
    }

    /// <summary>Whether assigning a register adds a save and a restore to the function.</summary>
    public bool IsNewCalleeSaved(int register) => (_file.CalleeSaved & ~_used & (1UL << register)) != 0;
}

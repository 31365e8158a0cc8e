// Where managed references are at each safepoint, for the collector to find and to change. Written after everything else is decided, from the segments of the live ranges, which
// for references are exact: a reference is named at a safepoint if and only if it is live before and after it.
//
// At a call references are in slots (RegisterOccupancy.LimitOf), unless the target's registers are places in frames. An allocation preserves registers, so there a reference may be in a register; if the slot
// has been written by then, and would be read again without being written anew, the slot is named as well. That is so where it is written after the definition, and where the reference gives up
// its register in the middle of the safepoint: the move to the slot comes before it (MoveResolver.ResolveSplits).
//
// If a place were missing, the guest would continue with a reference to where an object was; if one were named that holds no reference, the collector would change a number. The
// allocation checker holds both against the function.
using Tarn.Assembler;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>Writes the safepoints of an allocation. Reused.</summary>
internal sealed class SafepointMaps(LiveRangeTable table)
{
    private GrowableArray<int> _instructions = new(64);
    private GrowableArray<int> _counts = new(64);
    private GrowableArray<(int Safepoint, Location Place)> _entries = new(256);

    /// <summary>Fills in <see cref="Allocation.Safepoints"/> and <see cref="Allocation.References"/>.</summary>
    public void Write(Allocation allocation)
    {
        var function = table.Function;
        _instructions.Clear();
        _entries.Clear();
        for (var i = 0; i < function.Instructions.Count; i++)
        {
            if (MachineOpcode.IsSafepoint(function.Instructions[i]))
            {
                _instructions.Add(i);
            }
        }

        if (_instructions.Count == 0)
        {
            return;
        }

        for (var v = new VReg(0); v < table.States.Count; v++)
        {
            if (table.IsManaged(v) && table.States[v].FirstRange >= 0)
            {
                Gather(v);
            }
        }

        function.Budget.Charge((long)ComplexityLimits.LiveValue * _entries.Count, "many references alive at calls and allocations");
        _counts.Fill(_instructions.Count + 1, 0);
        var counts = _counts.Span;
        foreach (ref var entry in _entries.Span)
        {
            counts[entry.Safepoint + 1]++;
        }

        for (var s = 0; s < _instructions.Count; s++)
        {
            if (counts[s + 1] != 0)
            {
                allocation.Safepoints.Add(new Safepoint { Instruction = _instructions[s], Start = counts[s], Count = counts[s + 1] });
            }

            counts[s + 1] += counts[s];
        }

        allocation.References.Fill(_entries.Count, Location.None);
        foreach (ref var entry in _entries.Span)
        {
            allocation.References[counts[entry.Safepoint]++] = entry.Place;
        }
    }

    private void Gather(VReg v)
    {
        ref var state = ref table.States[v];
        for (var range = state.FirstRange; range >= 0; range = table.Ranges[range].NextRange)
        {
            ref var piece = ref table.Ranges[range];
            if (piece.Location.IsRematerialised)
            {
                continue;
            }

            for (var segment = piece.FirstSegment; segment >= 0; segment = table.Segments[segment].Next)
            {
                ref var live = ref table.Segments[segment];
                for (var s = FirstFrom(live.From); s < _instructions.Count && 2 * _instructions[s] < live.To; s++)
                {
                    // What an allocation defines it has not defined while the collector runs.
                    if (_instructions[s] == state.Definition)
                    {
                        continue;
                    }

                    // Nor is an argument one that lives on, whose last use the call is.
                    if (live.To <= (2 * _instructions[s]) + 1 && !LivesAt(v, (2 * _instructions[s]) + 1))
                    {
                        continue;
                    }

                    if (piece.Location.IsRegister)
                    {
                        _entries.Add((s, piece.Location));
                    }

                    if (state.IsSpilled && (!piece.Location.IsRegister || !state.IsStoredLate || EntersSlotAt(piece.NextRange, (2 * _instructions[s]) + 1)))
                    {
                        _entries.Add((s, Location.Slot(state.Slot)));
                    }
                }
            }
        }
    }

    private bool EntersSlotAt(int range, int position) => range >= 0 && table.Ranges[range].Start == position && table.Ranges[range].Location.IsSlot;

    private bool LivesAt(VReg v, int position)
    {
        for (var range = table.States[v].FirstRange; range >= 0; range = table.Ranges[range].NextRange)
        {
            for (var segment = table.Ranges[range].FirstSegment; segment >= 0; segment = table.Segments[segment].Next)
            {
                if (table.Segments[segment].From <= position && position < table.Segments[segment].To)
                {
                    return true;
                }
            }
        }

        return false;
    }

    // The first safepoint at a position or after it.
    private int FirstFrom(int position)
    {
        var low = 0;
        var high = _instructions.Count;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (2 * _instructions[middle] < position)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}

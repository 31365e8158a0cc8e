// The live ranges of one virtual register, in order of position, and what is asked of them as a whole once the walk is over: where the value is
// at a position, how often it is moved, and whether it is stored at its definition or where it goes to memory.
using Tarn.Assembler;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>The live ranges of one virtual register. Reused.</summary>
internal sealed class RangeSequence(LiveRangeTable table)
{
    private readonly LiveRangeTable _table = table;
    private GrowableArray<int> _order = new(64);

    /// <summary>Number of live ranges.</summary>
    public int Count => _order.Count;

    /// <summary>Returns a live range by its position in the sequence.</summary>
    public int this[int index] => _order[index];

    /// <summary>Returns the location of a live range.</summary>
    public Location LocationOf(int range)
    {
        ref var p = ref _table.Ranges[range];
        return p.Location.IsSlot ? Location.Slot(_table.States[p.VirtualRegister].Slot) : p.Location;
    }

    /// <summary>Returns the location at a position at which the value is live.</summary>
    public Location LocationBefore(int position)
    {
        int low = 0, high = _order.Count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) >> 1;
            if (_table.Ranges[_order[middle]].Start <= position)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return LocationOf(_order[low]);
    }

    /// <summary>Makes this the sequence of a virtual register.</summary>
    public void Gather(VReg v)
    {
        _order.Clear();
        for (var p = _table.States[v].FirstRange; p >= 0; p = _table.Ranges[p].NextRange)
        {
            _order.Add(p);
        }
    }

    /// <summary>Whether stores where the value goes from a register to its slot run less often than one at the definition, as far as a bounded search tells.</summary>
    public bool IsBetterStoredLate(VReg v)
    {
        var limit = _table.FrequencyOf(_table.BlockOf[_table.States[v].Definition]);
        var cost = 0;
        var edges = 0;
        for (var k = 1; k < _order.Count; k++)
        {
            var p = _order[k];
            ref var range = ref _table.Ranges[p];
            if (!range.Location.IsSlot)
            {
                continue;
            }

            var instruction = range.Start >> 1;
            if (range.Start != 2 * _table.Function.Blocks[_table.BlockOf[instruction]].First && LocationBefore(2 * instruction - 1).IsRegister)
            {
                cost += _table.FrequencyOf(_table.BlockOf[instruction]);
            }

            for (var walk = new EdgeWalk(_table, v, p); cost < limit && walk.Next();)
            {
                if (++edges > LateEdges)
                {
                    return false;
                }

                if (LocationBefore(walk.Exit).IsRegister)
                {
                    cost += _table.EdgeFrequency(walk.Source, walk.Target);
                }
            }

            if (cost >= limit)
            {
                return false;
            }
        }

        return true;
    }

    private const int LateEdges = 64;

    /// <summary>Returns how often the value is moved to registers, within blocks and on edges; <see cref="long.MaxValue"/> if there are too many edges.</summary>
    public long MovingCost(VReg v)
    {
        var cost = 0L;
        var edges = 0;
        for (var k = 0; k < _order.Count; k++)
        {
            var p = _order[k];
            ref var range = ref _table.Ranges[p];
            if (!range.Location.IsRegister)
            {
                continue;
            }

            var instruction = range.Start >> 1;
            if (k > 0 && range.Start != 2 * _table.Function.Blocks[_table.BlockOf[instruction]].First && LocationBefore(2 * instruction - 1) != range.Location)
            {
                cost += _table.FrequencyOf(_table.BlockOf[instruction]);
            }

            for (var walk = new EdgeWalk(_table, v, p); walk.Next();)
            {
                if (++edges > MovingEdges)
                {
                    return long.MaxValue;
                }

                if (LocationBefore(walk.Exit) != range.Location)
                {
                    cost += _table.EdgeFrequency(walk.Source, walk.Target);
                }
            }
        }

        return cost;
    }

    // Bounds on what is looked at for one value.
    private const int MovingEdges = 96;
}

// What it costs to have a live range in memory, in expected executions of stores and reloads. Each score looks at a bounded number of uses and
// at the loops around one block.

namespace Tarn.Compiler.Allocate;

/// <summary>Costs of spilling.</summary>
internal sealed class SpillCosts(LiveRangeTable table, RegisterNeeds needs, RegisterOccupancy registers)
{
    private readonly LiveRangeTable _table = table;
    private readonly RegisterNeeds _needs = needs;
    private readonly RegisterOccupancy _registers = registers;

    private const int MaximumGapUses = 64;

    /// <summary>Returns the cost of taking its register from a live range: what the reload will cost, per position won.</summary>
    public long EvictionScore(int range, int position)
    {
        ref var current = ref _table.Ranges[range];
        if (_needs.NeedsRegisterAtStart(range) && position < _needs.SmallestEnd(range))
        {
            return long.MaxValue;
        }

        // A use that only moves it does not count; many in a row stand for one that does, so that this stays linear.
        var u = _needs.FirstUseFrom(range, position);
        for (var n = 0; n < MaximumGapUses && u >= 0 && _table.Uses[u].Position < current.End && _table.Uses[u].Constraint == UseConstraint.Gap; n++)
        {
            u = _table.Uses[u].Next;
        }

        var within = u >= 0 && _table.Uses[u].Position < current.End;
        if (_needs.LastNeedAt(range, position) >= 0)
        {
            return long.MaxValue;
        }

        ref var state = ref _table.States[current.VirtualRegister];
        var here = _table.BlockOf[position >> 1];
        var distance = within ? _table.Uses[u].Position - position : current.End - position;
        var reload = within ? _table.FrequencyOf(_table.Uses[u].Block) : 1;

        // Used earlier in a loop around which it is live: the next use is in the next iteration.
        for (var loop = _table.Function.Blocks[here].Loop; loop >= 0; loop = _table.Function.Loops[loop].Parent)
        {
            _table.Steps++;
            ref var l = ref _table.Function.Loops[loop];
            var loopStart = 2 * _table.Function.Blocks[l.Header].First;
            if (current.Start > loopStart)
            {
                break;
            }

            if (current.LastUsePosition >= loopStart)
            {
                var loopEnd = 2 * _table.Function.Blocks[l.End - 1].End;
                if (current.End >= loopEnd && (!within || _table.Uses[u].Position >= loopEnd))
                {
                    reload = Math.Max(reload, _table.FrequencyOf(l.Header));
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
            reload += _table.FrequencyOf(_table.BlockOf[state.Definition]);
        }

        return ((long)reload << 16) / Math.Clamp(distance, 1, 64);
    }

    /// <summary>Returns the cost of leaving a live range in memory until a use, per position won.</summary>
    public long SpillScore(int range, int position, int useBlock, int usePosition)
    {
        ref var state = ref _table.States[_table.Ranges[range].VirtualRegister];
        var reload = _table.FrequencyOf(useBlock);
        if (state.IsRematerialisable)
        {
            reload = Math.Max(1, reload / 2);
        }
        else if (!state.IsSpilled)
        {
            reload += _table.FrequencyOf(_table.BlockOf[state.Definition]);
        }

        return ((long)reload << 16) / Math.Clamp(usePosition - position, 1, 64);
    }

    /// <summary>Cost of a callee-saved register: a push at entry, a pop at exit.</summary>
    public const int SaveCost = 2 * BlockFrequencies.Entry;

    /// <summary>
    /// Whether a live range is worth a new callee-saved register, which costs two accesses at entry and exit. Without it this live range is reloaded for its
    /// uses, or stored and reloaded around the calls, whichever is cheaper; or it is in memory throughout.
    /// </summary>
    public bool IsWorthSaving(int range, bool orMemory)
    {
        ref var current = ref _table.Ranges[range];
        ref var state = ref _table.States[current.VirtualRegister];
        var cost = state.IsSpilled || state.IsRematerialisable ? 0 : _table.FrequencyOf(_table.BlockOf[Math.Min(current.Start >> 1, _table.BlockOf.Count - 1)]);
        for (var u = _needs.FirstUseFrom(range, current.Start); u >= 0 && _table.Uses[u].Position < current.End && cost <= SaveCost; u = _table.Uses[u].Next)
        {
            cost += _table.FrequencyOf(_table.Uses[u].Block);
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
        for (var c = _registers.NextCall; c < _table.Calls.Count && 2 * _table.Calls[c] < current.End; c++)
        {
            around += 3 * _table.FrequencyOf(_table.BlockOf[_table.Calls[c]]);
            if (around > SaveCost)
            {
                return true;
            }
        }

        return false;
    }
}

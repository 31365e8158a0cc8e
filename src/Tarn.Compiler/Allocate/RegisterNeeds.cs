// Where a live range needs a register and where memory serves as well. Each live range has a cursor into its uses that follows the walk, so
// that all questions about one live range cost time linear in its uses.
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>Register needs of live ranges.</summary>
internal sealed class RegisterNeeds(LiveRangeTable table)
{
    private readonly LiveRangeTable _table = table;

    /// <summary>Returns the first use from a position on, whatever its constraint, or −1. The cursor moves with the walk.</summary>
    public int FirstUseFrom(int range, int position)
    {
        ref var current = ref _table.Ranges[range];
        var u = current.CurrentUse;
        while (u >= 0 && _table.Uses[u].Position < position)
        {
            _table.Steps++;
            current.LastUsePosition = _table.Uses[u].Position;
            u = _table.Uses[u].Next;
        }

        current.CurrentUse = u;
        return u;
    }

    /// <summary>Returns the first use from a position on, within the live range, that is worth a register, or −1.</summary>
    public int FirstRegisterUse(int range, int position)
    {
        var end = _table.Ranges[range].End;
        for (var u = FirstUseFrom(range, position); u >= 0 && _table.Uses[u].Position < end; u = _table.Uses[u].Next)
        {
            _table.Steps++;
            if (_table.Uses[u].Constraint == UseConstraint.Register || (_table.Uses[u].Constraint == UseConstraint.Any && IsWorthReloading(range, u)))
            {
                return u;
            }
        }

        return -1;
    }

    // A use that can read memory does so if it is the only one around.
    private bool IsWorthReloading(int range, int use)
    {
        ref var state = ref _table.States[_table.Ranges[range].VirtualRegister];
        if (state.IsRematerialisable && !state.IsMemoryResident)
        {
            return true;
        }

        ref var u = ref _table.Uses[use];
        if (_table.Function.Blocks[u.Block].LoopDepth > _table.Function.Blocks[_table.BlockOf[_table.Ranges[range].Start >> 1]].LoopDepth)
        {
            return true;
        }

        if (u.Next < 0)
        {
            return false;
        }

        ref var next = ref _table.Uses[u.Next];
        return next.Constraint != UseConstraint.Gap && next.Block == u.Block && next.Position - u.Position < 64;
    }

    /// <summary>
    /// Whether a live range must be in a register where it starts. One that starts at a late, early or tied definition or a temporary is written there.
    /// Parameters, fixed definitions and children arrive by a move in the gap, and the instruction after the gap may read them at once.
    /// </summary>
    public bool NeedsRegisterAtStart(int range)
        => IsWrittenAtStart(range) || LastNeedAt(range, _table.Ranges[range].Start) >= 0;

    private bool IsWrittenAtStart(int range)
    {
        ref var current = ref _table.Ranges[range];
        ref var state = ref _table.States[current.VirtualRegister];
        return !current.IsChild && !state.IsRematerialisable && !_table.IsParameter(state)
            && _table.Function.Operands[state.DefinitionOperand].Kind != OperandKind.DefFixed;
    }

    /// <summary>
    /// Returns the first position at which a live range that needs a register at its start may lose it. A definition keeps it until the gap after its
    /// instruction, where the store to its slot is; a use only while it reads.
    /// </summary>
    public int SmallestEnd(int range)
        => (IsWrittenAtStart(range) ? _table.Ranges[range].Start | 1 : LastNeedAt(range, _table.Ranges[range].Start)) + 1;

    /// <summary>Returns the last position of the instruction at which the live range is read and must be in a register, or −1.</summary>
    public int LastNeedAt(int range, int position)
    {
        var last = -1;
        for (var u = FirstUseFrom(range, position); u >= 0 && _table.Uses[u].Position <= (position | 1); u = _table.Uses[u].Next)
        {
            if (MustHaveRegister(range, u))
            {
                last = _table.Uses[u].Position;
            }
        }

        return last;
    }

    /// <summary>Whether a use cannot read memory.</summary>
    public bool MustHaveRegister(int range, int use)
    {
        ref var state = ref _table.States[_table.Ranges[range].VirtualRegister];
        return _table.Uses[use].Constraint == UseConstraint.Register
            || (_table.Uses[use].Constraint == UseConstraint.Any && state.IsRematerialisable && !state.IsMemoryResident);
    }
}

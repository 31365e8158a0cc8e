// Spill slots. Values whose lives do not overlap share one. Values that pass into each other through block parameters want the same one, so
// that an edge between two spilled values has nothing to move: for those the lives are compared range by range, for all others from first
// to last position, which keeps the search linear.
//
// Vectors have pairs of their own after all the other slots: no slot ever overlaps half of another one, which a parallel move could not
// put in sequence.
using Tarn.Assembler;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <content>Spill slots.</content>
internal sealed partial class LinearScan
{
    // Bounds the search for a slot, so that slots cost linear time however many there are.
    private const int SlotSearch = 64;

    // Bounds on what is looked at to share a slot with a neighbour.
    private const int SlotOccupants = 12;
    private const int SlotRanges = 200;

    private GrowableArray<SlotLife> _slotLives = new(64);
    private readonly SlotPool _narrow = new();
    private readonly SlotPool _wide = new();
    private readonly (int Slot, int Weight)[] _slotHints = new (int, int)[HintEdges];
    private int _slotHintCount;

    private void AssignSlots()
    {
        _slotLives.Clear();
        _narrow.Clear();
        _wide.Clear();
        for (var v = 0; v < _states.Count; v++)
        {
            ref var state = ref _states[v];
            if (!state.IsSpilled)
            {
                continue;
            }

            var last = state.FirstPiece;
            while (_pieces[last].NextPiece >= 0)
            {
                last = _pieces[last].NextPiece;
            }

            _slotLives.Add(new SlotLife { Start = _pieces[state.FirstPiece].Start, End = _pieces[last].End, VirtualRegister = v, Next = -1 });
        }

        if (_slotLives.Count == 0)
        {
            return;
        }

        _slotLives.Span.Sort();
        for (var life = 0; life < _slotLives.Count; life++)
        {
            var v = _slotLives[life].VirtualRegister;
            _states[v].Slot = TakeSlot(IsWide(v) ? _wide : _narrow, life);
        }

        if (_wide.Count > 0)
        {
            foreach (ref var life in _slotLives.Span)
            {
                if (IsWide(life.VirtualRegister))
                {
                    ref var slot = ref _states[life.VirtualRegister].Slot;
                    slot = _narrow.Count + 2 * slot;
                }
            }
        }

        _allocation.SlotCount = _narrow.Count + 2 * _wide.Count;
    }

    private bool IsWide(int v) => _function.Types[v] == MachineType.V128;

    private int TakeSlot(SlotPool pool, int index)
    {
        ref var life = ref _slotLives[index];
        var slot = HintedSlot(pool, life);
        if (slot < 0)
        {
            slot = pool.FirstFree(life.Start, SlotSearch);
        }

        ref var ends = ref pool.Ends[slot];
        ends = Math.Max(ends, life.End);
        life.Next = pool.Last[slot];
        pool.Last[slot] = index;
        return slot;
    }

    private int HintedSlot(SlotPool pool, in SlotLife life)
    {
        GatherSlotHints(life.VirtualRegister);
        while (_slotHintCount > 0)
        {
            var best = 0;
            for (var k = 1; k < _slotHintCount; k++)
            {
                best = _slotHints[k].Weight > _slotHints[best].Weight ? k : best;
            }

            var slot = _slotHints[best].Slot;
            if (CanShare(pool, slot, life))
            {
                return slot;
            }

            _slotHints[best] = _slotHints[--_slotHintCount];
        }

        return -1;
    }

    private bool CanShare(SlotPool pool, int slot, in SlotLife life)
    {
        var seen = 0;
        for (var other = pool.Last[slot]; other >= 0; other = _slotLives[other].Next)
        {
            ref var occupant = ref _slotLives[other];
            if (++seen > SlotOccupants || (occupant.End > life.Start && AreLiveTogether(occupant.VirtualRegister, life.VirtualRegister)))
            {
                return false;
            }
        }

        return true;
    }

    // Slots of the values that this one comes from or goes to.
    private void GatherSlotHints(int v)
    {
        _slotHintCount = 0;
        ref var state = ref _states[v];
        if (IsParameter(state))
        {
            var b = _blockOf[state.Definition];
            ref var block = ref _function.Blocks[b];
            var k = state.DefinitionOperand - _function.Instructions[block.First].OperandStart;
            for (var p = 0; p < Math.Min(block.PredecessorCount, HintEdges); p++)
            {
                ref var edge = ref _function.Edges[_function.Predecessors[block.PredecessorStart + p]];
                if (k < edge.ArgumentCount)
                {
                    AddSlotHint(_function.Arguments[edge.ArgumentStart + k], EdgeFrequency(edge.From, b));
                }
            }
        }

        // Edges come last in the list of uses only by chance: look at a few of either end.
        var count = 0;
        for (var u = state.FirstUse; u >= 0 && count < 2 * HintUses; u = _uses[u].Next, count++)
        {
            if (_uses[u].Operand < 0)
            {
                AddSlotHint(_parameterOf[~_uses[u].Operand], FrequencyOf(_uses[u].Block));
            }
        }
    }

    private void AddSlotHint(int v, int weight)
    {
        var slot = _states[v].Slot;
        if (slot < 0)
        {
            return;
        }

        for (var k = 0; k < _slotHintCount; k++)
        {
            if (_slotHints[k].Slot == slot)
            {
                _slotHints[k].Weight = Math.Min(_slotHints[k].Weight + weight, int.MaxValue >> 1);
                return;
            }
        }

        if (_slotHintCount < _slotHints.Length)
        {
            _slotHints[_slotHintCount++] = (slot, weight);
        }
    }

    // Whether the ranges of two values meet, as far as a bounded walk can tell that they do not.
    private bool AreLiveTogether(int a, int b)
    {
        int p = _states[a].FirstPiece, q = _states[b].FirstPiece;
        int x = _pieces[p].FirstRange, y = _pieces[q].FirstRange;
        for (var k = 0; k < SlotRanges; k++)
        {
            while (x < 0)
            {
                p = _pieces[p].NextPiece;
                if (p < 0)
                {
                    return false;
                }

                x = _pieces[p].FirstRange;
            }

            while (y < 0)
            {
                q = _pieces[q].NextPiece;
                if (q < 0)
                {
                    return false;
                }

                y = _pieces[q].FirstRange;
            }

            if (_ranges[x].To <= _ranges[y].From)
            {
                x = _ranges[x].Next;
            }
            else if (_ranges[y].To <= _ranges[x].From)
            {
                y = _ranges[y].Next;
            }
            else
            {
                return true;
            }
        }

        return true;
    }

    private struct SlotLife : IComparable<SlotLife>
    {
        public int Start;
        public int End;
        public int VirtualRegister;
        public int Next;

        public readonly int CompareTo(SlotLife other) => Start != other.Start ? Start.CompareTo(other.Start) : VirtualRegister.CompareTo(other.VirtualRegister);
    }

    // Slots of one size: where the last life in each ends, and the last life that was given it.
    private sealed class SlotPool
    {
        public GrowableArray<int> Ends = new(64);
        public GrowableArray<int> Last = new(64);

        public int Count => Ends.Count;

        public void Clear()
        {
            Ends.Clear();
            Last.Clear();
        }

        public int FirstFree(int start, int search)
        {
            var limit = Math.Min(Ends.Count, search);
            for (var slot = 0; slot < limit; slot++)
            {
                if (Ends[slot] <= start)
                {
                    return slot;
                }
            }

            Last.Add(-1);
            return Ends.AddDefault(1);
        }
    }
}

// Spill slots. Values whose lives do not overlap share one. Values that pass into each other through block parameters prefer the same one, so
// that an edge between two spilled values has nothing to move: for those the lives are compared segment by segment, for all others from first
// to last position, which keeps the search linear.
//
// Vectors have pairs of their own after all the other slots: no slot ever overlaps half of another one, which a parallel move could not
// put in sequence.
using Tarn.Assembler;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>Assigns spill slots. Reused.</summary>
internal sealed class SpillSlots(LiveRangeTable table)
{
    private readonly LiveRangeTable _table = table;

    // Bounds the search for a slot, so that slots cost linear time however many there are.
    private const int SlotSearch = 64;

    // Bounds on what is looked at to share a slot with a neighbour.
    private const int SlotOccupants = 12;

    private const int SlotSegments = 200;
    private GrowableArray<SlotLife> _slotLives = new(64);
    private readonly SlotPool _narrow = new();
    private readonly SlotPool _wide = new();
    private readonly (int Slot, int Weight)[] _slotHints = new (int, int)[LiveRangeTable.EdgesSearched];
    private int _slotHintCount;

    /// <summary>Assigns a slot to each virtual register that has been spilled, and returns the number of slots.</summary>
    public int Assign()
    {
        _slotLives.Clear();
        _narrow.Clear();
        _wide.Clear();
        for (var v = new VReg(0); v < _table.States.Count; v++)
        {
            ref var state = ref _table.States[v];
            if (!state.IsSpilled)
            {
                continue;
            }

            var last = state.FirstRange;
            while (_table.Ranges[last].NextRange >= 0)
            {
                last = _table.Ranges[last].NextRange;
            }

            _slotLives.Add(new SlotLife { Start = _table.Ranges[state.FirstRange].Start, End = _table.Ranges[last].End, VirtualRegister = v, Next = -1 });
        }

        if (_slotLives.Count == 0)
        {
            return 0;
        }

        _slotLives.Span.Sort();
        for (var life = 0; life < _slotLives.Count; life++)
        {
            var v = _slotLives[life].VirtualRegister;
            _table.States[v].Slot = TakeSlot(IsWide(v) ? _wide : _narrow, life);
        }

        if (_wide.Count > 0)
        {
            foreach (ref var life in _slotLives.Span)
            {
                if (IsWide(life.VirtualRegister))
                {
                    ref var slot = ref _table.States[life.VirtualRegister].Slot;
                    slot = _narrow.Count + 2 * slot;
                }
            }
        }

        return _narrow.Count + 2 * _wide.Count;
    }

    private bool IsWide(VReg v) => _table.Function.Types[v] == MachineType.V128;

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
    private void GatherSlotHints(VReg v)
    {
        _slotHintCount = 0;
        ref var state = ref _table.States[v];
        if (_table.IsParameter(state))
        {
            var b = _table.BlockOf[state.Definition];
            ref var block = ref _table.Function.Blocks[b];
            var k = state.DefinitionOperand - _table.Function.Instructions[block.First].OperandStart;
            for (var p = 0; p < Math.Min(block.PredecessorCount, LiveRangeTable.EdgesSearched); p++)
            {
                ref var edge = ref _table.Function.Edges[_table.Function.Predecessors[block.PredecessorStart + p]];
                if (k < edge.ArgumentCount)
                {
                    AddSlotHint(_table.Function.Arguments[edge.ArgumentStart + k], _table.EdgeFrequency(edge.From, b));
                }
            }
        }

        // Edges come last in the list of uses only by chance: look at a few of either end.
        var count = 0;
        for (var u = state.FirstUse; u >= 0 && count < 2 * RegisterHints.HintUses; u = _table.Uses[u].Next, count++)
        {
            if (_table.Uses[u].Operand < 0)
            {
                AddSlotHint(_table.ParameterOf[~_table.Uses[u].Operand], _table.FrequencyOf(_table.Uses[u].Block));
            }
        }
    }

    private void AddSlotHint(VReg v, int weight)
    {
        var slot = _table.States[v].Slot;
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

    // Whether the segments of two values meet, as far as a bounded walk can tell that they do not.
    private bool AreLiveTogether(VReg a, VReg b)
    {
        int p = _table.States[a].FirstRange, q = _table.States[b].FirstRange;
        int x = _table.Ranges[p].FirstSegment, y = _table.Ranges[q].FirstSegment;
        for (var k = 0; k < SlotSegments; k++)
        {
            while (x < 0)
            {
                p = _table.Ranges[p].NextRange;
                if (p < 0)
                {
                    return false;
                }

                x = _table.Ranges[p].FirstSegment;
            }

            while (y < 0)
            {
                q = _table.Ranges[q].NextRange;
                if (q < 0)
                {
                    return false;
                }

                y = _table.Ranges[q].FirstSegment;
            }

            if (_table.Segments[x].To <= _table.Segments[y].From)
            {
                x = _table.Segments[x].Next;
            }
            else if (_table.Segments[y].To <= _table.Segments[x].From)
            {
                y = _table.Segments[y].Next;
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
        public VReg VirtualRegister;
        public int Next;

        public readonly int CompareTo(SlotLife other) => Start != other.Start ? Start.CompareTo(other.Start) : VirtualRegister.Index.CompareTo(other.VirtualRegister.Index);
    }

    // Slots of one size: where the last life in each ends, and the last life that was assigned it.
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

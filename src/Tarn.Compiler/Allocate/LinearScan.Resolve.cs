// Last phase of linear scan: slots, the location of each operand, and all moves. Moves are gathered for each gap in three groups, each of which
// is one parallel move: those of edges that enter the block, those of the gap itself, those of the edge that leaves the block.
// A parallel move reads everything before it writes anything; ParallelMove.cs puts it in sequence.
//
// A spilled value is stored once, in the gap after its definition, so its slot is valid wherever it is live; moves to a slot exist only there
// and on edges into spilled parameters.
using Tarn.Compiler.IR;
using Tarn.Compiler.Lower;

namespace Tarn.Compiler.Allocate;

/// <content>Resolution.</content>
internal sealed partial class LinearScan
{
    private const int EnteringEdge = 0;
    private const int OwnGap = 1;
    private const int LeavingEdge = 2;

    private readonly ParallelMove _parallel = new();
    private GrowableArray<GapMove> _gapMoves = new(1024);
    private GrowableArray<int> _gapHead = new(1024);
    private GrowableArray<SlotLife> _slotLives = new(64);
    private GrowableArray<int> _slotEnds = new(64);
    private GrowableArray<int> _wideEnds = new(16);

    private void Resolve()
    {
        var function = _function;
        _allocation.Locations.Fill(function.Operands.Count, Location.None);
        _argumentLocations.Fill(function.Arguments.Count, Location.None);
        _gapMoves.Clear();
        _gapHead.Fill(function.Instructions.Count, -1);
        AssignSlots();
        for (var v = 0; v < _states.Count; v++)
        {
            if (_states[v].Definition >= 0)
            {
                ResolveVirtualRegister(v);
            }
        }

        ResolveTiedAndFixed();
        ResolveParameters();
        EmitMoves();
    }

    // Slots are shared by values whose lives, taken from first to last position, do not overlap. Vectors have pairs of their own after all
    // the other slots: no slot ever overlaps half of another one, which a parallel move could not put in sequence.
    private void AssignSlots()
    {
        _slotLives.Clear();
        _slotEnds.Clear();
        _wideEnds.Clear();
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

            _slotLives.Add(new SlotLife { Start = _pieces[state.FirstPiece].Start, End = _pieces[last].End, VirtualRegister = v });
        }

        if (_slotLives.Count == 0)
        {
            return;
        }

        _slotLives.Span.Sort();
        foreach (ref var life in _slotLives.Span)
        {
            _states[life.VirtualRegister].Slot = IsWide(life.VirtualRegister) ? TakeSlot(ref _wideEnds, life) : TakeSlot(ref _slotEnds, life);
        }

        if (_wideEnds.Count > 0)
        {
            foreach (ref var life in _slotLives.Span)
            {
                if (IsWide(life.VirtualRegister))
                {
                    ref var slot = ref _states[life.VirtualRegister].Slot;
                    slot = _slotEnds.Count + 2 * slot;
                }
            }
        }

        _allocation.SlotCount = _slotEnds.Count + 2 * _wideEnds.Count;
    }

    private bool IsWide(int v) => _function.Types[v] == MachineType.V128;

    private static int TakeSlot(ref GrowableArray<int> ends, in SlotLife life)
    {
        var slot = 0;
        var limit = Math.Min(ends.Count, SlotSearch);
        while (slot < limit && ends[slot] > life.Start)
        {
            slot++;
        }

        if (slot == limit)
        {
            slot = ends.AddDefault(1);
        }

        ends[slot] = life.End;
        return slot;
    }

    // Bounds the search, so that slots cost linear time however many there are.
    private const int SlotSearch = 256;

    private Location LocationOf(int piece)
    {
        ref var p = ref _pieces[piece];
        return p.Location.IsSlot ? Location.Slot(_states[p.VirtualRegister].Slot) : p.Location;
    }

    private void AddMove(int instruction, int group, Location from, Location to, int v)
    {
        if (from != to && !to.IsRematerialised)
        {
            _gapHead[instruction] = _gapMoves.Add(new GapMove { From = from, To = to, VirtualRegister = v, Group = group, Next = _gapHead[instruction] });
        }
    }

    private void ResolveVirtualRegister(int v)
    {
        ref var state = ref _states[v];
        ref var definition = ref _function.Operands[state.DefinitionOperand];
        var first = state.FirstPiece;
        var gap = state.Definition + 1;
        var start = Location.None;
        if (definition.Kind == OperandKind.DefFixed)
        {
            start = Location.Register(definition.Register);
            _allocation.Locations[state.DefinitionOperand] = start;
            _used |= 1UL << definition.Register;
            if (first >= 0)
            {
                AddMove(gap, OwnGap, start, LocationOf(first), v);
            }
        }
        else if (first >= 0)
        {
            start = LocationOf(first);
            _allocation.Locations[state.DefinitionOperand] = start.IsRematerialised ? Location.None : start;
        }

        if (first < 0)
        {
            // Only fixed definitions read in the next gap have uses here.
            for (var u = state.FirstUse; u >= 0; u = _uses[u].Next)
            {
                ResolveUse(_uses[u].Operand, start, v);
            }

            return;
        }

        if (state.IsSpilled && start.IsRegister && !(definition.Kind == OperandKind.DefFixed && LocationOf(first).IsSlot))
        {
            AddMove(gap, OwnGap, start, Location.Slot(state.Slot), v);
        }

        // Uses and pieces in step.
        var piece = first;
        for (var u = state.FirstUse; u >= 0; u = _uses[u].Next)
        {
            ref var use = ref _uses[u];
            while (use.Position >= _pieces[piece].End && _pieces[piece].NextPiece >= 0)
            {
                piece = _pieces[piece].NextPiece;
            }

            ResolveUse(use.Operand, use.Position < _pieces[piece].Start ? start : LocationOf(piece), v);
        }

        if (_pieces[first].NextPiece >= 0)
        {
            ResolveSplits(v, first);
        }
    }

    private void ResolveUse(int operand, Location at, int v)
    {
        if (operand < 0)
        {
            // The place of an edge argument; moved in ResolveParameters.
            _argumentLocations[~operand] = at;
            return;
        }

        // Fixed and tied uses are given the place they are moved from, and the place they are moved to in ResolveTiedAndFixed.
        _allocation.Locations[operand] = at;
        _ = v;
    }

    private GrowableArray<Location> _argumentLocations = new(128);

    private void ResolveSplits(int v, int first)
    {
        for (var p = first; p >= 0; p = _pieces[p].NextPiece)
        {
            var here = LocationOf(p);
            ref var piece = ref _pieces[p];
            if (p != first)
            {
                // A split within a block, where the value is live on both sides.
                var instruction = piece.Start >> 1;
                if (piece.Start != 2 * _function.Blocks[_blockOf[instruction]].First && here.IsRegister)
                {
                    var from = LocationBefore(v, first, p, piece.Start - 1);
                    AddMove(instruction, OwnGap, from, here, v);
                }
            }

            if (!here.IsSlot && !here.IsRematerialised)
            {
                ResolveEdges(v, first, p, here);
            }
        }
    }

    // Location at a position that is before the end of piece p; mostly just before its start.
    private Location LocationBefore(int v, int first, int p, int position)
    {
        _ = v;
        var found = -1;
        var q = position >= _pieces[p].Start ? p : first;
        for (; q >= 0 && _pieces[q].Start <= position; q = _pieces[q].NextPiece)
        {
            found = q;
        }

        return LocationOf(found);
    }

    // Moves into this piece on edges from where the value is elsewhere.
    private void ResolveEdges(int v, int first, int p, Location here)
    {
        var function = _function;
        var definitionBlock = _blockOf[_states[v].Definition];
        for (var r = _pieces[p].FirstRange; r >= 0; r = _ranges[r].Next)
        {
            var from = _ranges[r].From;
            var to = Math.Min(_ranges[r].To, _pieces[p].End);
            for (var b = _blockOf[from >> 1]; b < function.Blocks.Count; b++)
            {
                ref var block = ref function.Blocks[b];
                var position = 2 * block.First;
                if (position >= to)
                {
                    break;
                }

                if (position < from || b == definitionBlock)
                {
                    continue;
                }

                for (var k = 0; k < block.PredecessorCount; k++)
                {
                    var e = function.Predecessors[block.PredecessorStart + k];
                    var source = function.Edges[e].From;
                    var there = LocationBefore(v, first, p, 2 * function.Blocks[source].End - 1);
                    AddEdgeMove(source, b, there, here, v);
                }
            }
        }
    }

    private void AddEdgeMove(int source, int target, Location from, Location to, int v)
    {
        ref var s = ref _function.Blocks[source];
        if (s.SuccessorCount == 1)
        {
            AddMove(s.End - 1, LeavingEdge, from, to, v);
        }
        else
        {
            AddMove(_function.Blocks[target].First + 1, EnteringEdge, from, to, v);
        }
    }

    private void ResolveTiedAndFixed()
    {
        var function = _function;
        for (var i = 0; i < function.Instructions.Count; i++)
        {
            ref var instruction = ref function.Instructions[i];
            if (instruction.OperandCount == 0)
            {
                continue;
            }

            var operands = function.OperandsOf(instruction);
            var locations = _allocation.Locations.Span.Slice(instruction.OperandStart, operands.Length);
            var tied = -1;
            for (var k = 0; k < operands.Length; k++)
            {
                ref var operand = ref operands[k];
                switch (operand.Kind)
                {
                    case OperandKind.UseFixed:
                        var target = Location.Register(operand.Register);
                        AddMove(i, OwnGap, locations[k], target, operand.VirtualRegister);
                        _used |= 1UL << operand.Register;
                        locations[k] = target;
                        break;
                    case OperandKind.DefTied:
                        tied = k;
                        break;
                    case OperandKind.UseTied:
                        AddMove(i, OwnGap, locations[k], locations[tied], operand.VirtualRegister);
                        locations[k] = locations[tied];
                        break;
                    default:
                        break;
                }
            }
        }
    }

    private void ResolveParameters()
    {
        var function = _function;
        for (var e = 0; e < function.Edges.Count; e++)
        {
            ref var edge = ref function.Edges[e];
            ref var label = ref function.Instructions[function.Blocks[edge.To].First];
            for (var k = 0; k < edge.ArgumentCount; k++)
            {
                var to = _allocation.Locations[label.OperandStart + k];
                if (!to.IsNone)
                {
                    AddEdgeMove(edge.From, edge.To, _argumentLocations[edge.ArgumentStart + k], to, function.Arguments[edge.ArgumentStart + k]);
                }
            }
        }
    }

    private void EmitMoves()
    {
        for (var i = 0; i < _gapHead.Count; i++)
        {
            if (_gapHead[i] < 0)
            {
                continue;
            }

            for (var group = EnteringEdge; group <= LeavingEdge; group++)
            {
                for (var m = _gapHead[i]; m >= 0; m = _gapMoves[m].Next)
                {
                    ref var move = ref _gapMoves[m];
                    if (move.Group == group)
                    {
                        _parallel.Add(move.From, move.To, move.VirtualRegister);
                    }
                }

                _parallel.Resolve(i, _file.Scratch, ref _allocation.Moves);
            }
        }
    }

    private struct GapMove
    {
        public Location From;
        public Location To;
        public int VirtualRegister;
        public int Group;
        public int Next;
    }

    private struct SlotLife : IComparable<SlotLife>
    {
        public int Start;
        public int End;
        public int VirtualRegister;

        public readonly int CompareTo(SlotLife other) => Start != other.Start ? Start.CompareTo(other.Start) : VirtualRegister.CompareTo(other.VirtualRegister);
    }
}

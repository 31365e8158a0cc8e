// Last phase of linear scan: slots, the location of each operand, and all moves. Moves are gathered for each gap in three groups, each of which
// is one parallel move: those of edges that enter the block, those of the gap itself, those of the edge that leaves the block.
// A parallel move reads everything before it writes anything; ParallelMove.cs puts it in sequence.
//
// A spilled value is stored either once, in the gap after its definition, so that its slot is valid wherever it is live, or wherever it goes
// from a register to its slot, if that runs less often: a value of a hot path that is spilled on a cold one.
using Tarn.Assembler;
using Tarn.Compiler.Machine;

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
                if (_steps > StepsAtOnce)
                {
                    CountSteps();
                }
            }
        }

        ResolveTiedAndFixed();
        ResolveParameters();
        EmitMoves();
    }

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

        GatherPieces(v);
        if (_order.Count > 1)
        {
            Retreat(v);
        }

        var late = false;
        if (state.IsSpilled && start.IsRegister && !(definition.Kind == OperandKind.DefFixed && LocationOf(first).IsSlot))
        {
            late = IsBetterStoredLate(v);
            if (!late)
            {
                AddMove(gap, OwnGap, start, Location.Slot(state.Slot), v);
            }
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
            ResolveSplits(v, late);
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

    private void ResolveSplits(int v, bool late)
    {
        for (var k = 0; k < _order.Count; k++)
        {
            var p = _order[k];
            var here = LocationOf(p);
            ref var piece = ref _pieces[p];
            if (here.IsRematerialised || (here.IsSlot && !late))
            {
                continue;
            }

            // A split within a block, where the value is live on both sides. A piece that starts in the middle of an instruction is in
            // memory; the register it comes from is good until then.
            var instruction = piece.Start >> 1;
            if (k > 0 && piece.Start != 2 * _function.Blocks[_blockOf[instruction]].First)
            {
                var from = LocationBefore(2 * instruction - 1);
                if (!here.IsSlot || from.IsRegister)
                {
                    AddMove(instruction, OwnGap, from, here, v);
                }
            }

            ResolveEdges(v, p, here);
        }
    }

    private GrowableArray<int> _order = new(64);

    // Location at a position at which the value is live.
    private Location LocationBefore(int position)
    {
        int low = 0, high = _order.Count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) >> 1;
            if (_pieces[_order[middle]].Start <= position)
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

    // Whether stores on the ways from registers to the slot run less often than one at the definition. Looks at a bounded number of edges.
    private bool IsBetterStoredLate(int v)
    {
        var limit = FrequencyOf(_blockOf[_states[v].Definition]);
        var cost = 0;
        var edges = 0;
        for (var k = 1; k < _order.Count; k++)
        {
            var p = _order[k];
            ref var piece = ref _pieces[p];
            if (!piece.Location.IsSlot)
            {
                continue;
            }

            var instruction = piece.Start >> 1;
            if (piece.Start != 2 * _function.Blocks[_blockOf[instruction]].First && LocationBefore(2 * instruction - 1).IsRegister)
            {
                cost += FrequencyOf(_blockOf[instruction]);
            }

            for (var walk = new EdgeWalk(this, v, p); cost < limit && walk.Next();)
            {
                if (++edges > LateEdges)
                {
                    return false;
                }

                if (LocationBefore(walk.Exit).IsRegister)
                {
                    cost += EdgeFrequency(walk.Source, walk.Target);
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

    // Moves into this piece on edges from where the value is elsewhere.
    private void ResolveEdges(int v, int p, Location here)
    {
        for (var walk = new EdgeWalk(this, v, p); walk.Next();)
        {
            AddEdgeMove(walk.Source, walk.Target, LocationBefore(walk.Exit), here, v);
        }
    }

    // The edges into blocks at whose start a piece is live.
    private struct EdgeWalk
    {
        private readonly LinearScan _scan;
        private readonly int _definitionBlock;
        private readonly int _end;
        private int _range;
        private int _predecessor;

        public EdgeWalk(LinearScan scan, int v, int piece)
        {
            _scan = scan;
            _definitionBlock = scan._blockOf[scan._states[v].Definition];
            _end = scan._pieces[piece].End;
            _range = scan._pieces[piece].FirstRange;
            Target = (_range >= 0 ? scan._blockOf[scan._ranges[_range].From >> 1] : 0) - 1;
            _predecessor = -1;
        }

        public int Source { get; private set; }

        public int Target { get; private set; }

        /// <summary>The position that the edge leaves from: the source's end, or where its call returns to if the edge is the one to a handler.</summary>
        public int Exit { get; private set; }

        public bool Next()
        {
            var function = _scan._function;
            while (_range >= 0)
            {
                _scan._steps++;
                if (_predecessor > 0)
                {
                    ref var target = ref function.Blocks[Target];
                    var edge = function.Predecessors[target.PredecessorStart + --_predecessor];
                    Source = function.Edges[edge].From;
                    ref var source = ref function.Blocks[Source];
                    var call = _scan._throwingCalls[Source];
                    Exit = call >= 0 && edge != source.SuccessorStart ? (2 * call) + 1 : (2 * source.End) - 1;
                    return true;
                }

                ref var range = ref _scan._ranges[_range];
                var to = Math.Min(range.To, _end);
                Target++;
                while (Target < function.Blocks.Count && 2 * function.Blocks[Target].First < range.From)
                {
                    Target++;
                }

                if (Target >= function.Blocks.Count || 2 * function.Blocks[Target].First >= to)
                {
                    _range = range.Next;
                    if (_range >= 0)
                    {
                        Target = _scan._blockOf[_scan._ranges[_range].From >> 1] - 1;
                    }
                }
                else if (Target != _definitionBlock)
                {
                    _predecessor = function.Blocks[Target].PredecessorCount;
                }
            }

            return false;
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
}

// Last phase of linear scan: the location of each operand, and all moves. Moves are gathered for each gap in three groups, each of which
// is one parallel move: those of edges that enter the block, those of the gap itself, those of the edge that leaves the block.
// A parallel move reads everything before it writes anything; ParallelMove.cs puts it in sequence.
//
// A spilled value is stored either once, in the gap after its definition, so that its slot is valid wherever it is live, or wherever it goes
// from a register to its slot, if that runs less often: a value of a hot path that is spilled on a cold one.
using Tarn.Assembler;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>Resolves locations and moves. Reused.</summary>
internal sealed class MoveResolver
{
    private readonly LiveRangeTable _table;
    private readonly RegisterFile _file;
    private readonly SpillSlots _slots;
    private readonly RangeSequence _sequence;
    private readonly LoopHeaderSpilling _loops;
    private readonly SafepointMaps _safepoints;
    private Allocation _allocation = null!;
    private const int EnteringEdge = 0;
    private const int OwnGap = 1;
    private const int LeavingEdge = 2;
    private readonly ParallelMove _parallel = new();
    private GrowableArray<GapMove> _gapMoves = new(1024);
    private GrowableArray<int> _gapHead = new(1024);

    /// <summary>Initializes a resolver over a table.</summary>
    public MoveResolver(LiveRangeTable table, RegisterFile file, LiveRangeSplitter splitter)
    {
        _table = table;
        _file = file;
        _slots = new SpillSlots(table);
        _sequence = new RangeSequence(table);
        _loops = new LoopHeaderSpilling(table, splitter, _sequence);
        _safepoints = new SafepointMaps(table);
    }

    /// <summary>Finishes an allocation: slots, the location of each operand, and all moves.</summary>
    public void Resolve(Allocation allocation)
    {
        _allocation = allocation;
        var function = _table.Function;
        _allocation.Locations.Fill(function.Operands.Count, Location.None);
        _argumentLocations.Fill(function.Arguments.Count, Location.None);
        _gapMoves.Clear();
        _gapHead.Fill(function.Instructions.Count, -1);
        _allocation.SlotCount = _slots.Assign();
        for (var v = new VReg(0); v < _table.States.Count; v++)
        {
            if (_table.States[v].Definition >= 0)
            {
                ResolveVirtualRegister(v);
                if (_table.Steps > LiveRangeTable.StepsAtOnce)
                {
                    _table.CountSteps();
                }
            }
        }

        ResolveTiedAndFixed();
        ResolveParameters();
        EmitMoves();
        if (function.HasManagedReferences)
        {
            _safepoints.Write(allocation);
        }
    }

    private void AddMove(int instruction, int group, Location from, Location to, VReg v)
    {
        if (from != to && !to.IsRematerialised)
        {
            _gapHead[instruction] = _gapMoves.Add(new GapMove { From = from, To = to, VirtualRegister = v, Group = group, Next = _gapHead[instruction] });
        }
    }

    private void ResolveVirtualRegister(VReg v)
    {
        ref var state = ref _table.States[v];
        ref var definition = ref _table.Function.Operands[state.DefinitionOperand];
        var first = state.FirstRange;
        var gap = state.Definition + 1;
        var start = Location.None;
        if (definition.Kind == OperandKind.DefFixed)
        {
            start = Location.Register(definition.Register);
            _allocation.Locations[state.DefinitionOperand] = start;
            _allocation.UsedRegisters |= 1UL << definition.Register;
            if (first >= 0)
            {
                AddMove(gap, OwnGap, start, _sequence.LocationOf(first), v);
            }
        }
        else if (first >= 0)
        {
            start = _sequence.LocationOf(first);
            _allocation.Locations[state.DefinitionOperand] = start.IsRematerialised ? Location.None : start;
        }

        if (first < 0)
        {
            // Only fixed definitions read in the next gap have uses here.
            for (var u = state.FirstUse; u >= 0; u = _table.Uses[u].Next)
            {
                ResolveUse(_table.Uses[u].Operand, start, v);
            }

            return;
        }

        _sequence.Gather(v);
        if (_sequence.Count > 1)
        {
            _loops.Run(v);
        }

        var late = false;
        if (state.IsSpilled && start.IsRegister && !(definition.Kind == OperandKind.DefFixed && _sequence.LocationOf(first).IsSlot))
        {
            late = _sequence.IsBetterStoredLate(v);
            state.IsStoredLate = late;
            if (!late)
            {
                AddMove(gap, OwnGap, start, Location.Slot(state.Slot), v);
            }
        }

        // Uses and live ranges in step.
        var range = first;
        for (var u = state.FirstUse; u >= 0; u = _table.Uses[u].Next)
        {
            ref var use = ref _table.Uses[u];
            while (use.Position >= _table.Ranges[range].End && _table.Ranges[range].NextRange >= 0)
            {
                range = _table.Ranges[range].NextRange;
            }

            ResolveUse(use.Operand, use.Position < _table.Ranges[range].Start ? start : _sequence.LocationOf(range), v);
        }

        if (_table.Ranges[first].NextRange >= 0)
        {
            ResolveSplits(v, late);
        }
    }

    private void ResolveUse(int operand, Location at, VReg v)
    {
        if (operand < 0)
        {
            // The place of an edge argument; moved in ResolveParameters.
            _argumentLocations[~operand] = at;
            return;
        }

        // Fixed and tied uses have the location they are moved from here, and are assigned the one they are moved to in ResolveTiedAndFixed.
        _allocation.Locations[operand] = at;
        _ = v;
    }

    private GrowableArray<Location> _argumentLocations = new(128);

    private void ResolveSplits(VReg v, bool late)
    {
        for (var k = 0; k < _sequence.Count; k++)
        {
            var p = _sequence[k];
            var here = _sequence.LocationOf(p);
            ref var range = ref _table.Ranges[p];
            if (here.IsRematerialised || (here.IsSlot && !late))
            {
                continue;
            }

            // A split within a block, where the value is live on both sides. A live range that starts in the middle of an instruction is in
            // memory; the register it comes from is good until then.
            var instruction = range.Start >> 1;
            if (k > 0 && range.Start != 2 * _table.Function.Blocks[_table.BlockOf[instruction]].First)
            {
                var from = _sequence.LocationBefore(2 * instruction - 1);
                if (!here.IsSlot || from.IsRegister)
                {
                    AddMove(instruction, OwnGap, from, here, v);
                }
            }

            ResolveEdges(v, p, here);
        }
    }

    // Moves into this live range on edges from where the value is elsewhere.
    private void ResolveEdges(VReg v, int p, Location here)
    {
        for (var walk = new EdgeWalk(_table, v, p); walk.Next();)
        {
            AddEdgeMove(walk.Source, walk.Target, _sequence.LocationBefore(walk.Exit), here, v);
        }
    }

    private void AddEdgeMove(int source, int target, Location from, Location to, VReg v)
    {
        ref var s = ref _table.Function.Blocks[source];
        if (s.SuccessorCount == 1)
        {
            AddMove(s.End - 1, LeavingEdge, from, to, v);
        }
        else
        {
            AddMove(_table.Function.Blocks[target].First + 1, EnteringEdge, from, to, v);
        }
    }

    private void ResolveTiedAndFixed()
    {
        var function = _table.Function;
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
                        _allocation.UsedRegisters |= 1UL << operand.Register;
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
        var function = _table.Function;
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
        public VReg VirtualRegister;
        public int Group;
        public int Next;
    }
}

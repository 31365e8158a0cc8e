// First phase of linear scan: one backward sweep finds liveness, segments, uses, fixed segments and hints. Segments and uses are prepended,
// so that lists come out in order. Relies on: blocks ordered by dominance, loops contiguous. A value that is live into a loop header is
// live in the whole loop, which is why no fixed point is needed (Wimmer and Franz, 2010, figure 4).
using System.Runtime.CompilerServices;
using Tarn.Assembler;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>Builds live ranges. Reused.</summary>
internal sealed class LiveRangeBuilder(LiveRangeTable table, RegisterFile file)
{
    private readonly LiveRangeTable _table = table;
    private readonly RegisterFile _file = file;

    private const int SegmentsAtLeast = 1 << 20;
    private const int SegmentsForInstruction = 8;
    private int _mostSegments;
    private GrowableArray<VReg> _live = new(256);
    private GrowableArray<int> _liveIndex = new(1024);
    private GrowableArray<VReg> _liveIn = new(1024);
    private GrowableArray<int> _liveInStart = new(128);
    private GrowableArray<int> _liveInCount = new(128);

    /// <summary>Builds the segments and uses of a function.</summary>
    public void Build()
    {
        var function = _table.Function;
        var blockCount = function.Blocks.Count;
        _mostSegments = SegmentsAtLeast + (SegmentsForInstruction * function.Instructions.Count);
        _table.Segments.Clear();
        _table.Uses.Clear();
        _table.Calls.Clear();
        _liveIn.Clear();
        _liveInStart.Fill(blockCount + 1, 0);
        _liveInCount.Fill(blockCount, 0);
        _table.BlockOf.Fill(function.Instructions.Count, 0);
        _table.ThrowingCalls.Fill(blockCount, -1);
        _table.ParameterOf.Fill(function.Arguments.Count, VReg.None);
        _table.States.Clear();
        _table.States.AddDefault(function.Types.Count);
        _liveIndex.Fill(function.Types.Count, -1);
        _table.FixedHead.AsSpan().Fill(-1);
        for (var v = new VReg(0); v < function.Types.Count; v++)
        {
            ref var state = ref _table.States[v];
            state.FirstSegment = -1;
            state.FirstUse = -1;
            state.FirstRange = -1;
            state.Definition = -1;
            state.DefinitionOperand = -1;
            state.Group = v;
            state.GroupRegister = -1;
            state.FixedHint = -1;
            state.LastRegister = -1;
            state.Slot = -1;
        }

        for (var b = blockCount - 1; b >= 0; b--)
        {
            BuildBlock(b);
        }

        _table.Calls.Span.Reverse();
    }

    private void BuildBlock(int b)
    {
        var function = _table.Function;
        ref var block = ref function.Blocks[b];
        var first = block.First;
        var end = block.End;
        _live.Clear();
        for (var s = 0; s < block.SuccessorCount; s++)
        {
            ref var edge = ref function.Edges[block.SuccessorStart + s];
            var start = _liveInStart[edge.To];
            for (int k = start, stop = start + _liveInCount[edge.To]; k < stop; k++)
            {
                var v = _liveIn[k];
                if (_liveIndex[v] < 0)
                {
                    _liveIndex[v] = _live.Add(v);
                    AddSegment(v, 2 * first, 2 * end);
                }
            }
        }

        // The edge to a handler leaves where the call returns to.
        var call = function.ThrowingCall(block);
        _table.ThrowingCalls[b] = call;
        for (var s = 0; s < block.SuccessorCount; s++)
        {
            ref var edge = ref function.Edges[block.SuccessorStart + s];
            ref var label = ref function.Instructions[function.Blocks[edge.To].First];
            var position = s == 1 && call >= 0 ? (2 * call) + 1 : (2 * end) - 1;
            for (var k = 0; k < edge.ArgumentCount; k++)
            {
                var v = function.Arguments[edge.ArgumentStart + k];
                AddUse(v, position, ~(edge.ArgumentStart + k), UseConstraint.Gap, b);
                if (_liveIndex[v] < 0)
                {
                    _liveIndex[v] = _live.Add(v);
                    AddSegment(v, 2 * first, 2 * end);
                }

                var parameter = function.Operands[label.OperandStart + k].VirtualRegister;
                _table.ParameterOf[edge.ArgumentStart + k] = parameter;
                Join(v, parameter);
            }
        }

        for (var i = end - 1; i >= first; i--)
        {
            _table.BlockOf[i] = b;
            ref var instruction = ref function.Instructions[i];
            var operands = function.OperandsOf(instruction);
            var operandStart = instruction.OperandStart;

            for (var k = 0; k < operands.Length; k++)
            {
                if (operands[k].IsDefinition)
                {
                    BuildDefinition(i, i == first && b != 0, operands[k], operandStart + k, instruction.Flags);
                }
            }

            if ((instruction.Flags & MachineFlags.Call) != 0)
            {
                _table.Calls.Add(i);
            }

            if (instruction.Clobbers != 0)
            {
                for (var set = _file.ClobberSets[instruction.Clobbers]; set != 0; set &= set - 1)
                {
                    AddFixed(System.Numerics.BitOperations.TrailingZeroCount(set), 2 * i, 2 * i + 2);
                }
            }

            for (var k = operands.Length - 1; k >= 0; k--)
            {
                if (!operands[k].IsDefinition)
                {
                    BuildUse(i, b, first, operands, k, operandStart + k);
                }
            }
        }

        var count = _live.Count;
        if (block.PredecessorCount != 0)
        {
            function.Budget.Charge((long)ComplexityLimits.LiveValue * count, "many values alive at the beginnings of blocks");
            _liveInStart[b] = _liveIn.AddRange(_live.Span);
            _liveInCount[b] = count;
        }

        var loopEnd = block.IsLoopHeader ? 2 * function.Blocks[function.Loops[block.Loop].End - 1].End : 0;
        for (var k = 0; k < count; k++)
        {
            var v = _live[k];
            _liveIndex[v] = -1;
            if (loopEnd != 0)
            {
                AddSegment(v, 2 * first, loopEnd);
            }
        }
    }

    private void BuildDefinition(int i, bool isParameter, in MachineOperand operand, int index, MachineFlags flags)
    {
        var v = operand.VirtualRegister;
        ref var state = ref _table.States[v];
        state.Definition = i;
        state.DefinitionOperand = index;
        state.IsRematerialisable = (flags & MachineFlags.Rematerialisable) != 0;
        state.IsMemoryResident = (flags & MachineFlags.MemoryResident) != 0;
        int from;
        switch (operand.Kind)
        {
            case OperandKind.Def:
                from = isParameter ? 2 * i : 2 * i + 1;
                break;
            case OperandKind.DefFixed:
                from = 2 * i + 2;
                AddFixed(operand.Register, 2 * i + 1, from);
                if (state.FixedHint < 0)
                {
                    state.FixedHint = (sbyte)operand.Register;
                }

                break;
            default:
                from = 2 * i;
                break;
        }

        var position = _liveIndex[v];
        if (position >= 0)
        {
            _liveIndex[v] = -1;
            var last = _live.Pop();
            if (last != v)
            {
                _live[position] = last;
                _liveIndex[last] = position;
            }

            ref var segment = ref _table.Segments[state.FirstSegment];
            segment.From = from;
            if (segment.To <= from)
            {
                // A fixed definition that is read in the very next gap and never again.
                state.FirstSegment = segment.Next;
            }
        }
        else if (operand.Kind != OperandKind.DefFixed && !isParameter && !state.IsRematerialisable)
        {
            // Never read: still written, so its register must be free.
            AddSegment(v, from, 2 * i + 2);
        }
    }

    private void BuildUse(int i, int b, int first, Span<MachineOperand> operands, int k, int index)
    {
        ref var operand = ref operands[k];
        var v = operand.VirtualRegister;
        int to;
        switch (operand.Kind)
        {
            case OperandKind.Use:
                AddUse(v, 2 * i, index, UseConstraint.Register, b);
                to = 2 * i + 1;
                break;
            case OperandKind.UseAny:
                AddUse(v, 2 * i, index, UseConstraint.Any, b);
                to = 2 * i + 1;
                break;
            case OperandKind.UseLate:
                AddUse(v, 2 * i + 1, index, UseConstraint.Register, b);
                to = 2 * i + 2;
                break;
            case OperandKind.UseFixed:
                AddUse(v, 2 * i - 1, index, UseConstraint.Gap, b);
                AddFixed(operand.Register, 2 * i, 2 * i + 1);
                if (_table.States[v].FixedHint < 0)
                {
                    _table.States[v].FixedHint = (sbyte)operand.Register;
                }

                to = 2 * i;
                break;
            default:
                AddUse(v, 2 * i - 1, index, UseConstraint.Gap, b);
                to = 2 * i;
                foreach (ref var other in operands)
                {
                    if (other.Kind == OperandKind.DefTied && _table.States[v].FixedHint < 0)
                    {
                        _table.States[v].FixedHint = _table.States[other.VirtualRegister].FixedHint;
                    }
                }

                break;
        }

        if (_liveIndex[v] < 0)
        {
            _liveIndex[v] = _live.Add(v);
            AddSegment(v, 2 * first, to);
        }
        else
        {
            // Live after: the first segment reaches at least to here, unless two operands of this instruction read it.
            ref var segment = ref _table.Segments[_table.States[v].FirstSegment];
            if (segment.To < to)
            {
                segment.To = to;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AddUse(VReg v, int position, int operand, UseConstraint constraint, int block)
    {
        ref var state = ref _table.States[v];
        state.FirstUse = _table.Uses.Add(new UsePosition { Position = position, Next = state.FirstUse, Operand = operand, Block = block, Constraint = constraint });

        // Operands of one instruction come in any order: keep the list sorted.
        ref var use = ref _table.Uses[state.FirstUse];
        if (use.Next >= 0 && _table.Uses[use.Next].Position < position)
        {
            SortFirstUse(ref state);
        }
    }

    private void SortFirstUse(ref VirtualRegisterState state)
    {
        var moved = state.FirstUse;
        var position = _table.Uses[moved].Position;
        state.FirstUse = _table.Uses[moved].Next;
        var before = state.FirstUse;
        while (_table.Uses[before].Next >= 0 && _table.Uses[_table.Uses[before].Next].Position < position)
        {
            before = _table.Uses[before].Next;
        }

        _table.Uses[moved].Next = _table.Uses[before].Next;
        _table.Uses[before].Next = moved;
    }

    private void AddSegment(VReg v, int from, int to)
    {
        ref var state = ref _table.States[v];
        var head = state.FirstSegment;
        if (head >= 0 && _table.Segments[head].From <= to)
        {
            // Merge with all segments that it touches.
            ref var first = ref _table.Segments[head];
            first.From = Math.Min(first.From, from);
            if (first.To < to)
            {
                first.To = to;
                while (first.Next >= 0 && _table.Segments[first.Next].From <= first.To)
                {
                    first.To = Math.Max(first.To, _table.Segments[first.Next].To);
                    first.Next = _table.Segments[first.Next].Next;
                }
            }

            return;
        }

        if (head >= 0 && _table.Segments.Count > _mostSegments && !_table.IsManaged(v))
        {
            // A function with too many holes: live in this one too costs nothing but registers.
            _table.Segments[head].From = from;
            return;
        }

        state.FirstSegment = _table.Segments.Add(new LiveSegment { From = from, To = to, Next = head });
    }

    private void AddFixed(int register, int from, int to)
    {
        var head = _table.FixedHead[register];
        if (head >= 0 && _table.Segments[head].From <= to)
        {
            ref var first = ref _table.Segments[head];
            first.From = Math.Min(first.From, from);
            first.To = Math.Max(first.To, to);
            return;
        }

        _table.FixedHead[register] = _table.Segments.Add(new LiveSegment { From = from, To = to, Next = head });
    }

    private void Join(VReg a, VReg b)
    {
        a = _table.GroupOf(a);
        b = _table.GroupOf(b);
        if (a != b)
        {
            _table.States[Math.Max(a, b)].Group = new VReg(Math.Min(a, b));
        }
    }
}

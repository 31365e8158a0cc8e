// Which register would save moves: each location from which a live range comes or to which it goes names its register, weighted by how often the
// move would run. Only locations whose register is known by now can do so; values that meet in block parameters form groups, and the first
// of a group to get a register names it for the others. Looks at a bounded number of uses and edges: constant time per live range.
using Tarn.Assembler;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <summary>Register hints. Reused.</summary>
internal sealed class RegisterHints(LiveRangeTable table, RegisterNeeds needs)
{
    private readonly LiveRangeTable _table = table;
    private readonly RegisterNeeds _needs = needs;

    /// <summary>Most uses of a live range that are looked at.</summary>
    public const int HintUses = 12;

    private readonly long[] _hintScore = new long[64];
    private ulong _hinted;

    /// <summary>Registers with a score for the live range of the last <see cref="Gather"/>.</summary>
    public ulong Hinted => _hinted;

    private void Hint(int register, long weight)
    {
        if (register >= 0)
        {
            var bit = 1UL << register;
            if ((_hinted & bit) == 0)
            {
                _hinted |= bit;
                _hintScore[register] = 0;
            }

            _hintScore[register] += weight;
        }
    }

    /// <summary>Returns how often a move would run that a register saves.</summary>
    public long ScoreOf(int register) => (_hinted >> register & 1) != 0 ? _hintScore[register] : 0;

    /// <summary>Finds the scores for a live range.</summary>
    public void Gather(int range)
    {
        _hinted = 0;
        ref var current = ref _table.Ranges[range];
        var v = current.VirtualRegister;
        ref var state = ref _table.States[v];
        if (current.IsChild)
        {
            HintFromElsewhere(range, v, ref state);
        }
        else
        {
            HintFromDefinition(v, ref state);
        }

        var end = current.End;
        var count = 0;
        for (var u = _needs.FirstUseFrom(range, current.Start); u >= 0 && _table.Uses[u].Position < end && count < HintUses; u = _table.Uses[u].Next, count++)
        {
            ref var use = ref _table.Uses[u];
            if (use.Constraint == UseConstraint.Gap)
            {
                HintFromUse(use);
            }
        }

        // Weak: what the group has, and what the far end of a long life requires.
        Hint(_table.States[_table.GroupOf(v)].GroupRegister, 1);
        Hint(state.FixedHint, 1);
    }

    // The rest of a value that has been split: where it is on the edges into the block, if it starts with one, and where the loop needs it for the next iteration.
    // A copy may also be where it was last.
    private void HintFromElsewhere(int range, VReg v, ref VirtualRegisterState state)
    {
        var start = _table.Ranges[range].Start;
        var b = _table.BlockOf[start >> 1];
        ref var block = ref _table.Function.Blocks[b];
        var frequency = _table.FrequencyOf(b);
        if (start == 2 * block.First && !block.IsLoopHeader)
        {
            for (var k = 0; k < Math.Min(block.PredecessorCount, LiveRangeTable.EdgesSearched); k++)
            {
                var from = _table.Function.Edges[_table.Function.Predecessors[block.PredecessorStart + k]].From;
                Hint(_table.RegisterAt(v, 2 * _table.Function.Blocks[from].End - 1), _table.EdgeFrequency(from, b));
            }

            frequency = 1;
        }

        Hint(state.LastRegister, frequency);
        if (block.Loop >= 0)
        {
            ref var loop = ref _table.Function.Loops[block.Loop];
            var header = _table.Function.Blocks[loop.Header].First;
            if (state.Definition < header && _table.Ranges[range].End >= 2 * _table.Function.Blocks[loop.End - 1].End)
            {
                Hint(_table.RegisterAt(v, 2 * header), _table.FrequencyOf(loop.Header) - (_table.FrequencyOf(loop.Header) >> 3));
            }
        }
    }

    /// <summary>
    /// Returns the position at which the choice of a live range's register is to be made again, or −1. A live range keeps its register into blocks
    /// that the block before does not branch to; one of those may be reached from blocks that have the value in another register.
    /// </summary>
    public int PositionToReconsider(int range)
    {
        var v = _table.Ranges[range].VirtualRegister;
        var register = _table.Ranges[range].Location.Value;
        var end = _table.Ranges[range].End;
        var b = _table.BlockOf[_table.Ranges[range].Start >> 1] + 1;
        for (var k = 0; k < ReconsideredBlocks && b < _nextBreak.Count; k++, b++)
        {
            b = _nextBreak[b];
            if (b >= _table.Function.Blocks.Count)
            {
                return -1;
            }

            ref var block = ref _table.Function.Blocks[b];
            var at = 2 * block.First;
            if (at >= end)
            {
                return -1;
            }

            if (block.IsLoopHeader || !_table.IsLiveAt(range, at))
            {
                continue;
            }

            int elsewhere = 0, here = 0;
            for (var p = 0; p < Math.Min(block.PredecessorCount, LiveRangeTable.EdgesSearched); p++)
            {
                var from = _table.Function.Edges[_table.Function.Predecessors[block.PredecessorStart + p]].From;
                var there = _table.RegisterAt(v, 2 * _table.Function.Blocks[from].End - 1);
                if (there == register)
                {
                    here += _table.EdgeFrequency(from, b);
                }
                else if (there >= 0)
                {
                    elsewhere += _table.EdgeFrequency(from, b);
                }
            }

            if (elsewhere > here)
            {
                return at;
            }
        }

        return -1;
    }

    private const int ReconsideredBlocks = 8;

    // For each block the first from it on that the block before does not branch to.
    private GrowableArray<int> _nextBreak = new(128);

    /// <summary>Prepares for a function whose live ranges have been built.</summary>
    public void Begin()
    {
        var count = _table.Function.Blocks.Count;
        _nextBreak.Fill(count, count);
        var next = count;
        for (var b = count - 1; b > 0; b--)
        {
            var follows = false;
            foreach (ref var edge in _table.Function.SuccessorsOf(_table.Function.Blocks[b - 1]))
            {
                follows |= edge.To == b;
            }

            next = follows ? next : b;
            _nextBreak[b] = next;
        }
    }

    private void HintFromDefinition(VReg v, ref VirtualRegisterState state)
    {
        ref var definition = ref _table.Function.Operands[state.DefinitionOperand];
        ref var instruction = ref _table.Function.Instructions[state.Definition];
        var block = _table.BlockOf[state.Definition];
        if (definition.Kind == OperandKind.DefFixed)
        {
            Hint(definition.Register, _table.FrequencyOf(block));
            return;
        }

        if (instruction.Opcode == 0)
        {
            HintFromEdges(block, state.DefinitionOperand - instruction.OperandStart);
            return;
        }

        // The tied input, or for a late definition the first register operand: three-operand forms have shorter two-operand ones.
        var tied = definition.Kind == OperandKind.DefTied;
        if (!tied && definition.Kind != OperandKind.Def)
        {
            return;
        }

        foreach (ref var operand in _table.Function.OperandsOf(instruction))
        {
            if (tied ? operand.Kind == OperandKind.UseTied : operand.Kind is OperandKind.Use or OperandKind.UseAny)
            {
                Hint(_table.States[operand.VirtualRegister].LastRegister, tied ? _table.FrequencyOf(block) : (_table.FrequencyOf(block) >> 3) + 1);
                return;
            }
        }
    }

    // A parameter: where its arguments are.
    private void HintFromEdges(int b, int k)
    {
        ref var block = ref _table.Function.Blocks[b];
        var count = Math.Min(block.PredecessorCount, LiveRangeTable.EdgesSearched);
        for (var p = 0; p < count; p++)
        {
            ref var edge = ref _table.Function.Edges[_table.Function.Predecessors[block.PredecessorStart + p]];
            if (k < edge.ArgumentCount && edge.From < b)
            {
                ref var argument = ref _table.States[_table.Function.Arguments[edge.ArgumentStart + k]];
                if (!argument.IsRematerialisable)
                {
                    Hint(argument.LastRegister, _table.EdgeFrequency(edge.From, b));
                }
            }
        }
    }

    private void HintFromUse(in UsePosition use)
    {
        var frequency = _table.FrequencyOf(use.Block);
        if (use.Operand < 0)
        {
            var parameter = _table.ParameterOf[~use.Operand];
            ref var target = ref _table.States[parameter];
            if (target.FirstRange >= 0)
            {
                ref var location = ref _table.Ranges[target.FirstRange].Location;
                Hint(location.IsRegister ? location.Value : -1, frequency);
            }
            else
            {
                Hint(_table.States[_table.GroupOf(parameter)].GroupRegister, frequency);
                Hint(target.FixedHint, frequency >> 1);
            }

            return;
        }

        ref var operand = ref _table.Function.Operands[use.Operand];
        if (operand.Kind == OperandKind.UseFixed)
        {
            Hint(operand.Register, frequency);
            return;
        }

        // Tied: the value made there may have a hint of its own.
        ref var instruction = ref _table.Function.Instructions[(use.Position + 1) >> 1];
        foreach (ref var other in _table.Function.OperandsOf(instruction))
        {
            if (other.Kind == OperandKind.DefTied)
            {
                Hint(_table.States[_table.GroupOf(other.VirtualRegister)].GroupRegister, frequency >> 1);
                Hint(_table.States[other.VirtualRegister].FixedHint, frequency >> 1);
                break;
            }
        }
    }
}

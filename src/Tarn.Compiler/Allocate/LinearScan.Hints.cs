// Which register would save moves: each place from which a piece comes or to which it goes names the register there, weighted by how often the
// move would run. Only places whose register is known by now can do so; values that meet in block parameters form groups, and the first
// of a group to get a register names it for the others. Walks a bounded number of uses and edges, so it costs constant time per piece.
using Tarn.Assembler;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Allocate;

/// <content>Hints.</content>
internal sealed partial class LinearScan
{
    private const int HintUses = 12;
    private const int HintEdges = 8;

    private readonly long[] _hintScore = new long[64];
    private ulong _hinted;

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

    private long HintScore(int register) => (_hinted >> register & 1) != 0 ? _hintScore[register] : 0;

    private void GatherHints(int piece)
    {
        _hinted = 0;
        ref var current = ref _pieces[piece];
        var v = current.VirtualRegister;
        ref var state = ref _states[v];
        if (current.IsChild)
        {
            HintFromElsewhere(piece, v, ref state);
        }
        else
        {
            HintFromDefinition(v, ref state);
        }

        var end = current.End;
        var count = 0;
        for (var u = FirstUseFrom(piece, current.Start); u >= 0 && _uses[u].Position < end && count < HintUses; u = _uses[u].Next, count++)
        {
            ref var use = ref _uses[u];
            if (use.Wish == UseWish.Gap)
            {
                HintFromUse(use);
            }
        }

        // Weak: what the group has, and what the far end of a long interval wants.
        Hint(_states[GroupOf(v)].GroupRegister, 1);
        Hint(state.FixedHint, 1);
    }

    // The rest of a value that has been split: where it is on the ways into the block, if it starts with one, and where the loop wants it for the next round.
    // A copy may also be where it was last.
    private void HintFromElsewhere(int piece, int v, ref VirtualRegisterState state)
    {
        var start = _pieces[piece].Start;
        var b = _blockOf[start >> 1];
        ref var block = ref _function.Blocks[b];
        var frequency = FrequencyOf(b);
        if (start == 2 * block.First && !block.IsLoopHeader)
        {
            for (var k = 0; k < Math.Min(block.PredecessorCount, HintEdges); k++)
            {
                var from = _function.Edges[_function.Predecessors[block.PredecessorStart + k]].From;
                Hint(RegisterAt(v, 2 * _function.Blocks[from].End - 1), EdgeFrequency(from, b));
            }

            frequency = 1;
        }

        Hint(state.LastRegister, frequency);
        if (block.Loop >= 0)
        {
            ref var loop = ref _function.Loops[block.Loop];
            var header = _function.Blocks[loop.Header].First;
            if (state.Definition < header && _pieces[piece].End >= 2 * _function.Blocks[loop.End - 1].End)
            {
                Hint(RegisterAt(v, 2 * header), FrequencyOf(loop.Header) - (FrequencyOf(loop.Header) >> 3));
            }
        }
    }

    // The register that a value is in at a position that the walk has passed, or −1.
    private int RegisterAt(int v, int position)
    {
        var p = _states[v].FirstPiece;
        for (var k = 0; p >= 0 && k < MeetingBlocks; k++, p = _pieces[p].NextPiece)
        {
            if (position < _pieces[p].End)
            {
                return position >= _pieces[p].Start && _pieces[p].Location.IsRegister ? _pieces[p].Location.Value : -1;
            }
        }

        return -1;
    }

    // A piece goes on in its register into blocks that do not follow on what came before them. Where one is reached from blocks that have the value
    // in another register, the choice is made again there.
    private void Reconsider(int piece)
    {
        var v = _pieces[piece].VirtualRegister;
        var register = _pieces[piece].Location.Value;
        var end = _pieces[piece].End;
        var b = _blockOf[_pieces[piece].Start >> 1] + 1;
        for (var k = 0; k < ReconsideredBlocks && b < _nextBreak.Count; k++, b++)
        {
            b = _nextBreak[b];
            if (b >= _function.Blocks.Count)
            {
                return;
            }

            ref var block = ref _function.Blocks[b];
            var at = 2 * block.First;
            if (at >= end)
            {
                return;
            }

            if (block.IsLoopHeader || !IsLiveAt(piece, at))
            {
                continue;
            }

            int elsewhere = 0, here = 0;
            for (var p = 0; p < Math.Min(block.PredecessorCount, HintEdges); p++)
            {
                var from = _function.Edges[_function.Predecessors[block.PredecessorStart + p]].From;
                var there = RegisterAt(v, 2 * _function.Blocks[from].End - 1);
                if (there == register)
                {
                    here += EdgeFrequency(from, b);
                }
                else if (there >= 0)
                {
                    elsewhere += EdgeFrequency(from, b);
                }
            }

            if (elsewhere > here)
            {
                Enqueue(Split(piece, at));
                _nextEvent = Math.Min(_nextEvent, _pieces[piece].End);
                return;
            }
        }
    }

    private const int ReconsideredBlocks = 8;

    // For each block the first from it on into which the block before does not go.
    private GrowableArray<int> _nextBreak = new(128);

    private void FindBreaks()
    {
        var count = _function.Blocks.Count;
        _nextBreak.Fill(count, count);
        var next = count;
        for (var b = count - 1; b > 0; b--)
        {
            var follows = false;
            foreach (ref var edge in _function.SuccessorsOf(_function.Blocks[b - 1]))
            {
                follows |= edge.To == b;
            }

            next = follows ? next : b;
            _nextBreak[b] = next;
        }
    }

    private void HintFromDefinition(int v, ref VirtualRegisterState state)
    {
        ref var definition = ref _function.Operands[state.DefinitionOperand];
        ref var instruction = ref _function.Instructions[state.Definition];
        var block = _blockOf[state.Definition];
        if (definition.Kind == OperandKind.DefFixed)
        {
            Hint(definition.Register, FrequencyOf(block));
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

        foreach (ref var operand in _function.OperandsOf(instruction))
        {
            if (tied ? operand.Kind == OperandKind.UseTied : operand.Kind is OperandKind.Use or OperandKind.UseAny)
            {
                Hint(_states[operand.VirtualRegister].LastRegister, tied ? FrequencyOf(block) : (FrequencyOf(block) >> 3) + 1);
                return;
            }
        }
    }

    // A parameter: where its arguments are.
    private void HintFromEdges(int b, int k)
    {
        ref var block = ref _function.Blocks[b];
        var count = Math.Min(block.PredecessorCount, HintEdges);
        for (var p = 0; p < count; p++)
        {
            ref var edge = ref _function.Edges[_function.Predecessors[block.PredecessorStart + p]];
            if (k < edge.ArgumentCount && edge.From < b)
            {
                ref var argument = ref _states[_function.Arguments[edge.ArgumentStart + k]];
                if (!argument.IsRematerialisable)
                {
                    Hint(argument.LastRegister, EdgeFrequency(edge.From, b));
                }
            }
        }
    }

    private void HintFromUse(in UsePosition use)
    {
        var frequency = FrequencyOf(use.Block);
        if (use.Operand < 0)
        {
            var parameter = _parameterOf[~use.Operand];
            ref var target = ref _states[parameter];
            if (target.FirstPiece >= 0)
            {
                ref var location = ref _pieces[target.FirstPiece].Location;
                Hint(location.IsRegister ? location.Value : -1, frequency);
            }
            else
            {
                Hint(_states[GroupOf(parameter)].GroupRegister, frequency);
                Hint(target.FixedHint, frequency >> 1);
            }

            return;
        }

        ref var operand = ref _function.Operands[use.Operand];
        if (operand.Kind == OperandKind.UseFixed)
        {
            Hint(operand.Register, frequency);
            return;
        }

        // Tied: the value made there may have a wish of its own.
        ref var instruction = ref _function.Instructions[(use.Position + 1) >> 1];
        foreach (ref var other in _function.OperandsOf(instruction))
        {
            if (other.Kind == OperandKind.DefTied)
            {
                Hint(_states[GroupOf(other.VirtualRegister)].GroupRegister, frequency >> 1);
                Hint(_states[other.VirtualRegister].FixedHint, frequency >> 1);
                break;
            }
        }
    }

    // Where the moves of an edge run.
    private int EdgeFrequency(int from, int to) => FrequencyOf(_function.Blocks[from].SuccessorCount == 1 ? from : to);
}

// Removes what nobody needs. Whatever has an effect is needed, and what it uses, and so on; a block parameter is needed only if it is used, and only then are the
// arguments on its edges. So parameters that merely carry themselves round a loop go, and all that fed them.
//
// One sweep backward meets all uses of a value before the value, but for the arguments of back edges: whether the header's parameters are needed is only known later.
// A work list takes care of those. A load that may fault stays even if its value is not used: whether it traps can be seen.
using Tarn.Assembler;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <summary>Dead code elimination.</summary>
internal sealed class DeadCodeEliminator
{
    private GrowableArray<bool> _live = new(1024);
    private GrowableArray<Value> _work = new(256);

    /// <summary>Removes dead instructions and parameters. The order must have been computed.</summary>
    public void Run(IrFunction function)
    {
        _live.Fill(function.Instructions.Count, false);
        _work.Clear();
        for (var n = function.Order.Count - 1; n >= 0; n--)
        {
            MarkBlock(function, function.Order[n], n);
        }

        while (_work.Count > 0)
        {
            var value = _work.Pop();
            ref var i = ref function.Get(value);
            if (i.Opcode != IrOpcode.BlockParameter)
            {
                MarkOperands(function, value, in i, deferred: true);
                continue;
            }

            if (i.A != IrFunction.Entry)
            {
                foreach (var edge in function.PredecessorsOf(new Block(i.A)))
                {
                    MarkLater(function.ArgumentsOf(edge)[i.B]);
                }
            }
        }

        Sweep(function);
    }

    /// <summary>Whether an instruction must stay though its value is not used.</summary>
    public static bool HasEffect(in IrInstruction i)
    {
        switch (i.Opcode)
        {
            case IrOpcode.BlockParameter or IrOpcode.Result:
                return false;
            case IrOpcode.Load:
                return i.Access.MayFault;
            case IrOpcode.DivUnsigned or IrOpcode.RemUnsigned or IrOpcode.RemSigned:
                // A remainder only traps on zero; the overflowing case has a result.
                return (i.Aux & (byte)DivisionFacts.DivisorNotZero) == 0;
            case IrOpcode.DivSigned:
                return i.Aux != (byte)(DivisionFacts.DivisorNotZero | DivisionFacts.NoOverflow);
            default:
                const IrEffects effects = IrEffects.CanTrap | IrEffects.WritesRegion | IrEffects.Call | IrEffects.Pinned;
                return (IrOpcodeInfo.EffectsOf(i.Opcode) & effects) != 0;
        }
    }

    private void MarkBlock(IrFunction function, Block block, int position)
    {
        for (int k = 0, n = function.SuccessorCount(block); k < n; k++)
        {
            var edge = function.Successor(block, k);
            ref var e = ref function.Edges[edge];
            if (e.ArgumentCount == 0 || function.Blocks[e.To].OrderIndex <= position)
            {
                continue;
            }

            var parameter = function.Blocks[e.To].First;
            foreach (var argument in function.ArgumentsOf(edge))
            {
                if (_live[parameter])
                {
                    _live[argument] = true;
                }

                parameter = function.Links[parameter].Next;
            }
        }

        for (var index = function.Blocks[block].Last; index >= 0; index = function.Links[index].Previous)
        {
            ref var i = ref function.Get(index);
            if (i.Opcode == IrOpcode.BlockParameter)
            {
                // The parameters' own arguments come up with the blocks that pass them; those on back edges have been passed by.
                if (block == IrFunction.Entry)
                {
                    _live[index] = true;
                }
                else if (_live[index] && function.Blocks[block].IsLoopHeader)
                {
                    _work.Add(index);
                }
            }
            else if (_live[index] || HasEffect(in i))
            {
                _live[index] = true;
                MarkOperands(function, index, in i, deferred: false);
            }
        }
    }

    private void Mark(Value value, bool deferred)
    {
        if (deferred)
        {
            MarkLater(value);
        }
        else
        {
            _live[value] = true;
        }
    }

    private void MarkLater(Value value)
    {
        if (!_live[value])
        {
            _live[value] = true;
            _work.Add(value);
        }
    }

    private void MarkOperands(IrFunction function, Value index, in IrInstruction i, bool deferred)
    {
        var mask = IrOpcodeInfo.ValueMask(i.Opcode);
        if ((mask & 1) != 0 && i.A >= 0)
        {
            Mark(i.ValueA, deferred);
        }

        if ((mask & 2) != 0 && i.B >= 0)
        {
            Mark(i.ValueB, deferred);
        }

        if ((mask & 4) != 0 && i.C >= 0)
        {
            Mark(i.ValueC, deferred);
        }

        if ((mask & 8) != 0)
        {
            foreach (var value in function.PoolOf(index))
            {
                Mark(value, deferred);
            }
        }
    }

    private void Sweep(IrFunction function)
    {
        foreach (var block in function.Order.Span)
        {
            var deadParameters = false;
            for (var i = function.Blocks[block].First; i >= 0;)
            {
                var next = function.Links[i].Next;
                if (!_live[i])
                {
                    if (function.Get(i).Opcode == IrOpcode.BlockParameter)
                    {
                        deadParameters = true;
                    }
                    else
                    {
                        function.Remove(i);
                    }
                }

                i = next;
            }

            if (deadParameters)
            {
                SweepParameters(function, block);
            }
        }
    }

    private void SweepParameters(IrFunction function, Block block)
    {
        // Edges first, while the parameters still say which arguments go.
        foreach (var edge in function.PredecessorsOf(block))
        {
            var arguments = function.ArgumentsOf(edge);
            var kept = 0;
            var parameter = function.Blocks[block].First;
            foreach (var argument in arguments)
            {
                if (_live[parameter])
                {
                    arguments[kept++] = argument;
                }

                parameter = function.Links[parameter].Next;
            }

            function.Edges[edge].ArgumentCount = kept;
        }

        var index = 0;
        var count = function.Blocks[block].ParameterCount;
        var p = function.Blocks[block].First;
        for (var n = 0; n < count; n++)
        {
            var next = function.Links[p].Next;
            if (_live[p])
            {
                function.Get(p).B = index++;
            }
            else
            {
                function.Remove(p);
            }

            p = next;
        }

        function.Blocks[block].ParameterCount = index;
    }
}

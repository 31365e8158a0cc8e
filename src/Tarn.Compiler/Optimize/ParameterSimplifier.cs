// Removes block parameters that always have the same value: all arguments are one value, or the parameter itself. Goes over the blocks in order, and
// again as long as something changed, but a bounded number of times; what a further round would find is rare, and the passes must stay linear.
using Tarn.Assembler;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <summary>Simplification of block parameters.</summary>
internal sealed class ParameterSimplifier
{
    private const int MaximumRounds = 3;
    private GrowableArray<bool> _kept = new(64);

    /// <summary>Removes parameters; says whether any went. The order must have been computed. Leaves aliases.</summary>
    public bool Run(IrFunction function)
    {
        var any = false;
        for (var round = 0; round < MaximumRounds; round++)
        {
            var changed = false;
            for (var n = 1; n < function.Order.Count; n++)
            {
                var block = function.Order[n];
                if (function.Blocks[block].ParameterCount > 0)
                {
                    changed |= Simplify(function, block);
                }
            }

            if (!changed)
            {
                break;
            }

            any = true;
        }

        return any;
    }

    private bool Simplify(IrFunction function, Block block)
    {
        var edges = function.PredecessorsOf(block);
        var count = function.Blocks[block].ParameterCount;
        var kept = 0;
        _kept.Fill(count, true);
        var parameter = function.Blocks[block].First;
        for (var k = 0; k < count; k++)
        {
            var next = function.Links[parameter].Next;
            var same = Value.None;
            foreach (var edge in edges)
            {
                var argument = ValueReplacement.Resolve(function, function.Pool[function.Edges[edge].ArgumentStart + k]);
                if (argument == parameter || argument == same)
                {
                    continue;
                }

                if (same >= 0)
                {
                    same = new Value(-2);
                    break;
                }

                same = argument;
            }

            if (same >= 0)
            {
                _kept[k] = false;
                ValueReplacement.Replace(function, parameter, same);
            }
            else
            {
                function.Get(parameter).B = kept++;
            }

            parameter = next;
        }

        if (kept == count)
        {
            return false;
        }

        function.Blocks[block].ParameterCount = kept;
        foreach (var edge in edges)
        {
            var arguments = function.ArgumentsOf(edge);
            var n = 0;
            for (var k = 0; k < arguments.Length; k++)
            {
                if (_kept[k])
                {
                    arguments[n++] = arguments[k];
                }
            }

            function.Edges[edge].ArgumentCount = n;
        }

        return true;
    }
}

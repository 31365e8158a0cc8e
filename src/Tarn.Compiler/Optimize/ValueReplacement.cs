// Replacing a value by another. The replaced instruction leaves its block and becomes an Alias; uses follow the chain when they are next looked at,
// or all at once by Apply. Invariant: after a pass has ended no use names an Alias, and chains are never cyclic since a value is only replaced by one
// whose definition dominates it.
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <summary>Replacement of values.</summary>
internal static class ValueReplacement
{
    /// <summary>Takes an instruction out of its block and lets its value stand for another.</summary>
    public static void Replace(IrFunction function, Value value, Value by)
    {
        function.Unlink(value);
        ref var i = ref function.Get(value);
        i.Opcode = IrOpcode.Alias;
        i.A = by;
    }

    /// <summary>What a value stands for.</summary>
    public static Value Resolve(IrFunction function, Value value)
    {
        if (function.Get(value).Opcode != IrOpcode.Alias)
        {
            return value;
        }

        var end = value;
        while (function.Get(end).Opcode == IrOpcode.Alias)
        {
            end = function.Get(end).ValueA;
        }

        // Shorten the chain for those who come after.
        while (value != end)
        {
            ref var i = ref function.Get(value);
            value = i.ValueA;
            i.A = end;
        }

        return end;
    }

    /// <summary>Rewrites the operands of an instruction; says whether one changed.</summary>
    public static bool RewriteOperands(IrFunction function, Value instruction)
    {
        ref var i = ref function.Get(instruction);
        var mask = IrOpcodeInfo.ValueMask(i.Opcode);
        var changed = false;
        if ((mask & 1) != 0 && i.A >= 0 && function.Get(i.ValueA).Opcode == IrOpcode.Alias)
        {
            i.A = Resolve(function, i.ValueA);
            changed = true;
        }

        if ((mask & 2) != 0 && i.B >= 0 && function.Get(i.ValueB).Opcode == IrOpcode.Alias)
        {
            i.B = Resolve(function, i.ValueB);
            changed = true;
        }

        if ((mask & 4) != 0 && i.C >= 0 && function.Get(i.ValueC).Opcode == IrOpcode.Alias)
        {
            i.C = Resolve(function, i.ValueC);
            changed = true;
        }

        if ((mask & 8) != 0)
        {
            changed |= RewriteAll(function, function.PoolOf(instruction));
        }

        return changed;
    }

    /// <summary>Rewrites a list of values.</summary>
    public static bool RewriteAll(IrFunction function, Span<Value> values)
    {
        var changed = false;
        foreach (ref var value in values)
        {
            if (function.Get(value).Opcode == IrOpcode.Alias)
            {
                value = Resolve(function, value);
                changed = true;
            }
        }

        return changed;
    }

    /// <summary>Rewrites the arguments on the edges that leave a block.</summary>
    public static void RewriteEdges(IrFunction function, Block block)
    {
        for (int k = 0, n = function.SuccessorCount(block); k < n; k++)
        {
            RewriteAll(function, function.ArgumentsOf(function.Successor(block, k)));
        }
    }

    /// <summary>Rewrites all uses in reachable blocks.</summary>
    public static void Apply(IrFunction function)
    {
        foreach (var block in function.Order.Span)
        {
            for (var i = function.Blocks[block].First; i >= 0; i = function.Links[i].Next)
            {
                RewriteOperands(function, i);
            }

            RewriteEdges(function, block);
        }
    }
}

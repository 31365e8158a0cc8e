// Which blocks are not expected to run: those that end in a trap, those that only lead to such, and those that are only reached from such. The code generator lays
// them out behind the rest and lets registers be taken from them first.
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <summary>Finds cold blocks.</summary>
internal static class ColdBlocks
{
    /// <summary>Sets the flags. The order must have been computed.</summary>
    public static void Mark(IrFunction function)
    {
        for (var n = function.Order.Count - 1; n > 0; n--)
        {
            var block = function.Order[n];
            if (function.Get(function.Blocks[block].Last).Opcode == IrOpcode.Trap || OnlyLeadsToCold(function, block, n))
            {
                function.Blocks[block].Flags |= IrBlockFlags.Cold;
            }
        }

        for (var n = 1; n < function.Order.Count; n++)
        {
            var block = function.Order[n];
            if (!function.Blocks[block].IsCold && OnlyReachedFromCold(function, block, n))
            {
                function.Blocks[block].Flags |= IrBlockFlags.Cold;
            }
        }
    }

    private static bool OnlyLeadsToCold(IrFunction function, Block block, int position)
    {
        var any = false;
        for (int k = 0, count = function.SuccessorCount(block); k < count; k++)
        {
            ref var to = ref function.Blocks[function.Edges[function.Successor(block, k)].To];
            if (to.OrderIndex <= position)
            {
                // Round a loop: as it is said of the header.
                return false;
            }

            if (!to.IsCold)
            {
                return false;
            }

            any = true;
        }

        return any;
    }

    private static bool OnlyReachedFromCold(IrFunction function, Block block, int position)
    {
        foreach (var edge in function.PredecessorsOf(block))
        {
            ref var from = ref function.Blocks[function.Edges[edge].From];
            if (from.OrderIndex < position && !from.IsCold)
            {
                return false;
            }
        }

        return true;
    }
}

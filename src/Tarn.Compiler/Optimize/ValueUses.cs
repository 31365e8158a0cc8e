// How often each value is used, operands and edge arguments together, in reachable blocks. Invariant: valid until an instruction is next made, moved into or out of
// a block, or rewritten; passes that change uses keep the numbers themselves or count anew.
using Tarn.Assembler;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <summary>Use counts.</summary>
internal sealed class ValueUses
{
    private GrowableArray<int> _counts = new(1024);

    /// <summary>The number of uses of a value.</summary>
    public ref int this[int value] => ref _counts[value];

    /// <summary>Sets the counts of a number of values to zero.</summary>
    public void Clear(int values) => _counts.Fill(values, 0);

    /// <summary>Counts the uses of a function's values.</summary>
    public void Count(IrFunction function)
    {
        _counts.Fill(function.Instructions.Count, 0);
        var counts = _counts.Span;
        foreach (var block in function.Order.Span)
        {
            for (var index = function.Blocks[block].First; index >= 0; index = function.Links[index].Next)
            {
                function.CountOperands(index, counts);
            }

            function.CountArguments(block, counts);
        }
    }
}

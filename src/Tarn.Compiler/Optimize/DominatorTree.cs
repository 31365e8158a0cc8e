// The dominator tree downward: children in the order of blocks, and intervals that answer "does a dominate b" in constant time. Invariant: a walk in preorder
// that takes children in order meets every predecessor of a block before the block itself, back edges excepted, since a predecessor
// other than the immediate dominator is below an earlier child.
using Tarn.Assembler;
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Optimize;

/// <summary>Children and preorder of dominators.</summary>
internal sealed class DominatorTree
{
    private GrowableArray<Block> _firstChild = new(128);
    private GrowableArray<Block> _nextSibling = new(128);
    private GrowableArray<int> _enter = new(128);
    private GrowableArray<int> _leave = new(128);

    /// <summary>Blocks in preorder.</summary>
    public GrowableArray<Block> Preorder = new(128);

    /// <summary>Computes the tree of a function whose order has been computed.</summary>
    public void Compute(IrFunction function)
    {
        var blocks = function.Blocks.Count;
        _firstChild.Fill(blocks, Block.None);
        _nextSibling.Fill(blocks, Block.None);
        _enter.Fill(blocks, -1);
        _leave.Fill(blocks, -1);
        for (var n = function.Order.Count - 1; n > 0; n--)
        {
            var block = function.Order[n];
            var parent = function.Blocks[block].ImmediateDominator;
            _nextSibling[block] = _firstChild[parent];
            _firstChild[parent] = block;
        }

        Preorder.Clear();
        var current = IrFunction.Entry;
        while (true)
        {
            _enter[current] = Preorder.Add(current);
            if (!_firstChild[current].IsNone)
            {
                current = _firstChild[current];
                continue;
            }

            while (true)
            {
                _leave[current] = Preorder.Count;
                if (current == IrFunction.Entry)
                {
                    return;
                }

                if (!_nextSibling[current].IsNone)
                {
                    current = _nextSibling[current];
                    break;
                }

                current = function.Blocks[current].ImmediateDominator;
            }
        }
    }

    /// <summary>Whether a block dominates another.</summary>
    public bool Dominates(Block a, Block b) => _enter[a] <= _enter[b] && _enter[b] < _leave[a];
}

// The order of blocks: reverse post-order with loops contiguous, exact dominators, loops found with their nesting.
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Tests.IR;

public sealed class IrOrderTests
{
    // An inner loop (2, 3) in an outer loop (1 to 5); 4 is an exit out of the inner loop's middle that returns.
    private const string Nest = """
        function 0 (i32) -> ()
        block0(v0:i32):
          jump block1
        block1:
          jump block2
        block2:
          branchif v0, block4, block3
        block4:
          return
        block3:
          branchif v0, block2, block5
        block5:
          branchif v0, block1, block6
        block6:
          branchif v0, block7, block8
        block7:
          jump block8
        block8:
          return
        block9:
          jump block8
        """;

    private static IrFunction Parse(string text)
    {
        var function = new IrFunction();
        IrParser.Parse(text, function);
        Assert.Empty(IrVerifier.Verify(function));
        return function;
    }

    [Fact]
    public void Loops_are_found_with_their_nesting()
    {
        var f = Parse(Nest);

        // Blocks are numbered in order of definition in the text.
        var names = new[] { 0, 1, 2, 4, 3, 5, 6, 7, 8, 9 };
        Block Id(int name) => new(Array.IndexOf(names, name));
        int Header(int name) => f.Blocks[Id(name)].LoopHeader is { IsNone: false } h ? names[h] : -1;
        Assert.Equal([-1, 1, 2, 2, -1, 1, -1, -1, -1], [Header(0), Header(1), Header(2), Header(3), Header(4), Header(5), Header(6), Header(7), Header(8)]);
        Assert.Equal(2, f.Blocks[Id(3)].LoopDepth);
        Assert.Equal(1, f.Blocks[Id(5)].LoopDepth);
        Assert.Equal(Id(1), f.Blocks[Id(2)].LoopParent);
        Assert.True((f.Blocks[Id(9)].Flags & IrBlockFlags.Reachable) == 0);
        Assert.Equal(Id(6), f.Blocks[Id(8)].ImmediateDominator);
        Assert.Equal(Id(2), f.Blocks[Id(4)].ImmediateDominator);
        Assert.True(f.Dominates(Id(2), Id(8)));
        Assert.False(f.Dominates(Id(7), Id(8)));
    }

    [Fact]
    public void Loops_are_contiguous_and_predecessors_come_first()
    {
        var f = Parse(Nest);
        var order = f.Order.Span.ToArray();
        Assert.Equal(9, order.Length);
        foreach (var header in order.Where(b => f.Blocks[b].IsLoopHeader))
        {
            bool Inside(Block block)
            {
                for (var h = f.Blocks[block].LoopHeader; h >= 0; h = f.Blocks[h].LoopParent)
                {
                    if (h == header)
                    {
                        return true;
                    }
                }

                return false;
            }

            var members = order.Where(Inside).Select(b => f.Blocks[b].OrderIndex).ToArray();
            Assert.Equal(members.Length, members[^1] - members[0] + 1);
            Assert.Equal(header, order[members[0]]);
        }

        foreach (var block in order)
        {
            foreach (var edge in f.PredecessorsOf(block))
            {
                var from = f.Edges[edge].From;
                Assert.True(f.Blocks[from].OrderIndex < f.Blocks[block].OrderIndex || f.Dominates(block, from));
            }
        }
    }
}

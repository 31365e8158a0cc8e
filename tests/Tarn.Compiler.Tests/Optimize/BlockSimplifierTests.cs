// Graphs that the passes must come to an end with, given as IR: which of them modules lead to depends on the passes before.
using Tarn.Compiler.IR;
using Tarn.Compiler.Optimize;

namespace Tarn.Compiler.Tests.Optimize;

public sealed class BlockSimplifierTests
{
    // The parameters of a loop are passed on to themselves, or exchanged, and what leads to it goes away: only its own back edge still leads to the header.
    [Theory]
    [InlineData("v3", "block3, block4")]
    [InlineData("v3", "block4, block3")]
    [InlineData("v4", "block3, block4")]
    [InlineData("v4", "block4, block3")]
    public void A_loop_that_is_cut_off_goes_away(string passed, string ways)
    {
        var other = passed == "v3" ? "v4" : "v3";
        var function = new IrFunction();
        IrParser.Parse(
            $"""
            function 0 (i32, i32) -> (i32)
            block0(v0:i32, v1:i32):
              v2:i32 = const 1
              branchif v2, block6, block1
            block1:
              jump block2(v0, v1)
            block2(v3:i32, v4:i32):
              branchif v0, {ways}
            block3:
              jump block2({passed}, {other})
            block4:
              v8:i32 = div.u v3, v4
              jump block5({passed}, v8)
            block5(v5:i32, v6:i32):
              v7:i32 = add v5, v6
              return(v7)
            block6:
              return(v1)
            """,
            function);
        function.ComputeOrder();
        new FunctionOptimizer { Verifies = true }.Run(function, new TargetDescription());
        Assert.Equal("function 0 (i32, i32) -> (i32)\nblock0(v0:i32, v1:i32):\n  return(v1)\n", IrPrinter.Print(function));
    }
}

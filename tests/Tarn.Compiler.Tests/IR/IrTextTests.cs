// Printer and parser agree on every form of instruction: what is printed parses to something that prints the same.
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Tests.IR;

public sealed class IrTextTests
{
    private const string Everything = """
        function 7 (i32, i64, f64, ref) -> (i32, i64)
        block0(v0:i32, v1:i64, v2:f64, v3:ref):
          v4:i32 = const -5
          v5:i64 = const 1234567890123
          v6:f32 = const 0x3f800000 ; 1
          v7:f64 = const 0x7ff8000000000000 ; NaN
          v8:v128 = const 0x000102030405060708090a0b0c0d0e0f
          v9:i64 = vmctx
          v10:i32 = typeid 3
          v11:i32 = add v0, v4
          v12:i32 = div.s v11, v4 nonzero nooverflow
          v13:i32 = rem.u v12, v0
          v14:i32 = icmp.slt v13, v0
          v15:i32 = fcmp.nle v2, v7
          v16:i64 = extend.u v15
          v17:f64 = select v14, v2, v7
          v18:i32 = toint.s v17
          v19:i64 = loadvm.64 v9+64 readonly
          v20:i64 = loadvm.64 v9+72 memlength
          boundscheck v0, v20, 12, MemoryOutOfBounds
          v21:i32 = load.8s v19[v0]+8 memory0 fault
          v22:i64 = load.32 v19[v0] importedmemory
          v23:ref = loadvm.64 v19[v0*8] elements
          store.16 v19[v0]+4 memory3 fault, v21
          storevm.64 v9+128 global, v1
          v24:i32 = atomic.load.8 v1 memory0
          atomic.store.32 v1+4 memory0, v0
          v25:i32 = atomic.rmw.xchg.32 v1+4 memory0, v0
          v26:i64 = atomic.cmpxchg.64 v1 memory0, v1, v5
          atomic.fence
          trapif v14, IntegerOverflow
          trapifnot v15, NullReference
          interruptcheck
          fuelcheck v1, 17
          fuelcharge v1, v16
          v27 = call 3(v0, v1) (i32, i64) -> (i32, f64)
          v28:i32 = result v27, 0
          v29:f64 = result v27, 1
          v30 = call.ref v3() () -> ()
          v31 = call.builtin MemoryGrow(v0, v1)
          v32:i64 = result v31, 0
          v33:v128 = vnot v8
          v34:v128 = vshuffle v8, v33, 0x0f0e0d0c0b0a09080706050403020100
          branchif v14, block1(v0), block2(v1)
        block1(v35:i32):
          switch v35, [block3, block1(v35), block4]
        block3:
          return(v35, v1)
        block4:
          tailcall 2(v35) (i32) -> (i32, i64)
        block2(v36:i64) cold:
          v37:i32 = icmp.eq v36, v1
          branchif v37, block5, block6
        block5:
          trap Unreachable
        block6:
          tailcall.ref v3() () -> (i32, i64)

        """;

    [Fact]
    public void Text_parses_and_prints_the_same()
    {
        var function = new IrFunction();
        IrParser.Parse(Everything, function);
        var once = IrPrinter.Print(function);
        IrParser.Parse(once, function);
        Assert.Equal(once, IrPrinter.Print(function));
        foreach (var line in Everything.Split('\n'))
        {
            // Numbers of blocks follow the order of the graph, so lines with block names may differ.
            if (!line.Contains("block", StringComparison.Ordinal) || line.Contains("boundscheck", StringComparison.Ordinal))
            {
                var instruction = line.Contains(" = ", StringComparison.Ordinal) ? line[(line.IndexOf(" = ", StringComparison.Ordinal) + 3)..] : line;
                instruction = instruction.Trim().Split('v')[0];
                Assert.Contains(instruction, once, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("block0:\n", "expected 'function'")]
    [InlineData("function 0 () -> ()\nblock0:\n  frobnicate v1\n", "no such instruction")]
    [InlineData("function 0 () -> ()\nblock0:\n  jump block1\n", "no such block")]
    [InlineData("function 0 () -> ()\nblock0:\n  v1:i32 = add v0, v0\n", "v0 is not defined")]
    [InlineData("function 0 () -> ()\nblock0:\n  return x\n", "expected '('")]
    public void Mistakes_are_reported(string text, string message)
    {
        var error = Assert.Throws<FormatException>(() => IrParser.Parse(text, new IrFunction()));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }
}

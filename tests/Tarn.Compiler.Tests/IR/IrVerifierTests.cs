// The verifier accepts what is well formed and catches each kind of broken IR. A verifier that never complains would be worth nothing.
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Tests.IR;

public sealed class IrVerifierTests
{
    private const string Good = """
        function 0 (i32, i64) -> (i32)
        block0(v0:i32, v1:i64):
          v2:i32 = const 1
          jump block1(v0)
        block1(v3:i32):
          v4:i32 = sub v3, v2
          branchif v4, block1(v4), block2
        block2:
          v5 = call 1(v4) (i32) -> (i32)
          v6:i32 = result v5, 0
          return(v6)
        """;

    private static IReadOnlyList<string> Verify(string text, Action<IrFunction>? damage = null)
    {
        var function = new IrFunction();
        IrParser.Parse(text, function);
        damage?.Invoke(function);
        return IrVerifier.Verify(function);
    }

    private static Value Find(IrFunction function, IrOpcode opcode)
    {
        for (var i = new Value(0); i < function.Instructions.Count; i++)
        {
            if (function.Get(i).Opcode == opcode)
            {
                return i;
            }
        }

        throw new InvalidOperationException($"no {opcode}");
    }

    [Fact]
    public void Well_formed_IR_passes() => Assert.Empty(Verify(Good));

    [Theory]
    [InlineData("v4:i32 = sub v3, v2", "v4:i32 = sub v3, v1", "breaks the rule 'Result'")]
    [InlineData("v4:i32 = sub v3, v2", "v4:i32 = extend.u v3", "ExtendUnsigned has type I32")]
    [InlineData("v2:i32 = const 1", "v2:i32 = add v0, v2", "before its definition")]
    [InlineData("jump block1(v0)", "jump block1(v4)", "does not dominate")]
    [InlineData("jump block1(v0)", "jump block1", "passes 0 values")]
    [InlineData("jump block1(v0)", "jump block1(v1)", "passes v1 of type I64")]
    [InlineData("jump block1(v0)", "v9:i32 = const 3", "is not a terminator")]
    [InlineData("branchif v4, block1(v4), block2", "branchif v1, block1(v4), block2", "breaks the rule 'I32'")]
    [InlineData("return(v6)", "return(v1)", "differ from the signature")]
    [InlineData("return(v6)", "return", "differ from the signature")]
    [InlineData("call 1(v4)", "call 1(v4, v4)", "differ from the signature")]
    [InlineData("v6:i32 = result v5, 0", "v6:i32 = result v5, 1", "is not a result of")]
    [InlineData("v6:i32 = result v5, 0", "v7:i32 = const 2\n  v6:i32 = result v5, 0", "does not follow its call")]
    [InlineData("v6:i32 = result v5, 0", "v6:i32 = result v4, 0", "which is not a call")]
    [InlineData("jump block1(v0)", "jump block0(v0, v1)", "entry block has incoming edges")]
    [InlineData("block0(v0:i32, v1:i64)", "block0(v1:i64, v0:i32)", "the function's parameter has")]
    [InlineData("v2:i32 = const 1", "v2:i32 = load.64 v1 memory0", "accesses 8 bytes as I32")]
    [InlineData("v2:i32 = const 1", "v2:i32 = load.32 v1 global", "has region GlobalDefined")]
    [InlineData("v2:i32 = const 1", "v2:i32 = bitcast v1", "Bitcast has type I32")]
    [InlineData("return(v6)", "tailcall 1(v0) (i32) -> (i64)", "other results than the function's")]
    [InlineData("return(v6)", "v8 = call.builtin MemoryGrow(v0)\n  return(v6)", "MemoryGrow takes")]
    public void Faults_in_text_are_found(string good, string bad, string message)
    {
        var text = Good.Replace(good, bad, StringComparison.Ordinal);
        Assert.NotEqual(Good, text);
        Assert.Contains(Verify(text), e => e.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public void Instructions_that_may_not_be_linked_are_found()
    {
        Assert.Contains(Verify(Good, f => f.Get(Find(f, IrOpcode.Sub)).Opcode = IrOpcode.Nop), e => e.Contains("may not be in a block", StringComparison.Ordinal));
        Assert.Contains(Verify(Good, f => f.Get(Find(f, IrOpcode.Sub)).Opcode = IrOpcode.Alias), e => e.Contains("may not be in a block", StringComparison.Ordinal));
    }

    [Fact]
    public void Uses_of_removed_values_are_found()
        => Assert.Contains(Verify(Good, f => f.Remove(Find(f, IrOpcode.Constant))), e => e.Contains("is in no block", StringComparison.Ordinal));

    [Fact]
    public void Uses_of_values_that_do_not_exist_are_found()
        => Assert.Contains(Verify(Good, f => f.Get(Find(f, IrOpcode.Sub)).B = 1000), e => e.Contains("does not exist", StringComparison.Ordinal));

    [Fact]
    public void Broken_lists_are_found()
    {
        Assert.Contains(Verify(Good, f => f.Links[Find(f, IrOpcode.Sub)].Previous = Value.None), e => e.Contains("has previous", StringComparison.Ordinal));
        Assert.Contains(Verify(Good, f => f.Links[Find(f, IrOpcode.Sub)].Block = new(0)), e => e.Contains("but says block", StringComparison.Ordinal));
        Assert.Contains(Verify(Good, f => f.Blocks[1].Last = f.Blocks[1].First), e => e.Contains("the list ends at", StringComparison.Ordinal));
        Assert.Contains(Verify(Good, f => f.Blocks[1].ParameterCount = 2), e => e.Contains("parameters, not", StringComparison.Ordinal));
    }

    [Fact]
    public void Edges_with_a_wrong_source_are_found()
        => Assert.Contains(Verify(Good, f => f.Edges[f.Get(Find(f, IrOpcode.Jump)).A].From = new(2)), e => e.Contains("says it leaves", StringComparison.Ordinal));

    [Fact]
    public void Parameters_out_of_order_are_found()
        => Assert.Contains(Verify(Good, f => f.Get(f.Blocks[0].First).B = 1), e => e.Contains("in place of", StringComparison.Ordinal));
}

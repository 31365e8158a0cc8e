// The verifier of machine functions finds each kind of mistake that lowering could make, and lowering does not make those that it once made: a branch or a switch
// with two edges to one block, whose moves were then done twice.
using System.Text;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.IR;
using Tarn.Compiler.Machine;
using Tarn.Compiler.Targets.X64;
using Tarn.Wasm;
using Tarn.Wasm.Text;
using Tarn.Wasm.Validation;

namespace Tarn.Compiler.Tests.Verify;

public sealed class MachineVerifierTests
{
    private const string Loop =
        """
        (module (memory 1) (func (param i32 i64 f64) (result i64) (local i32)
          (loop $l
            (local.set 1 (i64.add (local.get 1) (i64.load (local.get 3))))
            (local.set 1 (i64.shl (local.get 1) (i64.extend_i32_u (local.get 0))))
            (local.set 2 (f64.add (local.get 2) (f64.convert_i64_u (local.get 1))))
            (br_if $l (i32.lt_u (local.tee 3 (i32.add (local.get 3) (i32.const 8))) (local.get 0))))
          (i64.add (local.get 1) (i64.trunc_sat_f64_s (local.get 2)))))
        """;

    private static MachineFunction Lower(string wat)
    {
        var module = WasmModule.Decode(WatParser.Parse(Encoding.UTF8.GetBytes(wat), "test"), WasmFeatures.All);
        ModuleValidator.Validate(module, new TypeRegistry(), 1);
        var compilation = new FunctionCompilation(new X64Target(CpuFeatures.None)) { ChecksAllocation = true };
        compilation.Compile(module, new VmContextLayout(module), 0, TargetDescription.Default);
        return compilation.Generator.Machine;
    }

    private static void Verify(MachineFunction function) => new MachineVerifier(X64OpcodeForms.All).Verify(function);

    public static TheoryData<string> Mistakes =>
        ["operand kind", "register class", "missing operand", "fixed register", "flags", "clobbers", "flag reader", "definition twice", "use before definition", "edge argument", "terminator", "loop"];

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_is_found(string mistake)
    {
        var function = Lower(Loop);
        Verify(function);
        Spoil(function, mistake);
        var error = Assert.Throws<InvalidOperationException>(() => Verify(function));
        Assert.Contains("broken rule", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Branches_that_lead_to_one_block_share_an_edge()
    {
        var ir = new IrFunction();
        IrParser.Parse(
            """
            function 0 (i64, i64) -> (i64)
            block0(v0:i64, v1:i64):
              v2:i32 = wrap v0
              branchif v2, block1, block2
            block1:
              v3:i32 = wrap v1
              branchif v3, block2, block2
            block2:
              return(v1)
            """,
            ir);
        ir.ComputeOrder();
        var generator = new CodeGenerator(new X64Target(CpuFeatures.None)) { ChecksAllocation = true };
        generator.Generate(ir, reloadsAfterCalls: false);
        AssertNoSharedTargets(generator.Machine);
    }

    // Between two entries that lead to one block are more targets than lowering looked back over.
    [Theory]
    [InlineData(20)]
    [InlineData(100)]
    [InlineData(300)]
    public void Entries_of_a_switch_that_lead_to_one_block_share_an_edge(int targets)
    {
        var text = new StringBuilder("(module (memory 1) (func (param i32 i32)\n(loop $l (block $common\n");
        for (var k = 0; k < targets; k++)
        {
            text.Append("(block ");
        }

        text.Append("(br_table ").Append(targets);
        for (var k = 0; k < targets; k++)
        {
            text.Append(' ').Append(k);
        }

        text.Append(' ').Append(targets).Append(" (local.get 0))");
        for (var k = 0; k < targets; k++)
        {
            text.Append($") (i32.store offset={4 * k} (i32.const 0) (local.get 1)) (br $common)\n");
        }

        text.Append(") (br_if $l (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))))");
        AssertNoSharedTargets(Lower(text.ToString()));
    }

    private static void AssertNoSharedTargets(MachineFunction function)
    {
        foreach (ref var block in function.Blocks.Span)
        {
            var targets = new HashSet<int>();
            foreach (ref var edge in function.SuccessorsOf(block))
            {
                Assert.True(targets.Add(edge.To), $"two edges lead to block{edge.To}");
            }
        }
    }

    private static void Spoil(MachineFunction function, string mistake)
    {
        switch (mistake)
        {
            case "operand kind":
                OperandOf(function, X64Opcode.Alu, 1).Kind = OperandKind.Use;
                break;
            case "register class":
                OperandOf(function, X64Opcode.Alu, 1).VirtualRegister = OperandOf(function, X64Opcode.VectorBinary, 1).VirtualRegister;
                break;
            case "missing operand":
                Find(function, X64Opcode.VectorBinary).OperandCount--;
                break;
            case "fixed register":
                OperandOf(function, X64Opcode.ShiftCl, 2).Register = X64Registers.Rdx;
                break;
            case "flags":
                Find(function, X64Opcode.ShiftCl).Flags |= MachineFlags.Call;
                break;
            case "clobbers":
                Find(function, X64Opcode.ShiftCl).Clobbers = X64Registers.ClobberRax;
                break;
            case "flag reader":
                // The comparison becomes a copy, which sets no flags.
                Find(function, X64Opcode.JumpIf, -1).Opcode = (ushort)X64Opcode.FuelCharge;
                break;
            case "definition twice":
                OperandOf(function, X64Opcode.Alu, 0).VirtualRegister = OperandOf(function, X64Opcode.ShiftCl, 0).VirtualRegister;
                break;
            case "use before definition":
                OperandOf(function, X64Opcode.ShiftCl, 1).VirtualRegister = function.NewVirtualRegister(MachineType.I64);
                break;
            case "edge argument":
                function.Edges[0].ArgumentCount--;
                break;
            case "terminator":
                Find(function, X64Opcode.Jump).Opcode = (ushort)X64Opcode.Fence;
                break;
            default:
                function.Loops[0].End = function.Blocks.Count + 1;
                break;
        }
    }

    private static ref MachineOperand OperandOf(MachineFunction function, X64Opcode opcode, int k) => ref function.Operands[Find(function, opcode).OperandStart + k];

    private static ref MachineInstruction Find(MachineFunction function, X64Opcode opcode, int offset = 0)
    {
        for (var i = 0; i < function.Instructions.Count; i++)
        {
            if ((X64Opcode)function.Instructions[i].Opcode == opcode)
            {
                return ref function.Instructions[i + offset];
            }
        }

        throw new InvalidOperationException($"The function has no {opcode}.");
    }
}

// Every vector operation in every shape goes through printer, parser and verifier; every shape that it does not have is refused.
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Tests.IR;

public sealed class VectorTextTests
{
    [Fact]
    public void Operations_print_parse_and_verify()
    {
        var count = 0;
        for (var opcode = IrOpcode.VectorShuffle; opcode <= IrOpcode.VectorPromote; opcode++)
        {
            for (var aux = 0; aux < 256; aux++)
            {
                if (!MakesSense(opcode, aux))
                {
                    continue;
                }

                var function = Make(opcode, (byte)aux, lane: 1);
                Assert.Empty(IrVerifier.Verify(function));
                var text = IrPrinter.Print(function);
                var parsed = new IrFunction();
                IrParser.Parse(text, parsed);
                Assert.Empty(IrVerifier.Verify(parsed));
                Assert.Equal(text, IrPrinter.Print(parsed));
                count++;
            }
        }

        Assert.True(count > 200, $"{count}");
    }

    [Fact]
    public void What_an_operation_is_not_for_is_refused()
    {
        for (var opcode = IrOpcode.VectorShuffle; opcode <= IrOpcode.VectorPromote; opcode++)
        {
            for (var aux = 0; aux < 256; aux++)
            {
                if ((aux & 15) <= (int)VectorShape.F64x2 && !MakesSense(opcode, aux))
                {
                    Assert.NotEmpty(IrVerifier.Verify(Make(opcode, (byte)aux, lane: 1)));
                }
            }

            if (IrOpcodeInfo.HasLane(opcode))
            {
                Assert.NotEmpty(IrVerifier.Verify(Make(opcode, (byte)VectorShape.I16x8, lane: 8)));
                Assert.NotEmpty(IrVerifier.Verify(Make(opcode, (byte)VectorShape.I16x8, lane: -1)));
            }
        }
    }

    private static bool MakesSense(IrOpcode opcode, int aux)
    {
        var shapes = IrOpcodeInfo.Of(opcode).Shapes;
        if (shapes == VectorShapes.None)
        {
            return aux == 0;
        }

        var shape = aux & 15;
        var conditions = opcode == IrOpcode.VectorCompare ? shape == (int)VectorShape.I64x2 ? 6 : 10 : opcode == IrOpcode.VectorFloatCompare ? 10 : 1;
        return shape <= (int)VectorShape.F64x2 && ((int)shapes >> shape & 1) != 0 && aux >> 4 < conditions;
    }

    private static IrFunction Make(IrOpcode opcode, byte aux, int lane)
    {
        var function = new IrFunction();
        function.Reset(0);
        var info = IrOpcodeInfo.Of(opcode);
        var shape = (VectorShape)(aux & 7);
        var result = info.VectorResult switch { VectorResult.I32 => IrType.I32, VectorResult.Lane => shape.LaneType(), _ => IrType.V128 };
        IrType[] parameters = [IrType.V128, IrType.I32, IrType.I64, IrType.F32, IrType.F64];
        function.Signature = function.AddSignature(parameters, [result]);
        var block = function.AddBlock();
        var values = Array.ConvertAll(parameters, type => function.AddBlockParameter(block, type));
        int Operand(OperandRule rule) => rule switch
        {
            OperandRule.Vector => values[0],
            OperandRule.I32 => values[1],
            OperandRule.Lane => values[Array.IndexOf(parameters, shape.LaneType())],
            _ => -1,
        };
        var immediate = opcode == IrOpcode.VectorShuffle ? function.Vectors.Add(VectorLanes.Splat(31, 8)) : IrOpcodeInfo.HasLane(opcode) ? lane : 0;
        var value = function.Append(block, opcode, result, Operand(info.A), Operand(info.B), Operand(info.C), immediate, aux);
        function.Append(block, IrOpcode.Return, IrType.None, -1, function.Pool.AddRange([value]), 1);
        function.ComputeOrder();
        return function;
    }
}

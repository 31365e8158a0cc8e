// The vector operations of the IR that are one instruction of the baseline, by shape. What is not here takes several instructions or depends on the processor's features
// (X64Lowering.Vectors.cs).
using Tarn.Assembler.X64;

namespace Tarn.Compiler.Targets.X64;

using Tarn.Compiler.IR;

/// <summary>Selection table of vector operations.</summary>
internal static class X64VectorTable
{
    /// <summary>Stands for "no single instruction"; as an operation it would be a move.</summary>
    public const SseOp None = SseOp.Movaps;

    private const int Shapes = 8;
    private static readonly SseOp[] s_binary = BuildBinary();
    private static readonly SseOp[] s_unary = BuildUnary();

    /// <summary>The instruction of two sources, in the IR's order, or <see cref="None"/>.</summary>
    public static SseOp Binary(IrOpcode opcode, VectorShape shape) => s_binary[IndexOf(opcode, shape)];

    /// <summary>The instruction of one source, or <see cref="None"/>.</summary>
    public static SseOp Unary(IrOpcode opcode, VectorShape shape) => s_unary[IndexOf(opcode, shape)];

    private static int IndexOf(IrOpcode opcode, VectorShape shape) => (opcode - IrOpcode.VectorShuffle) * Shapes + (int)shape;

    private static SseOp[] New()
    {
        var table = new SseOp[(IrOpcode.VectorPromote - IrOpcode.VectorShuffle + 1) * Shapes];
        Array.Fill(table, None);
        return table;
    }

    private static void Row(SseOp[] table, IrOpcode opcode, VectorShape first, params ReadOnlySpan<SseOp> operations)
    {
        for (var k = 0; k < operations.Length; k++)
        {
            table[IndexOf(opcode, first) + k] = operations[k];
        }
    }

    private static SseOp[] BuildBinary()
    {
        var t = New();
        Row(t, IrOpcode.VectorAnd, default, SseOp.Pand);
        Row(t, IrOpcode.VectorOr, default, SseOp.Por);
        Row(t, IrOpcode.VectorXor, default, SseOp.Pxor);
        Row(t, IrOpcode.VectorSwizzleRelaxed, default, SseOp.Pshufb);
        Row(t, IrOpcode.VectorAdd, VectorShape.I8x16, SseOp.Paddb, SseOp.Paddw, SseOp.Paddd, SseOp.Paddq);
        Row(t, IrOpcode.VectorSub, VectorShape.I8x16, SseOp.Psubb, SseOp.Psubw, SseOp.Psubd, SseOp.Psubq);
        Row(t, IrOpcode.VectorMul, VectorShape.I16x8, SseOp.Pmullw, SseOp.Pmulld);
        Row(t, IrOpcode.VectorAddSaturateSigned, VectorShape.I8x16, SseOp.Paddsb, SseOp.Paddsw);
        Row(t, IrOpcode.VectorAddSaturateUnsigned, VectorShape.I8x16, SseOp.Paddusb, SseOp.Paddusw);
        Row(t, IrOpcode.VectorSubSaturateSigned, VectorShape.I8x16, SseOp.Psubsb, SseOp.Psubsw);
        Row(t, IrOpcode.VectorSubSaturateUnsigned, VectorShape.I8x16, SseOp.Psubusb, SseOp.Psubusw);
        Row(t, IrOpcode.VectorMinSigned, VectorShape.I8x16, SseOp.Pminsb, SseOp.Pminsw, SseOp.Pminsd);
        Row(t, IrOpcode.VectorMinUnsigned, VectorShape.I8x16, SseOp.Pminub, SseOp.Pminuw, SseOp.Pminud);
        Row(t, IrOpcode.VectorMaxSigned, VectorShape.I8x16, SseOp.Pmaxsb, SseOp.Pmaxsw, SseOp.Pmaxsd);
        Row(t, IrOpcode.VectorMaxUnsigned, VectorShape.I8x16, SseOp.Pmaxub, SseOp.Pmaxuw, SseOp.Pmaxud);
        Row(t, IrOpcode.VectorAverage, VectorShape.I8x16, SseOp.Pavgb, SseOp.Pavgw);
        Row(t, IrOpcode.VectorMulRoundRelaxed, VectorShape.I16x8, SseOp.Pmulhrsw);
        Row(t, IrOpcode.VectorDot, VectorShape.I32x4, SseOp.Pmaddwd);
        Row(t, IrOpcode.VectorNarrowSigned, VectorShape.I8x16, SseOp.Packsswb, SseOp.Packssdw);
        Row(t, IrOpcode.VectorNarrowUnsigned, VectorShape.I8x16, SseOp.Packuswb, SseOp.Packusdw);
        Row(t, IrOpcode.VectorFloatAdd, VectorShape.F32x4, SseOp.Addps, SseOp.Addpd);
        Row(t, IrOpcode.VectorFloatSub, VectorShape.F32x4, SseOp.Subps, SseOp.Subpd);
        Row(t, IrOpcode.VectorFloatMul, VectorShape.F32x4, SseOp.Mulps, SseOp.Mulpd);
        Row(t, IrOpcode.VectorFloatDiv, VectorShape.F32x4, SseOp.Divps, SseOp.Divpd);
        Row(t, IrOpcode.VectorFloatMinRelaxed, VectorShape.F32x4, SseOp.Minps, SseOp.Minpd);
        Row(t, IrOpcode.VectorFloatMaxRelaxed, VectorShape.F32x4, SseOp.Maxps, SseOp.Maxpd);
        return t;
    }

    private static SseOp[] BuildUnary()
    {
        var t = New();
        Row(t, IrOpcode.VectorAbs, VectorShape.I8x16, SseOp.Pabsb, SseOp.Pabsw, SseOp.Pabsd);
        Row(t, IrOpcode.VectorFloatSqrt, VectorShape.F32x4, SseOp.Sqrtps, SseOp.Sqrtpd);
        Row(t, IrOpcode.VectorFloatNearest, VectorShape.F32x4, SseOp.Roundps, SseOp.Roundpd);
        Row(t, IrOpcode.VectorFloatFloor, VectorShape.F32x4, SseOp.Roundps, SseOp.Roundpd);
        Row(t, IrOpcode.VectorFloatCeil, VectorShape.F32x4, SseOp.Roundps, SseOp.Roundpd);
        Row(t, IrOpcode.VectorFloatTrunc, VectorShape.F32x4, SseOp.Roundps, SseOp.Roundpd);
        Row(t, IrOpcode.VectorDemote, default, SseOp.Cvtpd2ps);
        return t;
    }
}

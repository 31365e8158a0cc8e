// A whole function as text: what the pieces look like together, readable in a diff. Re-bless with TARN_BLESS=1.
using System.Text;
using Tarn.Assembler.X64;
using Tarn.TestSupport;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.Assembler.Tests;

public sealed class ListingTests
{
    [Theory]
    [InlineData("baseline", CpuFeatures.None, true)]
    [InlineData("avx", CpuFeatures.Avx, true)]
    [InlineData("long-branches", CpuFeatures.Avx, false)]
    internal void Function(string name, CpuFeatures features, bool shorten)
    {
        var asm = new X64Assembler(features, shorten);
        var marks = new List<(string Text, int Offset)>();
        Emit(asm, marks);
        asm.Finish();
        var text = new StringBuilder();
        _ = text.Append(Disassembler.Format(asm.Code[..asm.CodeSize]));
        _ = text.Append("\nconstants and tables\n");
        for (int i = asm.CodeSize; i < asm.Code.Length; i += 16)
            _ = text.Append($"{i:X4}  {Convert.ToHexString(asm.Code[i..Math.Min(i + 16, asm.Code.Length)])}\n");
        _ = text.Append("\nrelocations\n");
        foreach (CodeRelocation relocation in asm.Relocations)
            _ = text.Append($"{relocation.Offset:X4}  {relocation.Kind} symbol {relocation.Symbol}{relocation.Addend:+0;-0;+0}\n");
        _ = text.Append("\nmarks\n");
        foreach ((string mark, int offset) in marks)
            _ = text.Append($"{asm.MapOffset(offset):X4}  {mark}\n");
        GoldenFile.Check($"tests/Tarn.Assembler.Tests/Golden/{name}.txt", text.ToString());
    }

    // Sums the absolute values of an array of doubles, after a switch on the kind of array.
    private static void Emit(X64Assembler asm, List<(string Text, int Offset)> marks)
    {
        Label loop = asm.NewLabel();
        Label done = asm.NewLabel();
        Label trap = asm.NewLabel();
        Label doubles = asm.NewLabel();
        asm.Sub(S64, Gpr.Rsp, 24);
        marks.Add(("frame made", asm.Offset));
        asm.Cmp(S64, Gpr.Rsp, new Mem(Gpr.R14, 0x40));
        asm.Jcc(Condition.Below, trap);
        asm.Mov(S32, Gpr.Rdi, Gpr.Rdi);
        asm.Cmp(S32, Gpr.Rdi, 3);
        asm.Jcc(Condition.AboveEqual, trap);
        asm.JmpTable(asm.AddJumpTable([doubles, done, trap]), Gpr.Rdi, Gpr.Rax);
        asm.Bind(doubles);
        asm.ZeroXmm(Xmm.Xmm0);
        asm.Test(S64, Gpr.Rsi, Gpr.Rsi);
        asm.Jcc(Condition.Equal, done);
        asm.Align(32);
        asm.Bind(loop);
        marks.Add(("load may fault", asm.Offset));
        asm.Vec(SseOp.MovsdLoad, Xmm.Xmm9, new Mem(Gpr.R15, Gpr.Rsi, 3, -8));
        asm.Vec(SseOp.Andpd, Xmm.Xmm9, asm.Constant16(long.MaxValue, long.MaxValue));
        asm.Vec(SseOp.Addsd, Xmm.Xmm0, Xmm.Xmm0, Xmm.Xmm9);
        asm.Vec(SseOp.Addsd, Xmm.Xmm0, asm.Constant8(0x3FF0000000000000));
        asm.Sub(S64, Gpr.Rsi, 1);
        asm.Jcc(Condition.NotEqual, loop);
        asm.Bind(done);
        asm.CallSymbol(5);
        marks.Add(("return address", asm.Offset));
        asm.Add(S64, Gpr.Rsp, 24);
        asm.Ret(16);
        asm.Bind(trap);
        asm.MovImm(Gpr.Rax, 0x7FFF_0000_1234);
        asm.JmpSymbol(6);
    }
}

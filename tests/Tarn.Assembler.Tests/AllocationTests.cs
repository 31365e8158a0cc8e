// In steady state assembling a function allocates nothing, and the same calls give the same bytes.
using Tarn.Assembler.X64;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.Assembler.Tests;

public sealed class AllocationTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Steady_state_allocates_nothing(bool shorten)
    {
        var asm = new X64Assembler(CpuFeatures.Avx, shorten);
        Assemble(asm);
        byte[] first = asm.Code.ToArray();
        Assemble(asm);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 50; i++)
            Assemble(asm);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(first, asm.Code.ToArray());
    }

    // Everything that keeps records: branches, labels, alignments, constants, tables, relocations.
    private static void Assemble(X64Assembler asm)
    {
        asm.Reset();
        Label first = asm.NewLabels(100);
        ReadOnlySpan<Label> targets = [first, new(first.Id + 50), new(first.Id + 99)];
        Label table = asm.AddJumpTable(targets);
        int checksum = 0;
        for (int i = 0; i < 100; i++)
        {
            asm.Align(16);
            asm.Bind(new Label(first.Id + i));
            asm.Mov(S64, Gpr.Rax, new Mem(Gpr.R14, i * 8));
            asm.Avx(SseOp.Addsd, Xmm.Xmm1, Xmm.Xmm2, asm.Constant8((ulong)i));
            asm.Sse(SseOp.Addps, Xmm.Xmm1, asm.Constant16((ulong)i, 1));
            asm.Jcc(Condition.Above, new Label(first.Id + (i * 7 % 100)));
            asm.Jmp(new Label(first.Id + 99));
            asm.CallSymbol(i);
            checksum += asm.Offset;
        }
        asm.JmpTable(table, Gpr.Rax, Gpr.Rcx);
        asm.Finish();
        var cursor = new X64Assembler.OffsetCursor(asm);
        if (cursor.Map(checksum) == 0 || asm.MapOffset(checksum) == 0 || asm.Relocations.Length != 100)
            throw new InvalidOperationException("The offsets are lost.");
    }
}

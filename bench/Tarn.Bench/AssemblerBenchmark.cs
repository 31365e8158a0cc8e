// How fast instructions are encoded and functions laid out: it bounds how fast anything can be compiled. The peer is Iced's assembler, given the same
// instructions; it builds objects first, which is what a general library has to do and a compiler must not.
using System.Diagnostics;
using Iced.Intel;
using Tarn.Assembler.X64;
using static Iced.Intel.AssemblerRegisters;
using static Tarn.Assembler.X64.OperandSize;
using Label = Tarn.Assembler.Label;

namespace Tarn.Bench;

internal sealed class AssemblerBenchmark : IBenchmark
{
    private const int Blocks = 200;
    private const int Functions = 100;

    public string Verb => "assembler";

    public string Summary => "encoding and laying out a function of 2200 instructions against Iced's assembler, MB/s of code";

    public int Run(BenchmarkArguments arguments)
    {
        X64Assembler shortening = new(CpuFeatures.Avx);
        X64Assembler plain = new(CpuFeatures.Avx, shortenBranches: false);
        int shortSize = Assemble(shortening);
        int longSize = Assemble(plain);
        int peerSize = AssemblePeer();
        Console.WriteLine($"bytes of code: {shortSize} shortened, {longSize} not, {peerSize} by Iced");
        // Until the CLR has compiled all of it in earnest, what is measured is the CLR.
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start).TotalSeconds < 2;)
        {
            Repeat(shortening);
            Repeat(plain);
            _ = AssemblePeer();
        }
        SideBySide run = SideBySide.Throughput("Assembler");
        run.Run(
            "assembling",
            [
                Contender.InProcess("Tarn", (double)shortSize * Functions, () => Repeat(shortening)),
                Contender.InProcess("Tarn, forward branches left long", (double)longSize * Functions, () => Repeat(plain)),
                Contender.InProcess("Iced", peerSize, () => AssemblePeer()),
            ],
            arguments.Rounds(31));
        run.Report(arguments);
        return 0;
    }

    private static void Repeat(X64Assembler asm)
    {
        for (int i = 0; i < Functions; i++)
            _ = Assemble(asm);
    }

    // The instructions of a typical loop over memory, with a branch to one of the blocks nearby, backward or forward.
    private static int Assemble(X64Assembler asm)
    {
        asm.Reset();
        Label first = asm.NewLabels(Blocks);
        for (int i = 0; i < Blocks; i++)
        {
            asm.Bind(new Label(first.Id + i));
            asm.Mov(S32, Gpr.Rax, new Mem(Gpr.R15, Gpr.Rdi, 0, 16));
            asm.Mov(S64, Gpr.Rcx, new Mem(Gpr.Rsp, 32));
            asm.Alu(AluOp.Add, S32, Gpr.Rax, Gpr.Rbx);
            asm.Alu(AluOp.Xor, S64, Gpr.R9, Gpr.R10);
            asm.Lea(S32, Gpr.Rdx, new Mem(Gpr.Rax, Gpr.Rcx, 2, 100));
            asm.Shift(ShiftOp.Shl, S32, Gpr.Rdx, 3);
            asm.Mov(S32, new Mem(Gpr.R15, Gpr.Rdx), Gpr.Rax);
            asm.Avx(SseOp.Addsd, Xmm.Xmm1, Xmm.Xmm2, Xmm.Xmm3);
            asm.Avx(SseOp.Mulsd, Xmm.Xmm1, Xmm.Xmm2, new Mem(Gpr.Rsp, 40));
            asm.Alu(AluOp.Cmp, S32, Gpr.Rdi, 1000);
            asm.Jcc(Condition.Below, new Label(first.Id + TargetOf(i)));
        }
        asm.Finish();
        return asm.Code.Length;
    }

    private static int AssemblePeer()
    {
        var asm = new Iced.Intel.Assembler(64);
        var labels = new Iced.Intel.Label[Blocks];
        for (int i = 0; i < Blocks; i++)
            labels[i] = asm.CreateLabel();
        for (int i = 0; i < Blocks; i++)
        {
            asm.Label(ref labels[i]);
            asm.mov(eax, __dword_ptr[r15 + rdi + 16]);
            asm.mov(rcx, __qword_ptr[rsp + 32]);
            asm.add(eax, ebx);
            asm.xor(r9, r10);
            asm.lea(edx, __[rax + (rcx * 4) + 100]);
            asm.shl(edx, 3);
            asm.mov(__dword_ptr[r15 + rdx], eax);
            asm.vaddsd(xmm1, xmm2, xmm3);
            asm.vmulsd(xmm1, xmm2, __qword_ptr[rsp + 40]);
            asm.cmp(edi, 1000);
            asm.jb(labels[TargetOf(i)]);
        }
        MemoryStream stream = new();
        _ = asm.Assemble(new StreamCodeWriter(stream), 0);
        return (int)stream.Length;
    }

    private static int TargetOf(int block) => Math.Min(Blocks - 1, block % 3 == 0 ? block / 2 : block + (block % 5));
}

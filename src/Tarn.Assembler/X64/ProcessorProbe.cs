// The code that asks the processor what it is: CPUID, and XGETBV for what the operating system saves. Intrinsics do not answer that under NativeAOT, where they say what the program
// was compiled for. Whoever has executable memory (the runtime) copies the bytes there and calls them.
namespace Tarn.Assembler.X64;

using static Gpr;
using static OperandSize;

/// <summary>Emits two functions in the operating system's C convention.</summary>
internal static class ProcessorProbe
{
    /// <summary>Emits (u32 leaf, u32 subleaf, u32* result), which writes eax, ebx, ecx and edx.</summary>
    public static Label EmitIdentify(X64Assembler asm, bool isWindows)
    {
        var entry = asm.NewLabel();
        asm.Bind(entry);
        var (leaf, subleaf, result) = isWindows ? (Rcx, Rdx, R8) : (Rdi, Rsi, Rdx);
        asm.Push(Rbx);
        asm.Mov(S64, R9, result);
        asm.Mov(S32, R10, subleaf);
        asm.Mov(S32, Rax, leaf);
        asm.Mov(S32, Rcx, R10);
        asm.Cpuid();
        asm.Mov(S32, new Mem(R9, 0), Rax);
        asm.Mov(S32, new Mem(R9, 4), Rbx);
        asm.Mov(S32, new Mem(R9, 8), Rcx);
        asm.Mov(S32, new Mem(R9, 12), Rdx);
        asm.Pop(Rbx);
        asm.Ret();
        return entry;
    }

    /// <summary>Emits () → u64: extended control register 0. Only for processors that have OSXSAVE set.</summary>
    public static Label EmitControlRegister(X64Assembler asm)
    {
        var entry = asm.NewLabel();
        asm.Bind(entry);
        asm.Alu(AluOp.Xor, S32, Rcx, Rcx);
        asm.Xgetbv();
        asm.Shift(ShiftOp.Shl, S64, Rdx, 32);
        asm.Alu(AluOp.Or, S64, Rax, Rdx);
        asm.Ret();
        return entry;
    }
}

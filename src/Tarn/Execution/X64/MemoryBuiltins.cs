// Why: memory.copy and memory.fill without leaving guest code. Bounds have been checked by the caller, so an access can only fault on a page of a pool
// slot that is opened on demand, and then the instruction runs again: each load of a piece precedes the stores that could overlap it, and string
// instructions restart where they stopped. Only argument, result and scratch registers are used; guest code expects no others back.
//
// One instruction may ask for 4 GiB, and where pages have to be made first that takes seconds. So the loops stop every PieceBytes and look whether the guest has been asked
// to end, as its own loops do.
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Platform;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;
using static Tarn.Assembler.X64.Xmm;

namespace Tarn.Execution.X64;

internal static class MemoryBuiltins
{
    // From here on the microcode of `rep` is faster than a loop, on processors that have the fast form.
    private const int RepeatThreshold = 2048;

    /// <summary>What is copied or filled between two looks whether the guest has been interrupted.</summary>
    public const int PieceBytes = 16 << 20;

    /// <summary>memmove(rdi destination, rsi source, rdx count).</summary>
    public static Label EmitCopy(StubAssembler stub, Label interrupt)
    {
        X64Assembler asm = stub.Asm;
        stub.Align();
        Label entry = asm.BindNew();
        Label below16 = asm.NewLabel();
        Label above32 = asm.NewLabel();
        Label above64 = asm.NewLabel();
        Label above128 = asm.NewLabel();
        Label backward = asm.NewLabel();
        Label forward = asm.NewLabel();

        asm.Cmp(S64, Rdx, 16);
        asm.Jcc(Condition.Below, below16);
        asm.Cmp(S64, Rdx, 32);
        asm.Jcc(Condition.Above, above32);
        CopyEnds(asm, 1);
        asm.Bind(above32);
        asm.Cmp(S64, Rdx, 64);
        asm.Jcc(Condition.Above, above64);
        CopyEnds(asm, 2);
        asm.Bind(above64);
        asm.Cmp(S64, Rdx, 128);
        asm.Jcc(Condition.Above, above128);
        CopyEnds(asm, 4);

        // Backward only if the destination starts inside the source.
        asm.Bind(above128);
        asm.Mov(S64, Rax, Rdi);
        asm.Sub(S64, Rax, Rsi);
        asm.Cmp(S64, Rax, Rdx);
        asm.Jcc(Condition.Below, backward);
        if ((asm.Features & CpuFeatures.FastRep) != 0)
        {
            // The microcode is slow where the two are closer than a cache line.
            asm.Cmp(S64, Rdx, RepeatThreshold);
            asm.Jcc(Condition.Below, forward);
            asm.Neg(S64, Rax);
            asm.Cmp(S64, Rax, 64);
            asm.Jcc(Condition.Below, forward);
            Label piece = asm.BindNew();
            NextPiece(asm);
            asm.RepMovsb();
            RepeatUnlessInterrupted(stub, interrupt, piece);
            asm.Ret();
        }

        // The last 64 bytes are loaded first: stores may reach them when source and destination are close.
        asm.Bind(forward);
        LoadFour(asm, Xmm4, new Mem(Rsi, Rdx, 0, -64));
        asm.Lea(S64, R8, new Mem(Rdi, Rdx, 0, -64));
        Label forwardPiece = asm.BindNew();
        asm.Lea(S64, R10, new Mem(Rdi, PieceBytes));
        asm.Cmp(S64, R10, R8);
        asm.Cmov(Condition.Above, S64, R10, R8);
        Label forwardLoop = asm.BindNew();
        LoadFour(asm, Xmm0, new Mem(Rsi));
        StoreFour(asm, Xmm0, new Mem(Rdi));
        asm.Add(S64, Rsi, 64);
        asm.Add(S64, Rdi, 64);
        asm.Cmp(S64, Rdi, R10);
        asm.Jcc(Condition.Below, forwardLoop);
        Label forwardEnd = asm.NewLabel();
        asm.Cmp(S64, Rdi, R8);
        asm.Jcc(Condition.AboveEqual, forwardEnd);
        LookForInterrupt(stub, interrupt);
        asm.Jmp(forwardPiece);
        asm.Bind(forwardEnd);
        StoreFour(asm, Xmm4, new Mem(R8));
        asm.Ret();

        asm.Bind(backward);
        LoadFour(asm, Xmm4, new Mem(Rsi));
        asm.Mov(S64, R8, Rdi);
        asm.Lea(S64, R9, new Mem(Rdi, 64));
        asm.Add(S64, Rsi, Rdx);
        asm.Add(S64, Rdi, Rdx);
        Label backwardPiece = asm.BindNew();
        asm.Lea(S64, R10, new Mem(Rdi, -PieceBytes));
        asm.Cmp(S64, R10, R9);
        asm.Cmov(Condition.Below, S64, R10, R9);
        Label backwardLoop = asm.BindNew();
        LoadFour(asm, Xmm0, new Mem(Rsi, -64));
        StoreFour(asm, Xmm0, new Mem(Rdi, -64));
        asm.Sub(S64, Rsi, 64);
        asm.Sub(S64, Rdi, 64);
        asm.Cmp(S64, Rdi, R10);
        asm.Jcc(Condition.Above, backwardLoop);
        Label backwardEnd = asm.NewLabel();
        asm.Cmp(S64, Rdi, R9);
        asm.Jcc(Condition.BelowEqual, backwardEnd);
        LookForInterrupt(stub, interrupt);
        asm.Jmp(backwardPiece);
        asm.Bind(backwardEnd);
        StoreFour(asm, Xmm4, new Mem(R8));
        asm.Ret();

        asm.Bind(below16);
        SmallCopy(asm, S64, 8);
        SmallCopy(asm, S32, 4);
        Label nothing = asm.NewLabel();
        asm.Test(S64, Rdx, Rdx);
        asm.Jcc(Condition.Equal, nothing);
        asm.Mov(S64, R8, Rdx);
        asm.Shift(ShiftOp.Shr, S64, R8, 1);
        asm.Movzx(S8, Rax, new Mem(Rsi));
        asm.Movzx(S8, Rcx, new Mem(Rsi, R8));
        asm.Movzx(S8, R9, new Mem(Rsi, Rdx, 0, -1));
        asm.Mov(S8, new Mem(Rdi), Rax);
        asm.Mov(S8, new Mem(Rdi, R8), Rcx);
        asm.Mov(S8, new Mem(Rdi, Rdx, 0, -1), R9);
        asm.Bind(nothing);
        asm.Ret();
        return entry;
    }

    /// <summary>memset(rdi destination, esi byte, rdx count).</summary>
    public static Label EmitFill(StubAssembler stub, Label interrupt)
    {
        X64Assembler asm = stub.Asm;
        stub.Align();
        Label entry = asm.BindNew();
        Label below16 = asm.NewLabel();
        Label large = asm.NewLabel();
        Label loop = asm.NewLabel();
        Label tail = asm.NewLabel();
        Label nothing = asm.NewLabel();

        asm.Movzx(S8, Rax, Rsi);
        asm.MovImm(Rcx, 0x0101010101010101);
        asm.Imul(S64, Rax, Rcx);
        asm.Cmp(S64, Rdx, 16);
        asm.Jcc(Condition.Below, below16);
        asm.Vec(SseOp.Movq, Xmm0, Rax);
        asm.Vec(SseOp.Punpcklqdq, Xmm0, Xmm0);
        if ((asm.Features & CpuFeatures.FastRep) != 0)
        {
            asm.Cmp(S64, Rdx, RepeatThreshold);
            asm.Jcc(Condition.AboveEqual, large);
        }

        asm.Lea(S64, R8, new Mem(Rdi, Rdx, 0, -64));
        asm.Cmp(S64, Rdx, 64);
        asm.Jcc(Condition.Below, tail);
        Label piece = asm.BindNew();
        asm.Lea(S64, R10, new Mem(Rdi, PieceBytes));
        asm.Cmp(S64, R10, R8);
        asm.Cmov(Condition.Above, S64, R10, R8);
        asm.Bind(loop);
        for (int i = 0; i < 4; i++)
        {
            asm.Vec(SseOp.MovupsStore, new Mem(Rdi, 16 * i), Xmm0);
        }

        asm.Add(S64, Rdi, 64);
        asm.Cmp(S64, Rdi, R10);
        asm.Jcc(Condition.Below, loop);
        Label end = asm.NewLabel();
        asm.Cmp(S64, Rdi, R8);
        asm.Jcc(Condition.AboveEqual, end);
        LookForInterrupt(stub, interrupt);
        asm.Jmp(piece);
        asm.Bind(end);
        for (int i = 0; i < 4; i++)
        {
            asm.Vec(SseOp.MovupsStore, new Mem(R8, 16 * i), Xmm0);
        }

        asm.Ret();

        // 16 to 63 bytes: from both ends, in the middle overlapping.
        asm.Bind(tail);
        asm.Vec(SseOp.MovupsStore, new Mem(Rdi), Xmm0);
        asm.Vec(SseOp.MovupsStore, new Mem(Rdi, Rdx, 0, -16), Xmm0);
        asm.Cmp(S64, Rdx, 32);
        asm.Jcc(Condition.BelowEqual, nothing);
        asm.Vec(SseOp.MovupsStore, new Mem(Rdi, 16), Xmm0);
        asm.Vec(SseOp.MovupsStore, new Mem(Rdi, Rdx, 0, -32), Xmm0);
        asm.Ret();

        if ((asm.Features & CpuFeatures.FastRep) != 0)
        {
            asm.Bind(large);
            NextPiece(asm);
            asm.RepStosb();
            RepeatUnlessInterrupted(stub, interrupt, large);
            asm.Ret();
        }

        asm.Bind(below16);
        SmallFill(asm, S64, 8);
        SmallFill(asm, S32, 4);
        asm.Test(S64, Rdx, Rdx);
        asm.Jcc(Condition.Equal, nothing);
        asm.Mov(S64, R8, Rdx);
        asm.Shift(ShiftOp.Shr, S64, R8, 1);
        asm.Mov(S8, new Mem(Rdi), Rax);
        asm.Mov(S8, new Mem(Rdi, R8), Rax);
        asm.Mov(S8, new Mem(Rdi, Rdx, 0, -1), Rax);
        asm.Bind(nothing);
        asm.Ret();
        return entry;
    }

    // rcx = the next piece's bytes, taken off the rest in rdx.
    private static void NextPiece(X64Assembler asm)
    {
        asm.MovImm32(Rcx, PieceBytes);
        asm.Cmp(S64, Rdx, Rcx);
        asm.Cmov(Condition.Below, S64, Rcx, Rdx);
        asm.Sub(S64, Rdx, Rcx);
    }

    // Goes on with the next piece, if there is one.
    private static void RepeatUnlessInterrupted(StubAssembler stub, Label interrupt, Label piece)
    {
        X64Assembler asm = stub.Asm;
        Label done = asm.NewLabel();
        asm.Test(S64, Rdx, Rdx);
        asm.Jcc(Condition.Equal, done);
        LookForInterrupt(stub, interrupt);
        asm.Jmp(piece);
        asm.Bind(done);
    }

    // What compiled code does at its loops' ends. The call keeps every register; if the guest has to stop it never returns.
    private static void LookForInterrupt(StubAssembler stub, Label interrupt)
    {
        X64Assembler asm = stub.Asm;
        Label goOn = asm.NewLabel();
        asm.Cmp(S32, StubAssembler.Context(VmContextHeader.InterruptRequested), 0);
        asm.Jcc(Condition.Equal, goOn);
        asm.Call(interrupt);
        stub.Owner.AddFrame(asm.Offset, new FrameDescription(FrameKind.Exit, FrameSize: 0));
        asm.Bind(goOn);
    }

    // So many pieces of 16 bytes from either end, all loaded before any is stored.
    private static void CopyEnds(X64Assembler asm, int pieces)
    {
        for (int i = 0; i < pieces; i++)
        {
            asm.Vec(SseOp.Movups, (Xmm)i, new Mem(Rsi, 16 * i));
            asm.Vec(SseOp.Movups, (Xmm)(pieces + i), new Mem(Rsi, Rdx, 0, -16 * (i + 1)));
        }

        for (int i = 0; i < pieces; i++)
        {
            asm.Vec(SseOp.MovupsStore, new Mem(Rdi, 16 * i), (Xmm)i);
            asm.Vec(SseOp.MovupsStore, new Mem(Rdi, Rdx, 0, -16 * (i + 1)), (Xmm)(pieces + i));
        }

        asm.Ret();
    }

    private static void LoadFour(X64Assembler asm, Xmm first, Mem from)
    {
        for (int i = 0; i < 4; i++)
        {
            asm.Vec(SseOp.Movups, (Xmm)((int)first + i), from.Plus(16 * i));
        }
    }

    private static void StoreFour(X64Assembler asm, Xmm first, Mem to)
    {
        for (int i = 0; i < 4; i++)
        {
            asm.Vec(SseOp.MovupsStore, to.Plus(16 * i), (Xmm)((int)first + i));
        }
    }

    private static void SmallCopy(X64Assembler asm, OperandSize size, int bytes)
    {
        Label smaller = asm.NewLabel();
        asm.Cmp(S64, Rdx, bytes);
        asm.Jcc(Condition.Below, smaller);
        asm.Mov(size, Rax, new Mem(Rsi));
        asm.Mov(size, Rcx, new Mem(Rsi, Rdx, 0, -bytes));
        asm.Mov(size, new Mem(Rdi), Rax);
        asm.Mov(size, new Mem(Rdi, Rdx, 0, -bytes), Rcx);
        asm.Ret();
        asm.Bind(smaller);
    }

    private static void SmallFill(X64Assembler asm, OperandSize size, int bytes)
    {
        Label smaller = asm.NewLabel();
        asm.Cmp(S64, Rdx, bytes);
        asm.Jcc(Condition.Below, smaller);
        asm.Mov(size, new Mem(Rdi), Rax);
        asm.Mov(size, new Mem(Rdi, Rdx, 0, -bytes), Rax);
        asm.Ret();
        asm.Bind(smaller);
    }
}

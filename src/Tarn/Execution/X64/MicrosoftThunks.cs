// Why: Microsoft's x64 convention around stubs that speak System V's. An entry thunk preserves what Microsoft's callee has to and the guest does not (rdi, rsi, xmm6 to xmm15), moves arguments, and stores the two
// halves of a RawResult where the hidden first argument points. Whatever leaves the guest comes back to the thunk, since that is what called the entry: a guest that another thread resumed comes back to that
// thread's. Managed code is called by a thunk of its own, which leaves the 32 bytes above the return address that it may write to.
//
// Invariants: no managed code runs on a guest stack, so the limits of the stack in the thread's environment block are always those of the stack in use whenever Windows could look; the thread's stack is aligned
// to 16 bytes at every call.
//
//   thread's stack:  shadow | return address | rdi | rsi | rbx | xmm6 ... xmm15 | the stub's frame
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Abi.X64;
using Tarn.Platform;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.Execution.X64;

internal static unsafe class MicrosoftThunks
{
    private const int RegisterArguments = 4;
    private const int ShadowBytes = 32;
    private const int FirstPreservedVector = 6;
    private const int PreservedVectors = 10;
    private const int VectorBytes = PreservedVectors * 16;
    private const int PushedBytes = 24;

    /// <summary>Whether typed calls have a thunk: those that <see cref="GuestCalls"/> makes.</summary>
    public static bool CanCarry(Signature signature) => signature.Parameters.Length <= GuestCalls.MaxArity;

    /// <summary>What exit stubs call as a function of System V's convention: (record, function reference) → status.</summary>
    public static nint HostCall(CodeArena arena)
    {
        StubAssembler stub = new(arena, "call of managed code");
        X64Assembler asm = stub.Asm;
        // With the return address, the stack is aligned again.
        asm.Sub(S64, Rsp, ShadowBytes + 8);
        asm.Mov(S64, Rcx, Rdi);
        asm.Mov(S64, Rdx, Rsi);
        asm.MovImm64(Rax, GuestExecution.HostCallAddress);
        asm.Call(Rax);
        asm.Add(S64, Rsp, ShadowBytes + 8);
        asm.Ret();
        return (nint)stub.Publish().Address;
    }

    /// <summary>(hidden result, record) → RawResult, around a stub that resumes.</summary>
    public static nint Resume(CodeArena arena, nint target)
    {
        StubAssembler stub = new(arena, "resumption");
        Begin(stub);
        stub.Asm.Mov(S64, Rdi, Rdx);
        stub.CallTo(target);
        End(stub, givesResult: true);
        return (nint)stub.Publish().Address;
    }

    /// <summary>(function reference, values) → nothing, around an array entry.</summary>
    public static Label EmitArray(StubAssembler stub, Label target)
    {
        stub.Align();
        Label entry = stub.Asm.BindNew();
        Begin(stub);
        stub.Asm.Mov(S64, Rdi, Rcx);
        stub.Asm.Mov(S64, Rsi, Rdx);
        stub.Asm.Call(target);
        End(stub, givesResult: false);
        return entry;
    }

    /// <summary>(hidden result, integers, function reference, floating-point numbers) → RawResult, around a typed entry of a signature that <see cref="CanCarry"/>.</summary>
    public static Label EmitTyped(StubAssembler stub, Signature signature, Label target)
    {
        X64Assembler asm = stub.Asm;
        int integers = 1;
        int vectors = 0;
        foreach (AbiType type in signature.Parameters)
        {
            integers += CallConvention.IsVector(type) ? 0 : 1;
            vectors += CallConvention.IsVector(type) ? 1 : 0;
        }

        stub.Align();
        Label entry = asm.BindNew();
        Begin(stub);
        // Each is read before it is overwritten, since arguments move to lower places only.
        ReadOnlySpan<Gpr> from = [Rcx, Rdx, R8, R9];
        ReadOnlySpan<Gpr> to = [Rdi, Rsi, Rdx, Rcx, R8, R9];
        for (int i = 0; i < integers; i++)
        {
            int position = i + 1;
            if (position < RegisterArguments)
                asm.Mov(S64, to[i], from[position]);
            else
                asm.Mov(S64, to[i], StackArgument(position));
        }

        for (int i = 0; i < vectors; i++)
        {
            int position = 1 + integers + i;
            if (position < RegisterArguments)
                asm.Vec(SseOp.Movaps, (Xmm)i, (Xmm)position);
            else
                asm.Vec(SseOp.MovsdLoad, (Xmm)i, StackArgument(position));
        }

        asm.Call(target);
        End(stub, givesResult: true);
        return entry;
    }

    private static Mem StackArgument(int position) => new(Rsp, VectorBytes + PushedBytes + 8 + ShadowBytes + (8 * (position - RegisterArguments)));

    private static void Begin(StubAssembler stub)
    {
        X64Assembler asm = stub.Asm;
        asm.Push(Rdi);
        asm.Push(Rsi);
        asm.Push(Rbx);
        asm.Sub(S64, Rsp, VectorBytes);
        for (int i = 0; i < PreservedVectors; i++)
            asm.Vec(SseOp.MovupsStore, new Mem(Rsp, 16 * i), (Xmm)(FirstPreservedVector + i));
        // The hidden result's address, where there is one.
        asm.Mov(S64, Rbx, Rcx);
    }

    private static void End(StubAssembler stub, bool givesResult)
    {
        X64Assembler asm = stub.Asm;
        if (givesResult)
        {
            asm.Mov(S64, new Mem(Rbx), Rax);
            asm.Vec(SseOp.MovsdStore, new Mem(Rbx, 8), (Xmm)0);
            asm.Mov(S64, Rax, Rbx);
        }

        for (int i = 0; i < PreservedVectors; i++)
            asm.Vec(SseOp.Movups, (Xmm)(FirstPreservedVector + i), new Mem(Rsp, 16 * i));
        asm.Add(S64, Rsp, VectorBytes);
        asm.Pop(Rbx);
        asm.Pop(Rsi);
        asm.Pop(Rdi);
        asm.Ret();
    }
}

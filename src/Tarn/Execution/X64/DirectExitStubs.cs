// Why: from guest code to one managed entry with the arguments where they are. The guest's convention and C's number registers alike and have the
// same registers for a single result, so nothing is stored and read again: the stub adds the function reference as the last integer
// argument, switches to the thread's stack and calls. DirectHostCalls says which entries there are.
//
// Safety:
//  - The frame on the guest stack is an exit frame like any other (backtraces find the way through it by its Resume), but it has no values and
//    nobody resumes it: the call completes or throws. If it threw, the registers are saved in the frame, for the guest may have a handler. GuestStackPointer leads to it meanwhile, so that nested activations start below.
//  - C's convention preserves rbx, rbp and r12 to r15, the guest's the same but for r14, which stays the callee's context. rbx holds the frame across the
//    call and is put back from it. Managed code cannot unwind through the stub: entries throw nothing.
//  - Nested activations overwrite HostStackPointer and leave GuestStackPointer where they found it; both come back from the frame.
//  - 72 bytes with the return address are within the limit's headroom, like a leaf's frame.
//  - The upper half of an i32 result is undefined in C and zero in guest code: it is cleared here.
//
//   guest stack (ExitFrame):  return address | rbx | outer GuestStackPointer | outer HostStackPointer | VM context | resume   <- rbx, GuestStackPointer
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Abi.X64;
using Tarn.Platform;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.Execution.X64;

internal static class DirectExitStubs
{
    private const int SavedFrameRegister = ExitFrame.SavedGuestStackPointerOffset + 8;
    private const Gpr Frame = Rbx;

    /// <summary>All parameters are in registers with one to spare, and there is at most one result: what a direct exit can carry.</summary>
    public static bool CanCarry(Signature signature)
    {
        int integers = 0;
        int vectors = 0;
        foreach (AbiType type in signature.Parameters)
        {
            integers += CallConvention.IsVector(type) ? 0 : 1;
            vectors += CallConvention.IsVector(type) ? 1 : 0;
        }

        return signature.HasTypedEntry && integers < CallConvention.IntegerArgumentRegisters.Length && vectors <= CallConvention.VectorRegisterCount;
    }

    /// <param name="stub">Where to.</param>
    /// <param name="signature">One that <see cref="CanCarry"/>.</param>
    /// <param name="hostExit">The signature's general exit.</param>
    /// <param name="entry">C function taking the arguments in order, then the <see cref="FunctionReference"/>'s address.</param>
    public static Label Emit(StubAssembler stub, Signature signature, nint hostExit, nint entry)
    {
        int integers = 0;
        foreach (AbiType type in signature.Parameters)
        {
            integers += CallConvention.IsVector(type) ? 0 : 1;
        }

        X64Assembler asm = stub.Asm;
        Gpr function = (Gpr)CallConvention.IntegerArgumentRegisters[integers];
        stub.Align();
        Label start = asm.BindNew();
        Label stop = asm.NewLabel();
        Label resume = asm.NewLabel();
        Label threw = asm.NewLabel();
        asm.Mov(S64, R10, StubAssembler.Context(VmContextHeader.Execution));
        asm.Cmp(S32, new Mem(R10, ExecutionRecordLayout.StopRequested), 0);
        asm.Jcc(Condition.NotEqual, stop);
        asm.Sub(S64, Rsp, ExitFrame.HeaderSize);
        asm.Lea(S64, R11, Mem.At(resume));
        asm.Mov(S64, new Mem(Rsp, ExitFrame.ResumeOffset), R11);
        asm.Mov(S64, new Mem(Rsp, ExitFrame.VmContextOffset), R14);
        asm.Mov(S64, R11, new Mem(R10, ExecutionRecordLayout.HostStackPointer));
        asm.Mov(S64, function, new Mem(R10, ExecutionRecordLayout.GuestStackPointer));
        asm.Mov(S64, new Mem(Rsp, ExitFrame.SavedHostStackPointerOffset), R11);
        asm.Mov(S64, new Mem(Rsp, ExitFrame.SavedGuestStackPointerOffset), function);
        asm.Mov(S64, new Mem(Rsp, SavedFrameRegister), Frame);
        asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.GuestStackPointer), Rsp);
        asm.Mov(S64, Frame, Rsp);
        asm.Mov(S64, function, (Gpr)CallConvention.FunctionReferenceRegister);

        // The stack is aligned to 16 bytes at calls; HostStackPointer is 8 off.
        asm.Lea(S64, Rsp, new Mem(R11, -8));
        asm.MovImm64(Rax, entry);
        asm.Call(Rax);
        asm.Bind(resume);
        stub.Owner.AddFrame(asm.OffsetOf(resume), new FrameDescription(FrameKind.Exit, ExitFrame.HeaderSize));
        asm.Mov(S64, R10, StubAssembler.Context(VmContextHeader.Execution));
        asm.Mov(S64, R11, new Mem(Frame, ExitFrame.SavedHostStackPointerOffset));
        asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.HostStackPointer), R11);
        asm.Cmp(S32, new Mem(R10, ExecutionRecordLayout.ExitCode), (int)ExitCode.Returned);
        asm.Jcc(Condition.NotEqual, threw);
        asm.Mov(S64, R11, new Mem(Frame, ExitFrame.SavedGuestStackPointerOffset));
        asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.GuestStackPointer), R11);
        asm.Lea(S64, Rsp, new Mem(Frame, ExitFrame.HeaderSize));
        asm.Mov(S64, Frame, new Mem(Frame, SavedFrameRegister));
        if (signature.Results is [AbiType.I32])
        {
            asm.Mov(S32, Rax, Rax);
        }

        asm.Ret();

        // Guests that the host function called may have left GuestStackPointer below this frame.
        asm.Bind(threw);
        asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.GuestStackPointer), Frame);
        asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.ExitVmContext), R14);

        // A handler in the guest may catch: the frame is made as complete as that of any exit.
        asm.Mov(S64, Rsp, Frame);
        asm.Mov(S64, Frame, new Mem(Rsp, SavedFrameRegister));
        ExitStubs.SaveRegisters(asm);
        stub.LeaveToHostFrame(R10);
        asm.Pop(R11);
        asm.Jmp(R11);

        asm.Bind(stop);
        stub.JumpTo(hostExit);
        return start;
    }
}

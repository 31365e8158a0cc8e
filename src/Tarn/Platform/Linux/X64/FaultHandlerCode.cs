// Why: the process's SIGSEGV and SIGBUS handler, as machine code. It cannot be managed: the CLR's handler must see its own faults with the
// registers untouched, and managed code may run neither on a guest stack nor in the middle of an arbitrary instruction.
//
// The argument for its safety:
//  1. PC outside the code arena: nothing has been changed but caller-saved registers, and the previous handler gets the three arguments, the stack
//     and the return address as the kernel made them (a tail jump). So NullReferenceException, crash dumps and whatever else keep working. (NativeAOT
//     has no handler for SIGBUS: then the default action is restored and takes place.)
//  2. PC inside the arena: the thread runs guest code or one of our stubs. Both hold a VM context in r14 wherever they access memory that may
//     fault (a fault elsewhere is a bug of ours; then r14 may be stray, the handler faults with SIGSEGV blocked, and the kernel ends the process).
//  3. What it does is safe at any instruction: it reads the table and the slot's record, may make one system call (mprotect), writes the slot's
//     record, the execution record and the interrupted context. No locks, no allocation, no other code.
//  4. Opening pages: only within a registered slab whose entry did not change while it was read (FaultRangeTable), only below the slot's AccessibleBytes, which is the memory's length, so that a guest
//     can never open a page that is not its own. The access is then run again. A granule that faults twice in a row is not tried again.
//     When the log is full everything below AccessibleBytes is opened, so a guest cannot use up the process's mappings page by page.
//  5. Otherwise the interrupted context resumes at the landing stub, on the guest stack with r14 as it was. The kernel restores all
//     registers from the context, so the handler itself need not preserve any.
// It runs on the alternate stack of the thread where there is one (SA_ONSTACK, the CLR makes one for each thread), else on the guest stack,
// whose limit leaves headroom for a signal frame.
//
// Offsets in the kernel's structures (x86-64 Linux: uapi/asm/sigcontext.h, ucontext.h, asm-generic/siginfo.h); the self-test faults once on purpose.
//   siginfo:   si_addr 0x10
//   ucontext:  uc_mcontext.gregs from 0x28: r8 r9 r10 r11 r12 r13 r14 r15 rdi rsi rbp rbx rdx rax rcx rsp rip
//              so r14 is at 0x58 and rip at 0xA8
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.Platform.Linux.X64;

internal static unsafe class FaultHandlerCode
{
    private const int SignalInfoAddress = 0x10;
    private const int ContextR14 = 0x58;
    private const int ContextRip = 0xA8;
    private const int SystemCallProtect = 10;
    private const int SystemCallSignalAction = 13;

    /// <summary>Emits the handler (edi = signal, rsi = siginfo*, rdx = ucontext*).</summary>
    public static void Emit(X64Assembler asm, CodeArena arena, in FaultHandlerParameters parameters, nint landing)
    {
        Label chain = asm.NewLabel();
        Label chainBusError = asm.NewLabel();
        Label trap = asm.NewLabel();
        Label trapWithContext = asm.NewLabel();
        Label failed = asm.NewLabel();
        Label next = asm.NewLabel();
        Label skip = asm.NewLabel();
        Label found = asm.NewLabel();
        Label stable = asm.NewLabel();
        Label logged = asm.NewLabel();
        Label one = asm.NewLabel();

        asm.Mov(S64, Rax, new Mem(Rdx, ContextRip));
        asm.MovImm64(Rcx, (nint)arena.Base);
        asm.Sub(S64, Rax, Rcx);
        asm.MovImm64(Rcx, (nint)arena.ReservedBytes);
        asm.Cmp(S64, Rax, Rcx);
        asm.Jcc(Condition.AboveEqual, chain);

        asm.Mov(S64, Rcx, new Mem(Rsi, SignalInfoAddress));
        asm.Cmp(S32, Rdi, LinuxNative.SignalSegmentationFault);
        asm.Jcc(Condition.NotEqual, trap);

        // rcx = fault address, rdx = context. Is it in a slab?
        asm.MovImm64(R8, parameters.RangeTable);
        asm.Mov(S32, R9, new Mem(R8));
        asm.Add(S64, R8, FaultRangeTable.HeaderSize);
        asm.Bind(next);
        asm.Sub(S32, R9, 1);
        asm.Jcc(Condition.Below, trap);
        asm.Mov(S32, Rsi, new Mem(R8, FaultRangeTable.VersionOffset));
        asm.Test(S32, Rsi, 1);
        asm.Jcc(Condition.NotEqual, skip);
        asm.Mov(S64, Rax, Rcx);
        asm.Sub(S64, Rax, new Mem(R8, FaultRangeTable.BaseOffset));
        asm.Cmp(S64, Rax, new Mem(R8, FaultRangeTable.LengthOffset));
        asm.Jcc(Condition.Below, found);
        asm.Bind(skip);
        asm.Add(S64, R8, FaultRangeTable.EntrySize);
        asm.Jmp(next);

        // Everything is read before the version is asked again, and nothing is followed before it has answered.
        asm.Bind(found);
        asm.Push(new Mem(R8, FaultRangeTable.GranuleMaskOffset));
        asm.Push(new Mem(R8, FaultRangeTable.RecordStrideOffset));
        asm.Mov(S64, Rdi, new Mem(R8, FaultRangeTable.RecordsOffset));
        asm.Mov(S64, R11, new Mem(R8, FaultRangeTable.SlotStrideOffset));
        asm.Cmp(S32, Rsi, new Mem(R8, FaultRangeTable.VersionOffset));
        asm.Jcc(Condition.Equal, stable);
        asm.Add(S64, Rsp, 16);
        asm.MovImm32(Rdi, LinuxNative.SignalSegmentationFault);
        asm.Jmp(skip);

        // r10 = context, r9 = slot's record, rdx = offset in the slot, rsi = granule − 1.
        asm.Bind(stable);
        asm.Mov(S64, R10, Rdx);
        asm.Zero(Rdx);
        asm.Unary(UnaryOp.Div, S64, R11);
        asm.Pop(R11);
        asm.Imul(S64, Rax, R11);
        asm.Add(S64, Rax, Rdi);
        asm.Mov(S64, R9, Rax);
        asm.Pop(Rsi);
        asm.Cmp(S64, Rdx, new Mem(R9, FaultSlotRecord.AccessibleBytesOffset));
        asm.Jcc(Condition.AboveEqual, trapWithContext);

        // r11 = offset of the granule, rdi = its address, rsi = its length, cut off at the memory's end.
        asm.Mov(S64, Rax, Rsi);
        asm.Not(S64, Rax);
        asm.Mov(S64, R11, Rdx);
        asm.Alu(AluOp.And, S64, R11, Rax);
        asm.Mov(S64, Rdi, Rcx);
        asm.Sub(S64, Rdi, Rdx);
        asm.Add(S64, Rdi, R11);
        asm.Add(S64, Rsi, 1);
        asm.Mov(S64, Rax, new Mem(R9, FaultSlotRecord.AccessibleBytesOffset));
        asm.Sub(S64, Rax, R11);
        asm.Cmp(S64, Rsi, Rax);
        asm.Cmov(Condition.Above, S64, Rsi, Rax);
        asm.Cmp(S64, Rdi, new Mem(R9, FaultSlotRecord.LastGranuleOffset));
        asm.Jcc(Condition.Equal, trapWithContext);
        asm.Mov(S64, new Mem(R9, FaultSlotRecord.LastGranuleOffset), Rdi);

        // The system call clobbers rax, rcx and r11.
        asm.Mov(S64, R8, R11);
        asm.Shift(ShiftOp.Shr, S64, R8, FaultSlotRecord.LogUnitShift);
        // Where the log is full the whole memory is opened instead: each page by itself would be two mappings, of which a process has few.
        asm.Mov(S32, Rax, new Mem(R9, FaultSlotRecord.LogCountOffset));
        asm.Cmp(S32, Rax, new Mem(R9, FaultSlotRecord.LogCapacityOffset));
        asm.Jcc(Condition.Below, one);
        asm.Sub(S64, Rdi, R11);
        asm.Mov(S64, Rsi, new Mem(R9, FaultSlotRecord.AccessibleBytesOffset));
        asm.Bind(one);
        asm.Push(Rcx);
        asm.MovImm32(Rdx, LinuxNative.ProtectionRead | LinuxNative.ProtectionWrite);
        asm.MovImm32(Rax, SystemCallProtect);
        asm.Syscall();
        asm.Pop(Rcx);
        asm.Test(S32, Rax, Rax);
        asm.Jcc(Condition.NotEqual, failed);
        asm.Mov(S32, Rax, new Mem(R9, FaultSlotRecord.LogCountOffset));
        asm.Cmp(S32, Rax, new Mem(R9, FaultSlotRecord.LogCapacityOffset));
        asm.Jcc(Condition.AboveEqual, logged);
        asm.Mov(S64, R11, new Mem(R9, FaultSlotRecord.LogOffset));
        asm.Mov(S32, new Mem(R11, Rax, 2), R8);
        asm.Bind(logged);
        asm.Inc(S32, new Mem(R9, FaultSlotRecord.LogCountOffset));
        asm.Ret();

        asm.Bind(failed);
        asm.Mov(S32, new Mem(R9, FaultSlotRecord.ErrorOffset), Rax);
        asm.Bind(trapWithContext);
        asm.Mov(S64, Rdx, R10);
        asm.MovImm32(Rdi, LinuxNative.SignalSegmentationFault);

        // rcx = fault address, rdx = context, edi = signal: to the landing stub.
        asm.Bind(trap);
        asm.Mov(S64, R8, new Mem(Rdx, ContextR14));
        asm.Mov(S64, R8, new Mem(R8, VmContextHeader.Execution));
        asm.Mov(S64, Rax, new Mem(Rdx, ContextRip));
        asm.Mov(S64, new Mem(R8, ExecutionRecordLayout.TrapProgramCounter), Rax);
        asm.Mov(S64, new Mem(R8, ExecutionRecordLayout.FaultAddress), Rcx);
        asm.Mov(S32, new Mem(R8, ExecutionRecordLayout.FaultSignal), Rdi);
        asm.MovImm64(Rax, landing);
        asm.Mov(S64, new Mem(Rdx, ContextRip), Rax);
        asm.Ret();

        asm.Bind(chain);
        asm.Cmp(S32, Rdi, LinuxNative.SignalBus);
        asm.Jcc(Condition.Equal, chainBusError);
        EmitChain(asm, parameters.PreviousSegmentationFault);
        asm.Bind(chainBusError);
        EmitChain(asm, parameters.PreviousBusError);
    }

    // Where there was no handler, the default action is put back and the instruction faults again, which ends the process as it would have.
    private static void EmitChain(X64Assembler asm, nint previous)
    {
        if (previous != 0)
        {
            asm.MovImm64(Rax, previous);
            asm.Jmp(Rax);
            return;
        }

        // rt_sigaction(edi, struct of 32 zero bytes: SIG_DFL, no flags, no restorer, empty mask; no old action; 8 bytes of mask).
        for (int i = 0; i < 4; i++)
        {
            asm.Push(0);
        }

        asm.Mov(S64, Rsi, Rsp);
        asm.Zero(Rdx);
        asm.MovImm32(R10, 8);
        asm.MovImm32(Rax, SystemCallSignalAction);
        asm.Syscall();
        asm.Add(S64, Rsp, 32);
        asm.Ret();
    }
}

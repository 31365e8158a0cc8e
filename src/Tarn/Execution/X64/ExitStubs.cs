// Why: from guest code to managed code on x86-64, in two ways that share a frame on the guest stack.
//
// A host call is a call: the stub stores the arguments as an array, switches to the thread's stack just below the frame of the code that entered, and calls
// managed code, which preserves the registers that the guest's convention preserves. So nothing has to be saved, and the processor's
// return predictor sees calls and returns in pairs (leaving and re-entering instead costs several mispredictions for each call). Managed
// code catches every exception before it comes back, since nothing can unwind through these frames. The nested activations that it starts
// overwrite HostStackPointer and GuestStackPointer; the frame keeps the outer ones.
//
// A host call that did not complete (pending, or an exception) and a builtin leave: the stub saves the guest's registers in the frame and
// returns to the code that entered; the resume stub jumps back into the second half. The frame is then complete in itself: nothing of the
// suspended guest is left in registers or on the thread's stack, so any thread can resume it, or drop it by forgetting the
// address. These jumps are not returns, because the return predictor would miss each time.
//
//   guest stack (ExitFrame):  return address | values, 16 bytes each | result buffer* r15 r13 r12 rbp rbx | VM context | resume  <- GuestStackPointer
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Abi.X64;
using Tarn.Platform;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.Execution.X64;

internal static class ExitStubs
{
    // Registers that a preserving exit keeps besides those of the frame's header; r11 is the stub's own when it ends in a jump.
    private static ReadOnlySpan<Gpr> VolatileRegisters => [Rax, Rcx, Rdx, Rsi, Rdi, R8, R9, R10, R11];

    private const int VectorRegisters = 16;
    private const int PreservedIntegers = ExitFrame.HeaderSize + ExitFrame.ValueSize;
    private const int PreservedVectors = PreservedIntegers + 80;
    private const int PreservingFrameBytes = PreservedVectors + (VectorRegisters * 16);

    /// <summary>The exit of host functions (rax = function reference) of a signature.</summary>
    public static Label EmitHostCall(StubAssembler stub, Signature signature, nint trap, nint hostCall) =>
        Emit(stub, signature.Parameters, signature.Results, ExitCode.HostCall, 0, trap, hostCall);

    /// <summary>The exit of a builtin.</summary>
    public static Label EmitBuiltin(StubAssembler stub, BuiltinId id, nint trap) =>
        Emit(stub, BuiltinSignatures.Parameters(id), BuiltinSignatures.Results(id), ExitCode.Builtin, (int)id, trap, hostCall: 0);

    private static Label Emit(
        StubAssembler stub, ReadOnlySpan<AbiType> parameters, ReadOnlySpan<AbiType> results, ExitCode code, int argument, nint trap, nint hostCall)
    {
        X64Assembler asm = stub.Asm;
        ValueLocation[] parameterLocations = new ValueLocation[parameters.Length];
        ValueLocation[] resultLocations = new ValueLocation[results.Length];
        CallShape shape = CallConvention.Assign(parameters, results, parameterLocations, resultLocations);
        int frameBytes = ExitFrame.HeaderSize + (Math.Max(parameters.Length, results.Length) * ExitFrame.ValueSize);

        stub.Align();
        Label entry = asm.BindNew();
        Label resume = asm.NewLabel();
        EntryStubs.CheckStack(stub, frameBytes, trap, new FrameDescription(FrameKind.Exit, FrameSize: 0, shape.StackArgumentBytes));
        asm.Sub(S64, Rsp, frameBytes);
        SaveContext(asm, resume);
        if (shape.HasResultBuffer)
        {
            asm.Mov(S64, new Mem(Rsp, ExitFrame.ResultBufferOffset), (Gpr)CallConvention.IntegerArgumentRegisters[0]);
        }

        for (int i = 0; i < parameters.Length; i++)
        {
            Mem value = new(Rsp, ExitFrame.HeaderSize + (i * ExitFrame.ValueSize));
            if (parameterLocations[i].Kind == LocationKind.Memory)
            {
                EntryStubs.CopyThrough(asm, R11, parameters[i], value, new Mem(Rsp, frameBytes + 8 + parameterLocations[i].Value));
            }
            else
            {
                EntryStubs.Store(asm, parameters[i], parameterLocations[i], value);
            }
        }

        asm.Mov(S64, R10, StubAssembler.Context(VmContextHeader.Execution));
        if (code == ExitCode.HostCall)
        {
            Label incomplete = asm.NewLabel();
            EmitManagedCall(stub, incomplete, hostCall);
            LoadResults(asm, shape, results, resultLocations);
            asm.Add(S64, Rsp, frameBytes);
            asm.Ret(shape.StackArgumentBytes);
            asm.Bind(incomplete);
            asm.Mov(S32, new Mem(R10, ExecutionRecordLayout.ExitArgument), Rax);
        }
        else
        {
            asm.MovImm(S32, new Mem(R10, ExecutionRecordLayout.ExitArgument), argument);
        }

        SaveRegisters(asm);
        Leave(stub, code);

        stub.Align();
        asm.Bind(resume);
        stub.Owner.AddFrame(asm.OffsetOf(resume), new FrameDescription(FrameKind.Exit, frameBytes, shape.StackArgumentBytes));
        LoadResults(asm, shape, results, resultLocations);
        RestoreHeader(asm);
        asm.Mov(S64, R11, new Mem(Rsp, frameBytes));
        asm.Add(S64, Rsp, frameBytes + 8 + shape.StackArgumentBytes);
        asm.Jmp(R11);
        return entry;
    }

    // HostCall(record, function reference) on the thread's stack, which is aligned to 16 bytes at calls; HostStackPointer is 8 off. Afterwards r10 is
    // the record again and eax the status.
    private static void EmitManagedCall(StubAssembler stub, Label incomplete, nint hostCall)
    {
        X64Assembler asm = stub.Asm;
        asm.Mov(S64, R11, new Mem(R10, ExecutionRecordLayout.HostStackPointer));
        asm.Mov(S64, Rdx, new Mem(R10, ExecutionRecordLayout.GuestStackPointer));
        asm.Mov(S64, new Mem(Rsp, ExitFrame.SavedHostStackPointerOffset), R11);
        asm.Mov(S64, new Mem(Rsp, ExitFrame.SavedGuestStackPointerOffset), Rdx);
        asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.GuestStackPointer), Rsp);
        asm.Mov(S64, Rdi, R10);
        asm.Mov(S64, Rsi, (Gpr)CallConvention.FunctionReferenceRegister);
        asm.Lea(S64, Rsp, new Mem(R11, -8));
        asm.MovImm64(Rax, hostCall);
        asm.Call(Rax);
        asm.Mov(S64, R10, StubAssembler.Context(VmContextHeader.Execution));
        asm.Mov(S64, Rsp, new Mem(R10, ExecutionRecordLayout.GuestStackPointer));
        asm.Mov(S64, R11, new Mem(Rsp, ExitFrame.SavedHostStackPointerOffset));
        asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.HostStackPointer), R11);
        asm.Test(S32, Rax, Rax);
        asm.Jcc(Condition.NotEqual, incomplete);
        asm.Mov(S64, R11, new Mem(Rsp, ExitFrame.SavedGuestStackPointerOffset));
        asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.GuestStackPointer), R11);
    }

    private static void LoadResults(X64Assembler asm, CallShape shape, ReadOnlySpan<AbiType> results, ReadOnlySpan<ValueLocation> locations)
    {
        if (shape.HasResultBuffer)
        {
            asm.Mov(S64, R10, new Mem(Rsp, ExitFrame.ResultBufferOffset));
        }

        for (int i = 0; i < results.Length; i++)
        {
            Mem value = new(Rsp, ExitFrame.HeaderSize + (i * ExitFrame.ValueSize));
            if (locations[i].Kind == LocationKind.Memory)
            {
                EntryStubs.CopyThrough(asm, R11, results[i], new Mem(R10, locations[i].Value), value);
            }
            else
            {
                EntryStubs.Load(asm, results[i], locations[i], value);
            }
        }
    }

    /// <summary>
    /// An exit that leaves every register as it was. For <see cref="BuiltinId.CompileFunction"/> r11 holds the function's number on entry, which is the
    /// first value; on resumption the first value is where to go, with the registers of the call.
    /// </summary>
    public static Label EmitPreserving(StubAssembler stub, BuiltinId id)
    {
        X64Assembler asm = stub.Asm;
        bool compiles = id == BuiltinId.CompileFunction;
        stub.Align();
        Label entry = asm.BindNew();
        Label resume = asm.NewLabel();
        asm.Sub(S64, Rsp, PreservingFrameBytes);
        for (int i = 0; i < VolatileRegisters.Length; i++)
        {
            asm.Mov(S64, new Mem(Rsp, PreservedIntegers + (8 * i)), VolatileRegisters[i]);
        }

        for (int i = 0; i < VectorRegisters; i++)
        {
            asm.Vec(SseOp.MovupsStore, new Mem(Rsp, PreservedVectors + (16 * i)), (Xmm)i);
        }

        asm.Mov(S64, new Mem(Rsp, ExitFrame.HeaderSize), R11);
        SaveContext(asm, resume);
        SaveRegisters(asm);
        asm.Mov(S64, R10, StubAssembler.Context(VmContextHeader.Execution));
        asm.MovImm(S32, new Mem(R10, ExecutionRecordLayout.ExitArgument), (int)id);
        Leave(stub, ExitCode.Builtin);

        stub.Align();
        asm.Bind(resume);
        stub.Owner.AddFrame(asm.OffsetOf(resume), new FrameDescription(FrameKind.Exit, PreservingFrameBytes));
        RestoreHeader(asm);
        for (int i = 0; i < VectorRegisters; i++)
        {
            asm.Vec(SseOp.Movups, (Xmm)i, new Mem(Rsp, PreservedVectors + (16 * i)));
        }

        for (int i = 0; i < VolatileRegisters.Length; i++)
        {
            asm.Mov(S64, VolatileRegisters[i], new Mem(Rsp, PreservedIntegers + (8 * i)));
        }

        if (compiles)
        {
            asm.Mov(S64, R11, new Mem(Rsp, ExitFrame.HeaderSize));
            asm.Add(S64, Rsp, PreservingFrameBytes);
            asm.Jmp(R11);
        }
        else
        {
            asm.Add(S64, Rsp, PreservingFrameBytes);
            asm.Ret();
        }

        return entry;
    }

    /// <summary>Where the frame of a preserving exit holds an integer register.</summary>
    public static unsafe ulong* SavedRegister(ExitFrame* frame, Gpr register)
    {
        int at = register switch
        {
            Rbx => ExitFrame.RegistersOffset,
            Rbp => ExitFrame.RegistersOffset + 8,
            R12 => ExitFrame.RegistersOffset + 16,
            R13 => ExitFrame.RegistersOffset + 24,
            R15 => ExitFrame.RegistersOffset + 32,
            _ => PreservedIntegers + (8 * VolatileRegisters.IndexOf(register)),
        };
        return at >= ExitFrame.RegistersOffset ? (ulong*)((byte*)frame + at) : throw new ArgumentOutOfRangeException(nameof(register), register, "not a register that is preserved");
    }

    /// <summary>C function (execution record): continues what is suspended at GuestStackPointer.</summary>
    public static Label EmitResume(StubAssembler stub)
    {
        X64Assembler asm = stub.Asm;
        stub.Align();
        Label entry = asm.BindNew();
        stub.EnterHostFrame();
        asm.Mov(S64, new Mem(Rdi, ExecutionRecordLayout.HostStackPointer), Rsp);
        asm.Mov(S64, Rsp, new Mem(Rdi, ExecutionRecordLayout.GuestStackPointer));
        asm.Jmp(new Mem(Rsp, ExitFrame.ResumeOffset));
        return entry;
    }

    /// <summary>Bytes of the frame by which a guest continues at a handler: to a backtrace it is that of a call which returns to the first of its two words.</summary>
    public const int LandingFrameBytes = ExitFrame.HeaderSize + 16;

    /// <summary>Where the frames of <see cref="MachineStubs.PrepareLanding"/> are resumed.</summary>
    public static Label EmitHandlerLanding(StubAssembler stub)
    {
        X64Assembler asm = stub.Asm;
        stub.Align();
        Label entry = asm.BindNew();
        stub.Owner.AddFrame(asm.OffsetOf(entry), new FrameDescription(FrameKind.Exit, ExitFrame.HeaderSize, LandingFrameBytes - ExitFrame.HeaderSize - 8));
        RestoreHeader(asm);
        asm.Mov(S64, R11, new Mem(Rsp, ExitFrame.HeaderSize + 8));
        asm.Add(S64, Rsp, LandingFrameBytes);
        asm.Jmp(R11);
        return entry;
    }

    private static void SaveContext(X64Assembler asm, Label resume)
    {
        asm.Lea(S64, R11, Mem.At(resume));
        asm.Mov(S64, new Mem(Rsp, ExitFrame.ResumeOffset), R11);
        asm.Mov(S64, new Mem(Rsp, ExitFrame.VmContextOffset), R14);
    }

    /// <summary>Completes the frame at rsp with the registers that the guest's convention preserves.</summary>
    public static void SaveRegisters(X64Assembler asm)
    {
        asm.Mov(S64, new Mem(Rsp, ExitFrame.RegistersOffset), Rbx);
        asm.Mov(S64, new Mem(Rsp, ExitFrame.RegistersOffset + 8), Rbp);
        asm.Mov(S64, new Mem(Rsp, ExitFrame.RegistersOffset + 16), R12);
        asm.Mov(S64, new Mem(Rsp, ExitFrame.RegistersOffset + 24), R13);
        asm.Mov(S64, new Mem(Rsp, ExitFrame.RegistersOffset + 32), R15);
    }

    private static void RestoreHeader(X64Assembler asm)
    {
        asm.Mov(S64, R14, new Mem(Rsp, ExitFrame.VmContextOffset));
        asm.Mov(S64, Rbx, new Mem(Rsp, ExitFrame.RegistersOffset));
        asm.Mov(S64, Rbp, new Mem(Rsp, ExitFrame.RegistersOffset + 8));
        asm.Mov(S64, R12, new Mem(Rsp, ExitFrame.RegistersOffset + 16));
        asm.Mov(S64, R13, new Mem(Rsp, ExitFrame.RegistersOffset + 24));
        asm.Mov(S64, R15, new Mem(Rsp, ExitFrame.RegistersOffset + 32));
    }

    // r10 is the record. The frame is complete, so every register is free.
    private static void Leave(StubAssembler stub, ExitCode code)
    {
        X64Assembler asm = stub.Asm;
        asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.GuestStackPointer), Rsp);
        asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.ExitVmContext), R14);
        asm.MovImm(S32, new Mem(R10, ExecutionRecordLayout.ExitCode), (int)code);
        stub.LeaveToHostFrame(R10);
        asm.Pop(R11);
        asm.Jmp(R11);
    }
}

// Why: from guest code to managed code on x86-64, by returning to whoever entered. A stub saves on the guest stack what the guest's convention
// preserves, stores the arguments as an array, and switches to the thread's stack; the resume stub jumps back into its second half. The
// frame is complete in itself: nothing of the suspended guest is left in registers or on the thread's stack, so any thread
// can resume it, or drop it by forgetting the address.
//
//   guest stack (ExitFrame):  return address | values, 16 bytes each | result buffer* r15 r13 r12 rbp rbx | VM context | resume  <- GuestStackPointer
//
// The jumps between the two stacks are jumps, not returns: the processor's return predictor pairs calls with returns and would miss each time.
using Tarn.Assembler;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Abi.X64;
using Tarn.Platform;
using static Tarn.Assembler.Gpr;
using static Tarn.Assembler.OperandSize;

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
    public static Label EmitHostCall(StubAssembler stub, Signature signature, nint trap) =>
        Emit(stub, signature.Parameters, signature.Results, ExitCode.HostCall, 0, trap);

    /// <summary>The exit of a builtin.</summary>
    public static Label EmitBuiltin(StubAssembler stub, BuiltinId id, nint trap) =>
        Emit(stub, BuiltinSignatures.Parameters(id), BuiltinSignatures.Results(id), ExitCode.Builtin, (int)id, trap);

    private static Label Emit(
        StubAssembler stub, ReadOnlySpan<AbiType> parameters, ReadOnlySpan<AbiType> results, ExitCode code, int argument, nint trap)
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
        SaveHeader(asm, resume);
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

        Leave(stub, code, argument);

        stub.Align();
        asm.Bind(resume);
        stub.Owner.AddFrame(asm.OffsetOf(resume), new FrameDescription(FrameKind.Exit, frameBytes, shape.StackArgumentBytes));
        if (shape.HasResultBuffer)
        {
            asm.Mov(S64, R10, new Mem(Rsp, ExitFrame.ResultBufferOffset));
        }

        for (int i = 0; i < results.Length; i++)
        {
            Mem value = new(Rsp, ExitFrame.HeaderSize + (i * ExitFrame.ValueSize));
            if (resultLocations[i].Kind == LocationKind.Memory)
            {
                EntryStubs.CopyThrough(asm, R11, results[i], new Mem(R10, resultLocations[i].Value), value);
            }
            else
            {
                EntryStubs.Load(asm, results[i], resultLocations[i], value);
            }
        }

        RestoreHeader(asm);
        asm.Mov(S64, R11, new Mem(Rsp, frameBytes));
        asm.Add(S64, Rsp, frameBytes + 8 + shape.StackArgumentBytes);
        asm.Jmp(R11);
        return entry;
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
        SaveHeader(asm, resume);
        Leave(stub, ExitCode.Builtin, (int)id);

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

    private static void SaveHeader(X64Assembler asm, Label resume)
    {
        asm.Lea(S64, R11, Mem.At(resume));
        asm.Mov(S64, new Mem(Rsp, ExitFrame.ResumeOffset), R11);
        asm.Mov(S64, new Mem(Rsp, ExitFrame.VmContextOffset), R14);
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

    // r10 and r11 are free: never arguments, and the frame is complete.
    private static void Leave(StubAssembler stub, ExitCode code, int argument)
    {
        X64Assembler asm = stub.Asm;
        asm.Mov(S64, R10, StubAssembler.Context(VmContextHeader.Execution));
        asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.GuestStackPointer), Rsp);
        asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.ExitVmContext), R14);
        asm.MovImm(S32, new Mem(R10, ExecutionRecordLayout.ExitCode), (int)code);
        if (code == ExitCode.HostCall)
        {
            asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.ExitFunctionReference), (Gpr)CallConvention.FunctionReferenceRegister);
        }
        else
        {
            asm.MovImm(S32, new Mem(R10, ExecutionRecordLayout.ExitArgument), argument);
        }

        stub.LeaveToHostFrame(R10);
        asm.Pop(R11);
        asm.Jmp(R11);
    }
}

// Why: from managed code into guest code on x86-64, one stub for each signature. The typed entry takes its arguments the C way with the function
// reference last. Both conventions number integer registers rdi rsi rdx rcx r8 r9 and vector registers xmm0–xmm7, so guest arguments
// in registers are in place already, whatever order the types come in; what is left over is on the thread's stack in the order in
// which the guest wants it on its own. The array entry moves any number of values of any type between registers, guest stack and an array.
//
// Safety: neither stub touches the guest stack beyond UncheckedBytes without comparing with the limit first; the limit's headroom
// covers the rest. The array's address is kept on the guest stack across the call, since after a suspension the host frame is another's.
//
//   guest stack, array entry:  ... | values* | result buffer | stack arguments | return address
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Compiler.Abi.X64;
using Tarn.Platform;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.Execution.X64;

using TrapCode = Tarn.Compiler.Abi.TrapCode;

internal static class EntryStubs
{
    /// <summary>Frames above this size compare with the stack limit.</summary>
    public const int UncheckedBytes = 1024;

    // The callee popped its arguments and its own return address.
    private static readonly FrameDescription s_entryFrame = new(FrameKind.Entry, FrameSize: 0);

    public static Label EmitTyped(StubAssembler stub, Signature signature, nint trap)
    {
        X64Assembler asm = stub.Asm;
        ReadOnlySpan<AbiType> parameters = signature.Parameters;
        ValueLocation[] locations = new ValueLocation[parameters.Length];
        int stackBytes = CallConvention.AssignParameters(parameters, locations, hiddenArgument: false);
        int integers = 0;
        foreach (AbiType type in parameters)
        {
            integers += CallConvention.IsVector(type) ? 0 : 1;
        }

        stub.Align();
        Label entry = asm.BindNew();
        stub.EnterHostFrame();
        const int FirstStackArgument = StubAssembler.HostFrameBytes + 8;
        if (integers < CallConvention.IntegerArgumentRegisters.Length)
        {
            asm.Mov(S64, Rax, (Gpr)CallConvention.IntegerArgumentRegisters[integers]);
        }
        else
        {
            asm.Mov(S64, Rax, new Mem(Rsp, FirstStackArgument + stackBytes));
        }

        asm.Mov(S64, R14, new Mem(Rax, FunctionReferenceRecord.VmContext));
        asm.Mov(S64, R10, StubAssembler.Context(VmContextHeader.Execution));
        for (int i = 0; i < parameters.Length; i++)
        {
            // C leaves the upper half of an int undefined; guest code relies on it being zero.
            if (parameters[i] == AbiType.I32 && locations[i].Kind == LocationKind.IntegerRegister)
            {
                asm.Mov(S32, (Gpr)locations[i].Value, (Gpr)locations[i].Value);
            }
        }

        asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.HostStackPointer), Rsp);
        asm.Mov(S64, StubAssembler.HostFrameRegister, Rsp);
        asm.Mov(S64, Rsp, new Mem(R10, ExecutionRecordLayout.GuestStackPointer));
        if (stackBytes != 0)
        {
            CheckStack(stub, stackBytes, trap, s_entryFrame);
            for (int i = parameters.Length - 1; i >= 0; i--)
            {
                if (locations[i].Kind == LocationKind.Memory)
                {
                    PushStackArgument(asm, parameters[i], new Mem(StubAssembler.HostFrameRegister, FirstStackArgument + locations[i].Value));
                }
            }
        }

        asm.Call(new Mem(Rax, FunctionReferenceRecord.Code));
        stub.Owner.AddFrame(asm.Offset, s_entryFrame);
        stub.ReturnToHostFrame();
        return entry;
    }

    public static Label EmitArray(StubAssembler stub, Signature signature, nint trap)
    {
        X64Assembler asm = stub.Asm;
        ReadOnlySpan<AbiType> parameters = signature.Parameters;
        ReadOnlySpan<AbiType> results = signature.Results;
        ValueLocation[] parameterLocations = new ValueLocation[parameters.Length];
        ValueLocation[] resultLocations = new ValueLocation[results.Length];
        CallShape shape = CallConvention.Assign(parameters, results, parameterLocations, resultLocations);
        FrameDescription frame = new(FrameKind.Entry, FrameSize: shape.ResultBufferBytes + 8);

        stub.Align();
        Label entry = asm.BindNew();
        stub.EnterHostFrame();
        asm.Mov(S64, Rax, Rdi);
        asm.Mov(S64, R14, new Mem(Rax, FunctionReferenceRecord.VmContext));
        asm.Mov(S64, R10, StubAssembler.Context(VmContextHeader.Execution));
        asm.Mov(S64, new Mem(R10, ExecutionRecordLayout.HostStackPointer), Rsp);
        asm.Mov(S64, StubAssembler.HostFrameRegister, Rsp);
        asm.Mov(S64, Rsp, new Mem(R10, ExecutionRecordLayout.GuestStackPointer));
        CheckStack(stub, shape.StackArgumentBytes + shape.ResultBufferBytes, trap, s_entryFrame);
        asm.Push(Rsi);
        asm.Mov(S64, R10, Rsi);
        if (shape.HasResultBuffer)
        {
            asm.Sub(S64, Rsp, shape.ResultBufferBytes);
            asm.Mov(S64, Rdi, Rsp);
        }

        for (int i = parameters.Length - 1; i >= 0; i--)
        {
            if (parameterLocations[i].Kind == LocationKind.Memory)
            {
                PushStackArgument(asm, parameters[i], new Mem(R10, i * ExitFrame.ValueSize));
            }
        }

        for (int i = 0; i < parameters.Length; i++)
        {
            Load(asm, parameters[i], parameterLocations[i], new Mem(R10, i * ExitFrame.ValueSize));
        }

        asm.Call(new Mem(Rax, FunctionReferenceRecord.Code));
        stub.Owner.AddFrame(asm.Offset, frame);
        asm.Mov(S64, R11, new Mem(Rsp, shape.ResultBufferBytes));
        for (int i = 0; i < results.Length; i++)
        {
            Mem value = new(R11, i * ExitFrame.ValueSize);
            if (resultLocations[i].Kind == LocationKind.Memory)
            {
                CopyThrough(asm, R10, results[i], value, new Mem(Rsp, resultLocations[i].Value));
            }
            else
            {
                Store(asm, results[i], resultLocations[i], value);
            }
        }

        stub.ReturnToHostFrame();
        return entry;
    }

    /// <summary>Ends in a stack exhaustion trap if the guest stack has not this much room; clobbers r10 only, and only for large sizes.</summary>
    public static void CheckStack(StubAssembler stub, int bytes, nint trap, FrameDescription frame)
    {
        if (bytes <= UncheckedBytes)
        {
            return;
        }

        X64Assembler asm = stub.Asm;
        Label enough = asm.NewLabel();
        asm.Lea(S64, R10, new Mem(Rsp, -bytes));
        asm.Cmp(S64, R10, StubAssembler.Context(VmContextHeader.StackLimit));
        asm.Jcc(Condition.AboveEqual, enough);
        stub.CallTo(trap);
        stub.Owner.AddTrap(asm.Offset, TrapCode.StackOverflow, frame);
        asm.Bind(enough);
    }

    /// <summary>Register from memory; i32 is zero-extended.</summary>
    public static void Load(X64Assembler asm, AbiType type, ValueLocation location, Mem value)
    {
        if (location.Kind == LocationKind.IntegerRegister)
        {
            asm.Mov(type == AbiType.I32 ? S32 : S64, (Gpr)location.Value, value);
        }
        else if (location.Kind == LocationKind.VectorRegister)
        {
            asm.Vec(type == AbiType.F32 ? SseOp.MovssLoad : type == AbiType.F64 ? SseOp.MovsdLoad : SseOp.Movups, (Xmm)location.Value, value);
        }
    }

    /// <summary>Memory from register; the 8 bytes of an i32 or f32 are written whole.</summary>
    public static void Store(X64Assembler asm, AbiType type, ValueLocation location, Mem value)
    {
        if (location.Kind == LocationKind.IntegerRegister)
        {
            asm.Mov(S64, value, (Gpr)location.Value);
        }
        else if (location.Kind == LocationKind.VectorRegister)
        {
            asm.Vec(type == AbiType.V128 ? SseOp.MovupsStore : SseOp.MovsdStore, value, (Xmm)location.Value);
        }
    }

    public static void CopyThrough(X64Assembler asm, Gpr scratch, AbiType type, Mem to, Mem from)
    {
        asm.Mov(type == AbiType.I32 ? S32 : S64, scratch, from);
        asm.Mov(S64, to, scratch);
        if (type == AbiType.V128)
        {
            asm.Mov(S64, scratch, from.Plus(8));
            asm.Mov(S64, to.Plus(8), scratch);
        }
    }

    private static void PushStackArgument(X64Assembler asm, AbiType type, Mem from)
    {
        if (type == AbiType.V128)
        {
            asm.Push(from.Plus(8));
            asm.Push(from);
        }
        else if (type == AbiType.I32)
        {
            asm.Mov(S32, R11, from);
            asm.Push(R11);
        }
        else
        {
            asm.Push(from);
        }
    }
}

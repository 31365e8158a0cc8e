// The least that guest code needs to run, with functions assembled by hand: what the benchmark of calls measures is the machine layer alone.
using System.Runtime.InteropServices;
using Tarn.Assembler;
using Tarn.Assembler.X64;
using Tarn.Compiler.Abi;
using Tarn.Execution;
using Tarn.Execution.X64;
using static Tarn.Assembler.X64.Gpr;
using static Tarn.Assembler.X64.OperandSize;

namespace Tarn.Bench;

internal sealed unsafe class CallsStore : GuestExecution
{
    private readonly VmContext* _context;

    public CallsStore()
        : base(NewRecord(), Machine.Current)
    {
        GuestStack stack = new(Machine.Current.Memory);
        stack.Attach(Record);
        _context = (VmContext*)NativeMemory.AlignedAlloc((nuint)sizeof(VmContext), 64);
        *_context = new VmContext { StackLimit = stack.Limit, Execution = Record };
    }

    /// <summary>(i32, i32) → i32: their sum.</summary>
    public FunctionReference* Add() => Guest(stub =>
    {
        stub.Asm.Lea(S32, Rax, new Mem(Rdi, Rsi));
        stub.Asm.Ret();
    });

    /// <summary>(i32 count) → i32: calls (i32) → i32 so many times, passing the last result on.</summary>
    public FunctionReference* Loop(HostFunction callee)
    {
        HostFunctions = [.. HostFunctions, callee];
        FunctionReference* host = Reference(Machine.Current.StubsFor(new([AbiType.I32], [AbiType.I32])).HostExit, (uint)HostFunctions.Length - 1);
        return Guest(stub =>
        {
            X64Assembler asm = stub.Asm;
            asm.Push(Rbx);
            asm.Push(Rbp);
            asm.Push(R14);
            asm.Mov(S32, Rbx, Rdi);
            asm.MovImm64(Rbp, (nint)host);
            asm.Zero(Rax);
            asm.Align(32);
            Label again = asm.BindNew();
            asm.Mov(S32, Rdi, Rax);
            asm.Mov(S64, Rax, Rbp);
            asm.Mov(S64, R14, new Mem(Rax, FunctionReferenceRecord.VmContext));
            asm.Call(new Mem(Rax, FunctionReferenceRecord.Code));
            asm.Dec(S32, Rbx);
            asm.Jcc(Condition.NotEqual, again);
            asm.Pop(R14);
            asm.Pop(Rbp);
            asm.Pop(Rbx);
            asm.Ret();
        });
    }

    /// <summary>C function (int count, entry, argument) → int: calls C function entry(int, argument) → int so many times, passing the last result on.</summary>
    public nint LoopOnHostStack()
    {
        StubAssembler stub = new(Machine.Current.Arena, "benchmark");
        X64Assembler asm = stub.Asm;
        asm.Push(Rbx);
        asm.Push(Rbp);
        asm.Push(R12);
        asm.Mov(S32, Rbx, Rdi);
        asm.Mov(S64, Rbp, Rsi);
        asm.Mov(S64, R12, Rdx);
        asm.Zero(Rax);
        asm.Align(32);
        Label again = asm.BindNew();
        asm.Mov(S32, Rdi, Rax);
        asm.Mov(S64, Rsi, R12);
        asm.Call(Rbp);
        asm.Dec(S32, Rbx);
        asm.Jcc(Condition.NotEqual, again);
        asm.Pop(R12);
        asm.Pop(Rbp);
        asm.Pop(Rbx);
        asm.Ret();
        return (nint)stub.Publish().Address;
    }

    /// <summary>(i32) → i32: traps.</summary>
    public FunctionReference* Unreachable() => Guest(stub =>
    {
        stub.CallTo(Machine.Current.Stubs.Trap);
        stub.Owner.AddTrap(stub.Asm.Offset, Compiler.Abi.TrapCode.Unreachable, new Platform.FrameDescription(Platform.FrameKind.Guest, 0));
    });

    private static ExecutionRecord* NewRecord()
    {
        ExecutionRecord* record = (ExecutionRecord*)NativeMemory.AlignedAlloc((nuint)sizeof(ExecutionRecord), 64);
        *record = default;
        return record;
    }

    protected override HostCallStatus InvokeBuiltin(BuiltinId id, VmContext* context, ulong* values, bool maySuspend) => throw new NotSupportedException();

    public override SignatureStubs StubsOf(FunctionReference* function) => throw new NotSupportedException();

    protected override Exception CreateTrap(in GuestTrap trap) => new CallsTrapException(trap.Code);

    private FunctionReference* Guest(Action<StubAssembler> emit)
    {
        StubAssembler stub = new(Machine.Current.Arena, "benchmark");
        emit(stub);
        return Reference((nint)stub.Publish().Address, FunctionReferenceRecord.NotAHostFunction);
    }

    private FunctionReference* Reference(nint code, uint hostFunction)
    {
        FunctionReference* reference = (FunctionReference*)NativeMemory.AlignedAlloc((nuint)sizeof(FunctionReference), 32);
        *reference = new FunctionReference { Code = code, VmContext = _context, HostFunction = hostFunction };
        return reference;
    }
}

internal sealed class CallsTrapException(Compiler.Abi.TrapCode code) : Exception(code.ToString());

internal sealed unsafe class CallsHostFunction(Func<int, int> body) : HostFunction
{
    public override HostCallStatus Invoke(GuestExecution execution, VmContext* context, ulong* values)
    {
        values[0] = (uint)body((int)values[0]);
        return HostCallStatus.Completed;
    }
}

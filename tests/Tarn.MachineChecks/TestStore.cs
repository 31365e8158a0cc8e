// A store made by hand: one VM context, one execution record, one guest stack, host functions as lambdas. Everything a real store adds
// (instances, linking, pools) is left out on purpose: these checks are about the machine layer alone.
using System.Runtime.InteropServices;
using Tarn.Compiler.Abi;
using Tarn.Execution;
using Tarn.Execution.X64;
using Tarn.Functions;
using Tarn.Platform;
using Tarn.Traps;

namespace Tarn.MachineChecks;

internal sealed class GuestTrapException(Compiler.Abi.TrapCode code, nint faultAddress, List<FrameDescription> frames) : Exception($"trap {code}")
{
    public Compiler.Abi.TrapCode Code { get; } = code;

    public nint FaultAddress { get; } = faultAddress;

    public List<FrameDescription> Frames { get; } = frames;
}

internal unsafe delegate HostCallStatus HostBody(TestStore store, ulong* values);

internal unsafe delegate void BuiltinBody(TestStore store, BuiltinId id, ulong* values);

internal sealed unsafe class TestStore : GuestExecution, IDisposable
{
    private readonly GuestStack _stack;
    private readonly List<nint> _allocations = [];
    private readonly List<CodeBlock> _code = [];
    private readonly List<GCHandle> _handles = [];

    public TestStore(int stackBytes = GuestStack.DefaultBytes)
        : base(NewRecord(), Machine.Current)
    {
        _stack = new GuestStack(Machine.Current.Memory, stackBytes);
        _stack.Attach(Record);
        Context = (VmContext*)Allocate(sizeof(VmContext));
        Context->StackLimit = _stack.Limit;
        Context->Execution = Record;
    }

    public override SignatureStubs StubsOf(FunctionReference* function) => throw new NotSupportedException("machine code has stubs of its own for each signature");

    public VmContext* Context { get; }

    public GuestStack Stack => _stack;

    private static ExecutionRecord* NewRecord()
    {
        ExecutionRecord* record = (ExecutionRecord*)NativeMemory.AlignedAlloc((nuint)sizeof(ExecutionRecord), 64);
        *record = default;
        return record;
    }

    public BuiltinBody? OnBuiltin { get; set; }

    public byte* Allocate(int bytes)
    {
        void* memory = NativeMemory.AllocZeroed((nuint)bytes);
        _allocations.Add((nint)memory);
        return (byte*)memory;
    }

    /// <summary>Assembles a guest function.</summary>
    public FunctionReference* Guest(Action<StubAssembler> emit)
    {
        StubAssembler assembler = new(Machine.Current.Arena, "test guest");
        emit(assembler);
        CodeBlock block = assembler.Publish();
        _code.Add(block);
        return Reference((nint)block.Address, FunctionReferenceRecord.NotAHostFunction);
    }

    public FunctionReference* Host(Signature signature, HostBody body)
    {
        HostFunctions = [.. HostFunctions, new LambdaHostFunction(body)];
        return Reference(Machine.Current.StubsFor(signature).HostExit, (uint)HostFunctions.Length - 1);
    }

    /// <summary>An i64 → i64, called in the general way or through an entry of its own.</summary>
    public FunctionReference* Host(bool direct, Func<TestStore, long, long> body)
    {
        return direct
            ? DirectHost(Signatures.LongToLong, DirectHostCalls.Func<long, long>(), (Func<long, long>)(n => body(this, n)))
            : Host(Signatures.LongToLong, (s, values) =>
            {
                values[0] = (ulong)body(s, (long)values[0]);
                return HostCallStatus.Completed;
            });
    }

    /// <summary>A host function that is called through an entry of its own, and not found in the general way.</summary>
    public FunctionReference* DirectHost(Signature signature, nint entry, Delegate body)
    {
        SignatureStubs stubs = Machine.Current.StubsFor(signature);
        nint exit = Machine.Current.HostExitTo(stubs, entry);
        Check.True(entry != 0);
        Check.True(exit != stubs.HostExit);
        GCHandle handle = GCHandle.Alloc(body);
        _handles.Add(handle);
        FunctionReference* reference = Reference(exit, uint.MaxValue - 1);
        reference->Opaque = GCHandle.ToIntPtr(handle);
        return reference;
    }

    public FunctionReference* Reference(nint code, uint hostFunction)
    {
        FunctionReference* reference = (FunctionReference*)Allocate(sizeof(FunctionReference));
        reference->Code = code;
        reference->VmContext = Context;
        reference->HostFunction = hostFunction;
        return reference;
    }

    /// <summary>Calls () → i64 or anything that fits.</summary>
    public long Call(FunctionReference* function)
    {
        nint before = Record->GuestStackPointer;
        RawResult result = ((delegate* unmanaged<FunctionReference*, RawResult>)Machine.Current.StubsFor(Signatures.ToLong).TypedEntry)(function);
        return (Record->ExitCode == ExitCode.Returned ? result : Finish(before)).Integer;
    }

    /// <summary>Calls i64 → i64.</summary>
    public long Call(FunctionReference* function, long argument)
    {
        nint before = Record->GuestStackPointer;
        RawResult result = ((delegate* unmanaged<long, FunctionReference*, RawResult>)Machine.Current.StubsFor(Signatures.LongToLong).TypedEntry)(argument, function);
        return (Record->ExitCode == ExitCode.Returned ? result : Finish(before)).Integer;
    }

    /// <summary>Calls through the array entry.</summary>
    public void Call(Signature signature, FunctionReference* function, ulong* values)
    {
        nint before = Record->GuestStackPointer;
        ((delegate* unmanaged<FunctionReference*, ulong*, void>)Machine.Current.StubsFor(signature).ArrayEntry)(function, values);
        if (Record->ExitCode != ExitCode.Returned)
            Finish(before);
    }

    /// <summary>Nothing of a finished call is left.</summary>
    public void CheckIdle()
    {
        Check.Equal(_stack.High, Record->GuestStackPointer);
        Check.Equal(ExitCode.Returned, Record->ExitCode);
    }

    public void Dispose()
    {
        foreach (CodeBlock block in _code)
            Machine.Current.Arena.Free(block);
        foreach (GCHandle handle in _handles)
            handle.Free();
        foreach (nint allocation in _allocations)
            NativeMemory.Free((void*)allocation);
        _stack.Dispose();
        Release();
        NativeMemory.AlignedFree(Record);
    }

    protected override HostCallStatus InvokeBuiltin(BuiltinId id, VmContext* context, ulong* values, bool maySuspend)
    {
        Check.True(context == Context);
        (OnBuiltin ?? throw new InvalidOperationException($"builtin {id} was not expected"))(this, id, values);
        return HostCallStatus.Completed;
    }

    protected override Exception CreateTrap(in GuestTrap trap)
    {
        List<FrameDescription> frames = [];
        Backtrace.WalkTrap(Record, trap.ProgramCounter, frames);
        return new GuestTrapException(trap.Code, trap.FaultAddress, frames);
    }

    private sealed class LambdaHostFunction(HostBody body) : HostFunction
    {
        public override HostCallStatus Invoke(GuestExecution execution, VmContext* context, ulong* values) => body((TestStore)execution, values);
    }
}

internal static class Signatures
{
    public static Signature ToLong { get; } = new([], [AbiType.I64]);

    public static Signature LongToLong { get; } = new([AbiType.I64], [AbiType.I64]);
}

// Why: the managed side of leaving guest code. Host functions are called by exit stubs on the thread's own stack (HostCall, or an entry of DirectHostCalls); an exception of theirs is
// kept, and thrown again when the guest has been left. The code that enters a guest looks at the record's ExitCode when it is back; not zero
// means that the guest left for another reason than returning, and Finish does what it asks for and resumes it, until it returns,
// traps or throws.
//
// Invariants:
//  - One thread at a time. Nested activations (host function calls guest) are properly nested, since each is a managed frame.
//  - While managed code runs, ExitCode is 0 and GuestStackPointer is where the next activation may start: the stack's top, or the innermost
//    suspended guest's exit frame. Guest code that returns without leaving does not change it; every other way out goes through here and puts it
//    back to what it was at entry. That is how frames of a guest that trapped, threw or was abandoned are dropped.
//  - No call of guest code is made in a method with a try block: the JIT does not inline those, which would double its cost.
//  - The object is reachable while its guest runs: the code that entered needs it afterwards. So the handle can be weak.
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Tarn.Compiler.Abi;

namespace Tarn.Execution;

using TrapCode = Tarn.Compiler.Abi.TrapCode;

internal abstract unsafe class GuestExecution
{
    private readonly nint _handle;
    private readonly nint _resume;
    private ExceptionDispatchInfo? _thrown;

    protected GuestExecution(ExecutionRecord* record, Machine machine)
    {
        Record = record;
        Machine = machine;
        _resume = machine.Stubs.Resume;
        _handle = GCHandle.ToIntPtr(GCHandle.Alloc(this, GCHandleType.Weak));
        record->HostHandle = _handle;
    }

    /// <summary>Frees the handle if <see cref="Release"/> was not called; the record may be gone by then, so it is not touched.</summary>
    ~GuestExecution() => GCHandle.FromIntPtr(_handle).Free();

    /// <summary>What exit stubs call.</summary>
    public static nint HostCallAddress => (nint)(delegate* unmanaged<ExecutionRecord*, FunctionReference*, HostCallStatus>)&HostCall;

    /// <summary>The store's execution record.</summary>
    public ExecutionRecord* Record { get; }

    /// <summary>What executes the store's code.</summary>
    public Machine Machine { get; }

    /// <summary>What <see cref="FunctionReference.HostFunction"/> indexes.</summary>
    public HostFunction[] HostFunctions { get; set; } = [];

    /// <summary>Whose record it is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static GuestExecution Of(ExecutionRecord* record) => Unsafe.As<GuestExecution>(GCHandle.FromIntPtr(record->HostHandle).Target!);

    /// <summary>For entries that exit stubs call directly: makes the guest leave, and the code that entered it throw the exception.</summary>
    public static void Fail(ExecutionRecord* record, Exception thrown)
    {
        Of(record)._thrown = ExceptionDispatchInfo.Capture(thrown);
        record->ExitArgument = (uint)HostCallStatus.Threw;
        record->ExitCode = ExitCode.HostCall;
    }

    /// <summary>
    /// Runs the guest that has just left until it is done. Call it when an entry stub came back with an <see cref="ExitCode"/> other than 0.
    /// </summary>
    /// <param name="entryStackPointer">GuestStackPointer before the entry.</param>
    /// <returns>What the guest returned.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public RawResult Finish(nint entryStackPointer)
    {
        RawResult result = Finish(entryStackPointer, out Exception? trap);
        return trap is null ? result : throw trap;
    }

    /// <summary>As the other one, but hands out a trap instead of throwing it: where traps are ordinary, throwing would be most of what they cost.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public RawResult Finish(nint entryStackPointer, out Exception? trap)
    {
        RawResult result = default;
        if (!Run(entryStackPointer, maySuspend: false, ref result, out trap))
        {
            throw new InvalidOperationException("A host function that must not suspend did.");
        }

        return result;
    }

    /// <summary>As the others, but gives false when a host function is pending: the guest stays suspended.</summary>
    public bool TryFinish(nint entryStackPointer, ref RawResult result)
    {
        bool done = Run(entryStackPointer, maySuspend: true, ref result, out Exception? trap);
        return trap is null ? done : throw trap;
    }

    /// <summary>Continues a suspended guest whose results are in its exit frame, on any thread; false when it is suspended again.</summary>
    public bool Continue(nint entryStackPointer, ref RawResult result)
    {
        result = Resume(_resume, Record);
        if (Record->ExitCode == ExitCode.Returned)
        {
            Record->GuestStackPointer = entryStackPointer;
            return true;
        }

        return TryFinish(entryStackPointer, ref result);
    }

    /// <summary>Drops a suspended guest; its frames are gone.</summary>
    public void Abandon(nint entryStackPointer)
    {
        Record->ExitCode = ExitCode.Returned;
        Record->GuestStackPointer = entryStackPointer;
    }

    /// <summary>Ends the use of the record: no guest is running. To be called once, when the store is disposed.</summary>
    public void Release()
    {
#pragma warning disable CA1816 // It is what Dispose would be, but stores dispose of more than this.
        GC.SuppressFinalize(this);
#pragma warning restore CA1816
        Record->HostHandle = 0;
        GCHandle.FromIntPtr(_handle).Free();
    }

    /// <summary>Counts calls of host functions that took the general way.</summary>
    public long HostCalls { get; protected set; }

    /// <summary>Values of the suspended guest on top.</summary>
    public ulong* SuspendedValues => ExitFrame.Values((ExitFrame*)Record->GuestStackPointer);

    /// <summary>
    /// Does a builtin's work. Arguments and results as for <see cref="HostFunction.Invoke"/>. An exception unwinds the guest. For
    /// <see cref="BuiltinId.CompileFunction"/> the first value is the function's number on entry and has to be its code's address on return.
    /// </summary>
    /// <param name="id">Which one.</param>
    /// <param name="context">The guest's.</param>
    /// <param name="values">Arguments and results.</param>
    /// <param name="maySuspend">Whether it may be pending: then the guest stays suspended, like one whose host function is pending.</param>
    protected abstract HostCallStatus InvokeBuiltin(BuiltinId id, VmContext* context, ulong* values, bool maySuspend);

    /// <summary>The stubs of a function's signature.</summary>
    public abstract SignatureStubs StubsOf(FunctionReference* function);

    /// <summary>Makes the exception for a trap. GuestStackPointer is the guest's, so a backtrace can still be taken.</summary>
    protected abstract Exception CreateTrap(in GuestTrap trap);

    /// <summary>
    /// Gives the guest an exception that its host function has thrown: if a handler of it catches, GuestStackPointer is the frame by which the handler is resumed. Otherwise nothing has
    /// changed.
    /// </summary>
    protected virtual bool TryCatch(Exception thrown) => false;

    /// <summary>Waits for a pending host function on behalf of a caller that cannot be suspended.</summary>
    protected virtual void WaitForPending() =>
        throw new InvalidOperationException("An asynchronous host function was called by a guest that was entered synchronously.");

    private bool Run(nint entryStackPointer, bool maySuspend, ref RawResult result, out Exception? trap)
    {
        bool keepFrames = false;
        try
        {
            bool done = Loop(maySuspend, ref result, out trap);
            keepFrames = !done;
            return done;
        }
        finally
        {
            if (!keepFrames)
            {
                Record->GuestStackPointer = entryStackPointer;
            }
        }
    }

    // Resumes the guest itself, not through another method: the guest leaves by a jump, so a method in between would return where the processor
    // does not expect it, once for each host call.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Loop(bool maySuspend, ref RawResult result, out Exception? trap)
    {
        trap = null;
        ExecutionRecord* record = Record;
        nint resume = _resume;
        RawResult last = default;
        while (true)
        {
            ExitCode code = record->ExitCode;
            if (code == ExitCode.HostCall)
            {
                record->ExitCode = ExitCode.Returned;
                if (record->ExitArgument == (uint)HostCallStatus.Threw)
                {
                    Catch();
                }
                else if (maySuspend)
                {
                    return false;
                }
                else
                {
                    WaitForPending();
                }
            }
            else if (code == ExitCode.Returned)
            {
                result = last;
                return true;
            }
            else if (code == ExitCode.Builtin)
            {
                if (CallBuiltin(record, maySuspend) == HostCallStatus.Pending)
                {
                    return false;
                }
            }
            else
            {
                record->ExitCode = ExitCode.Returned;
                trap = CreateTrap(Describe(record, code));
                return true;
            }

            last = ((delegate* unmanaged<ExecutionRecord*, RawResult>)resume)(record);
        }
    }

    private void Catch()
    {
        ExceptionDispatchInfo thrown = _thrown!;
        _thrown = null;
        if (!TryCatch(thrown.SourceException))
        {
            thrown.Throw();
        }
    }

    // Called by exit stubs, on the thread's own stack. No exception may leave it.
    [UnmanagedCallersOnly]
    private static HostCallStatus HostCall(ExecutionRecord* record, FunctionReference* reference) => CallHost(record, reference);

    /// <summary>Calls a host function for a guest whose exit frame is at GuestStackPointer. Exceptions are kept.</summary>
    public static HostCallStatus CallHost(ExecutionRecord* record, FunctionReference* reference)
    {
        GuestExecution execution = Of(record);
        execution.HostCalls++;
        ExitFrame* frame = (ExitFrame*)record->GuestStackPointer;
        HostCallStatus status;
        try
        {
            status = execution.HostFunctions[reference->HostFunction].Invoke(execution, frame->VmContext, ExitFrame.Values(frame));
        }
        catch (Exception thrown)
        {
            execution._thrown = ExceptionDispatchInfo.Capture(thrown);
            status = HostCallStatus.Threw;
        }

        if (status != HostCallStatus.Completed)
        {
            // Guests that the host function called may be suspended below this frame; the stub wants its own.
            record->GuestStackPointer = (nint)frame;
        }

        return status;
    }

    private HostCallStatus CallBuiltin(ExecutionRecord* record, bool maySuspend)
    {
        record->ExitCode = ExitCode.Returned;
        ExitFrame* frame = (ExitFrame*)record->GuestStackPointer;
        BuiltinId id = (BuiltinId)record->ExitArgument;
        HostCallStatus status = InvokeBuiltin(id, frame->VmContext, ExitFrame.Values(frame), maySuspend);
        if (id == BuiltinId.CompileFunction && !Machine.Arena.Contains((nint)(*ExitFrame.Values(frame))))
        {
            throw new InvalidOperationException("CompileFunction gave no address of code for its caller to go to");
        }

        return status;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static RawResult Resume(nint resume, ExecutionRecord* record) => ((delegate* unmanaged<ExecutionRecord*, RawResult>)resume)(record);

    private GuestTrap Describe(ExecutionRecord* record, ExitCode exit)
    {
        Platform.CodeBlock? block = Machine.Arena.Find(record->TrapProgramCounter - (exit == ExitCode.Trap ? 1 : 0));
        TrapCode code = TrapCode.None;
        bool known = block is not null && block.Owner!.TryGetTrap((int)(record->TrapProgramCounter - (nint)block.Address), out code);
        if (!known)
        {
            // A fault without a site: only memory builtins have those, on a page that could not be opened.
            code = exit == ExitCode.MemoryFault ? TrapCode.MemoryOutOfBounds : TrapCode.None;
        }

        return new GuestTrap(code, record->TrapProgramCounter, exit == ExitCode.MemoryFault, exit == ExitCode.MemoryFault ? record->FaultAddress : 0, record->ExitVmContext);
    }
}

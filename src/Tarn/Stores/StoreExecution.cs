// What a store does when its guest leaves: the builtins that need managed code, and traps put into words. Arguments arrive
// in raw slots in the order of BuiltinSignatures, results go to the first slot.
using System.Runtime.CompilerServices;
using Tarn.Execution;
using Tarn.Memories;
using Tarn.Modules;
using Tarn.Tables;
using BuiltinId = Tarn.Compiler.Abi.BuiltinId;

namespace Tarn.Stores;

internal sealed unsafe class StoreExecution : GuestExecution
{
    public StoreExecution(StoreCore store, ExecutionRecord* record)
        : base(record, store.Engine.Machine) => Store = store;

    public StoreCore Store { get; }

    public override SignatureStubs StubsOf(FunctionReference* function) => Store.Engine.StubsFor(function->TypeId);

    /// <summary>A call from outside begins, which counts like one from inside.</summary>
    public void BeginArguments() => HostCalls++;

    /// <summary>The asynchronous host function on account of which the guest has just left.</summary>
    public PendingHostCall? Pending { get; set; }

    public PendingHostCall TakePending()
    {
        PendingHostCall pending = Pending!;
        Pending = null;
        return pending;
    }

    protected override void WaitForPending()
    {
        PendingHostCall pending = TakePending();
        // With guests suspended below this one, the thread would wait for something that needs the thread.
        if (!Store.Engine.Options.BlockOnPendingHostFunctions || Store.HasNestedCalls)
        {
            Store.Stay();
            pending.Forget();
            throw new SuspensionException(
                "The guest called an asynchronous host function that did not complete at once, and the guest's caller cannot be suspended; "
                + "use InvokeAsync (and await it in asynchronous host functions only), or set EngineOptions.BlockOnPendingHostFunctions");
        }
        Store.WaitOutside(pending);
        Finish(pending);
    }

    protected override HostCallStatus InvokeBuiltin(BuiltinId id, VmContext* context, ulong* values, bool maySuspend)
    {
        InstanceData instance = InstanceData.FromContext(context)!;
        var slots = (RawValue*)values;
        switch (id)
        {
            case BuiltinId.MemoryGrow:
                slots[0].Low = (ulong)StoreQuota.Grow(Store, instance.Memories[(int)slots[0].Low], slots[1].Low);
                break;
            case BuiltinId.MemoryInit:
                MemoryInstance memory = instance.Memories[(int)slots[0].Low];
                if (!instance.TryInitializeMemory(memory, (int)slots[1].Low, slots[2].Low, slots[3].Low, slots[4].Low))
                    throw Trap(TrapCode.MemoryOutOfBounds);
                break;
            case BuiltinId.DataDrop:
                *instance.DataSegmentState((int)slots[0].Low) = 0;
                break;
            case BuiltinId.TableInit:
                TableInstance initialized = instance.Tables[(int)slots[0].Low];
                if (!instance.TryInitializeTable(initialized, (int)slots[1].Low, slots[2].Low, slots[3].Low, slots[4].Low))
                    throw Trap(TrapCode.TableOutOfBounds);
                break;
            case BuiltinId.TableCopy:
                CopyTable(instance.Tables[(int)slots[0].Low], instance.Tables[(int)slots[1].Low], slots[2].Low, slots[3].Low, slots[4].Low);
                break;
            case BuiltinId.TableFill:
                TableInstance filled = instance.Tables[(int)slots[0].Low];
                if (!filled.Contains(slots[1].Low, slots[3].Low))
                    throw Trap(TrapCode.TableOutOfBounds);
                filled.Fill(slots[1].Low, slots[2].Low, slots[3].Low);
                break;
            case BuiltinId.TableGrow:
                slots[0].Low = (ulong)StoreQuota.Grow(Store, instance.Tables[(int)slots[0].Low], slots[2].Low, slots[1].Low);
                break;
            case BuiltinId.ElementDrop:
                *instance.ElementSegmentState((int)slots[0].Low) = 0;
                break;
            case BuiltinId.FunctionReference:
                slots[0].Low = (ulong)instance.FunctionRecord((int)slots[0].Low);
                break;
            case BuiltinId.Interrupt:
                Store.OnInterrupt();
                break;
            case BuiltinId.FuelExhausted:
                // What could not be paid for was not done: there is nothing left, not less than nothing.
                Store.Execution->Fuel = 0;
                throw Trap(TrapCode.OutOfFuel);
            case BuiltinId.IsSubtype:
                slots[0].Low = Store.Engine.Types.IsSubtype((int)slots[0].Low, (int)slots[1].Low) ? 1u : 0u;
                break;
            case BuiltinId.CollectGarbage:
                Store.ManagedHeap!.MakeRoom(Store.Execution->HeapRequest);
                break;
            case BuiltinId.AllocateObject:
                slots[0].Low = Store.ManagedHeap!.Allocate((uint)slots[0].Low, (uint)slots[1].Low);
                break;
            case BuiltinId.ArrayNewData:
                slots[0].Low = HeapOperations.NewArrayFromData(instance, Store.ManagedHeap!, (uint)slots[0].Low, (int)slots[1].Low, (uint)slots[2].Low, (uint)slots[3].Low);
                break;
            case BuiltinId.ArrayNewElement:
                slots[0].Low = HeapOperations.NewArrayFromElements(instance, Store.ManagedHeap!, (uint)slots[0].Low, (int)slots[1].Low, (uint)slots[2].Low, (uint)slots[3].Low);
                break;
            case BuiltinId.ArrayInitData:
                HeapOperations.InitializeArrayFromData(
                    instance, Store.ManagedHeap!, (uint)slots[0].Low, (uint)slots[1].Low, (int)slots[2].Low, (uint)slots[3].Low, (uint)slots[4].Low);
                break;
            case BuiltinId.ArrayInitElement:
                HeapOperations.InitializeArrayFromElements(
                    instance, Store.ManagedHeap!, (uint)slots[0].Low, (uint)slots[1].Low, (int)slots[2].Low, (uint)slots[3].Low, (uint)slots[4].Low);
                break;
            case BuiltinId.ArrayCopyReferences:
                HeapOperations.CopyReferences(Store.ManagedHeap!, (uint)slots[0].Low, (uint)slots[1].Low, (uint)slots[2].Low, (uint)slots[3].Low, (uint)slots[4].Low);
                break;
            case BuiltinId.FunctionHandle:
                slots[0].Low = Store.ManagedHeap!.Functions.Of((nint)slots[0].Low);
                break;
            case BuiltinId.Throw:
                TagInstance tag = instance.Tags[(int)slots[0].Low];
                Throw(new ThrownException(tag, 0), new ReadOnlySpan<RawValue>(instance.ExceptionPayload, tag.ValueCount));
                break;
            case BuiltinId.ThrowReference:
                ExceptionObject exception = Store.Exceptions.Get(slots[0].Low);
                Throw(new ThrownException(exception.Tag, slots[0].Low), exception.Payload);
                break;
            case BuiltinId.MemoryAtomicNotify:
                // Nobody waits on a memory that is not shared.
                slots[0].Low = instance.Memories[(int)slots[0].Low].Shared?.Waiters.Notify(slots[1].Low, (uint)slots[2].Low) ?? 0;
                break;
            case BuiltinId.MemoryAtomicWait32:
                return Wait(instance.Memories[(int)slots[0].Low], slots, (uint)slots[2].Low, is64: false, maySuspend);
            case BuiltinId.MemoryAtomicWait64:
                return Wait(instance.Memories[(int)slots[0].Low], slots, slots[2].Low, is64: true, maySuspend);
            case BuiltinId.CompileFunction:
                slots[0].Low = (ulong)Compile(instance.Module, (int)slots[0].Low);
                break;
            default:
                throw new NotSupportedException($"Compiled code asked for the builtin {id}, which this version of Tarn does not have.");
        }
        return HostCallStatus.Completed;
    }

    protected override bool TryCatch(Exception thrown)
    {
        // What is of another store, or of another life of this one, no guest here can make sense of.
        if (thrown is not IGuestException exception || !exception.IsOf(Store))
            return false;
        // Guests that the host function has called, and has not waited for, lie where the handler goes on.
        nint frame = Record->GuestStackPointer;
        Store.EndNestedCalls();
        Record->GuestStackPointer = frame;
        return Unwinder.TryCatch(Store, exception.Thrown, exception.ToRaw());
    }

    /// <summary>Takes the result of a pending host function to where the guest finds it, or what it has thrown to a handler.</summary>
    public void Finish(PendingHostCall pending)
    {
        try
        {
            pending.Finish(Store, (RawValue*)SuspendedValues);
        }
        catch (WasmException exception) when (exception is IGuestException)
        {
            if (!TryCatch(exception))
                throw;
        }
    }

    private void Throw(in ThrownException thrown, ReadOnlySpan<RawValue> payload)
    {
        if (!Unwinder.TryCatch(Store, thrown, payload))
            throw ((IGuestExceptions)Store.Engine.Facade).Create(Store, thrown.Tag, payload, thrown.Reference);
    }

    protected override Exception CreateTrap(in GuestTrap trap) => TrapFactory.Create(Store, trap);

    /// <summary>A trap that managed code found on the guest's behalf.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public TrapException Trap(TrapCode code, string? detail = null) => TrapFactory.Create(Store, code, detail);

    // The code has checked alignment and bounds.
    private HostCallStatus Wait(MemoryInstance memory, RawValue* slots, ulong expected, bool is64, bool maySuspend)
    {
        if (memory.Shared is not SharedMemoryCore shared)
            throw Trap(TrapCode.ExpectedSharedMemory);
        ulong address = slots[1].Low;
        long nanoseconds = (long)slots[3].Low;
        if (!maySuspend || nanoseconds == 0)
        {
            slots[0].Low = (uint)shared.Wait(ThreadWaiter.Current, address, expected, is64, nanoseconds, new GuestWait(Store));
            return HostCallStatus.Completed;
        }
        if (PendingWait.TryBegin(shared, address, expected, is64, nanoseconds) is PendingWait wait)
        {
            Pending = wait;
            return HostCallStatus.Pending;
        }
        slots[0].Low = (uint)AtomicWaitResult.NotEqual;
        return HostCallStatus.Completed;
    }

    // A guest decides how much is compiled in its call: it pays for each function, and is stopped between two. Whoever calls a function first pays for it.
    private nint Compile(ModuleCore module, int definedIndex)
    {
        Store.ThrowIfInterrupted();
        if (Store.Engine.Options.EnableFuel && !module.IsCompiled(definedIndex))
        {
            long cost = module.CompilationFuel(definedIndex);
            if (Record->Fuel < cost)
            {
                Record->Fuel = 0;
                throw Trap(TrapCode.OutOfFuel, $"the guest's fuel does not pay for the compilation of a function, which takes {cost} here");
            }
            Record->Fuel -= cost;
        }
        nint address = module.CompileOnFirstCall(definedIndex);
        Store.ThrowIfInterrupted();
        return address;
    }

    private void CopyTable(TableInstance to, TableInstance from, ulong destination, ulong source, ulong count)
    {
        if (!to.Contains(destination, count) || !from.Contains(source, count))
            throw Trap(TrapCode.TableOutOfBounds);
        to.IsDirty = true;
        // Span copies behave as if through a temporary, as overlapping ranges of one table need.
        new Span<ulong>(from.Elements + source, (int)count).CopyTo(new Span<ulong>(to.Elements + destination, (int)count));
    }
}

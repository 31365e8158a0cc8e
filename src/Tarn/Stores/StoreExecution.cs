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
        : base(record) => Store = store;

    public StoreCore Store { get; }

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
        pending.Finish(Store, (RawValue*)SuspendedValues);
    }

    protected override void InvokeBuiltin(BuiltinId id, VmContext* context, ulong* values)
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
            case BuiltinId.CompileFunction:
                slots[0].Low = (ulong)Compile(instance.Module, (int)slots[0].Low);
                break;
            default:
                throw new NotSupportedException($"Compiled code asked for the builtin {id}, which this version of Tarn does not have.");
        }
    }

    protected override Exception CreateTrap(in GuestTrap trap) => TrapFactory.Create(Store, trap);

    /// <summary>A trap that managed code found on the guest's behalf.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public TrapException Trap(TrapCode code, string? detail = null) => TrapFactory.Create(Store, code, detail);

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

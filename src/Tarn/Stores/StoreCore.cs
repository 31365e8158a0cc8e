// Where instances live that share memories, tables, globals and functions, together with their guest stack. With a single
// instance nobody sees it. One thread at a time; any thread may ask it to stop.
//
// Invariants: everything made in a store lives until the store is disposed, since any of it may be referred to from anywhere else in
// it; all instances share one guest stack and one execution record, hence one activation at a time, nested ones aside;
// every handle carries the store's generation, which changes when the store is disposed; whatever touches what the store owns is inside its gate
// (StoreGate), or has found the gate vacant under the lock. Who enters and which guest runs is the base class's (ActivationScheduler); how guests are entered is StoreCalls'.
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tarn.Compiler.Abi;
using Tarn.Engines;
using Tarn.Execution;
using Tarn.Heaps;
using Tarn.Memories;
using Tarn.Scheduling;
using Tarn.Tables;

namespace Tarn.Stores;

[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The facade is a view of this: disposing it ends this.")]
internal sealed unsafe class StoreCore : ActivationScheduler, IHeapOwner
{
    private StoreHeap _heap = new();
    private readonly StoreExecution _execution;
    private VmContext* _hostContext;
    private HandleCollector? _handles;
    private ExceptionTable? _exceptions;
    private SlotLease? _slot;

    /// <summary>Makes an empty store.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="allocator">Where its instances come from.</param>
    /// <param name="keepsStack">Whether it holds its guest stack between calls. Many instances idle; one stack for each running call is enough for those.</param>
    /// <param name="state">See <see cref="State"/>.</param>
    internal StoreCore(EngineCore engine, StorageAllocator allocator, bool keepsStack, object? state)
        : base(keepsStack)
    {
        // Before anything is refused: the finaliser of what was not finished clears it.
        References = new ReferenceTable(this);
        ArgumentNullException.ThrowIfNull(engine);
        engine.ThrowIfDisposed();
        Engine = engine;
        Allocator = allocator;
        State = state;
        // Two cache lines of its own, which processors fetch in pairs.
        Execution = (ExecutionRecord*)NativeMemory.AlignedAlloc((nuint)sizeof(ExecutionRecord), 128);
        *Execution = default;
        Execution->Fuel = long.MaxValue;
        _execution = new StoreExecution(this, Execution);
    }

    /// <summary>Gives unmanaged memory back when a store was forgotten.</summary>
    ~StoreCore() => Release();

    public EngineCore Engine { get; }

    /// <summary>The embedder's view of one life of the store: the one that the embedder made, or the last that was asked for. Inside the store.</summary>
    public object? Facade { get; set; }

    /// <summary>What host functions get from <see cref="Caller.GetState{TState}"/>.</summary>
    public object? State { get; set; }

    /// <summary>What guests may still use; see <see cref="Store.Fuel"/>.</summary>
    public long Fuel
    {
        get
        {
            using StoreUse use = Enter();
            return Execution->Fuel;
        }
        set
        {
            RequireFuel();
            using StoreUse use = Enter();
            if (value < 0 && HasCalls)
                Overdraw();
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            Execution->Fuel = value;
        }
    }

    /// <summary>Uses up fuel on a guest's behalf, for what a host function does for it.</summary>
    /// <param name="units">Units of fuel, 0 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    /// <exception cref="TrapException">There is not that much left; what there was is used up.</exception>
    public void ConsumeFuel(long units)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(units);
        using StoreUse use = Enter();
        if (Execution->Fuel < units)
            Overdraw();
        Execution->Fuel -= units;
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private void Overdraw()
    {
        Execution->Fuel = 0;
        throw _execution.Trap(TrapCode.OutOfFuel, "a host function used more fuel than there was");
    }

    /// <summary>A trap that managed code found on the guest's behalf.</summary>
    internal TrapException Trap(TrapCode code, string? detail) => _execution.Trap(code, detail);

    internal override StoreExecution Driver => _execution;

    internal StorageAllocator Allocator { get; }

    /// <summary>What contexts made now take as their limit; 0 until the store has a stack, which sets it.</summary>
    internal nint StackLimit => Stack?.Limit ?? 0;

    internal ReferenceTable References { get; }

    /// <summary>Counts crossings between host and guest, as far as references can be among their values.</summary>
    internal long HostCalls => _execution.HostCalls;

    /// <summary>Begins to convert the arguments of a call: references that were given to guests before are theirs.</summary>
    internal void BeginArguments() => _execution.BeginArguments();

    /// <summary>The guests' managed objects; <see langword="null"/> while no instance needs any.</summary>
    internal ManagedHeap? ManagedHeap { get; private set; }

    internal List<InstanceData> Instances => _heap.Instances;

    internal IReadOnlyList<TableInstance> HostTables => _heap.HostTables;

    internal IReadOnlyList<nint> ManagedHostGlobals => _heap.ManagedGlobals;

    /// <summary>The guests' managed objects, for a module that has some.</summary>
    /// <exception cref="InstantiationException">The system or the engine's limits refuse a heap.</exception>
    internal ManagedHeap RequireManagedHeap()
    {
        if (ManagedHeap is ManagedHeap there)
            return there;
        ManagedHeap heap = StorageAllocator.AllocateHeap(this);
        ManagedHeap = heap;
        StoreQuota.RequireHeap(this, heap);
        return heap;
    }

    /// <summary>The exceptions that guests have references to. Most stores never have any.</summary>
    internal ExceptionTable Exceptions => _exceptions ??= new ExceptionTable(this);

    /// <summary>Whether there are some.</summary>
    internal bool HasExceptions => _exceptions is { Count: > 0 };

    /// <summary>Frees what guests have dropped of the two.</summary>
    internal HandleCollector Handles => _handles ??= new HandleCollector(this);

    /// <summary>References that the host holds; <see langword="null"/> while it has held none.</summary>
    internal HostRoots? HostRoots { get; private set; }

    /// <summary>References that the host holds. Inside the store.</summary>
    internal HostRoots RequireHostRoots() => HostRoots ??= new HostRoots();

    /// <summary>Ends the life of everything in the store, whose creation has failed: there is no handle of it.</summary>
    internal void Abandon() => EndLife(Generation)?.Wait(MillisecondsToEnd);

    /// <summary>Whether it has a guest stack now.</summary>
    internal bool HoldsStack => Stack is not null;

    internal bool IsPooled => _slot is not null;

    /// <summary>Whether a slot of the pool has an instance.</summary>
    internal bool IsLeased => LifeState == StoreState.Live;

    internal static void ThrowIfStale([NotNull] StoreCore? store, int generation)
    {
        if (store is null || store.Generation != generation)
            ThrowStale(store);
    }

    /// <summary>Enters a store for what a handle is asked to do.</summary>
    /// <exception cref="ObjectDisposedException">The handle's instance has been disposed.</exception>
    /// <exception cref="InvalidOperationException">The handle is none, or another thread runs a guest of the store.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static StoreUse Enter([NotNull] StoreCore? store, int generation)
    {
        if (store is null)
            ThrowStale(store);
        return new StoreUse(store, store.EnterGate(generation));
    }

    /// <summary>As <see cref="Enter(StoreCore, int)"/>, until the access is closed on the same thread.</summary>
    internal static OpenAccess Open([NotNull] StoreCore? store, int generation)
    {
        if (store is null)
            ThrowStale(store);
        return new OpenAccess(store, store.EnterGate(generation));
    }

    /// <summary>Enters on behalf of the store itself.</summary>
    /// <exception cref="ObjectDisposedException">It has been disposed.</exception>
    /// <exception cref="InvalidOperationException">Another thread runs a guest of the store.</exception>
    internal StoreUse Enter()
    {
        var use = new StoreUse(this, EnterGate(Generation));
        if (LifeState == StoreState.Live)
            return use;
        use.Dispose();
        throw new ObjectDisposedException(nameof(Tarn.Store));
    }

    /// <summary>What its memories and tables may take; see <see cref="Store.Limits"/>.</summary>
    public StoreLimits? Limits
    {
        get;
        set
        {
            field = value;
            ManagedHeap?.LimitsChanged();
        }
    }

    /// <summary>How long a call from outside may take; see <see cref="Store.CallTimeout"/>.</summary>
    public TimeSpan CallTimeout
    {
        get => TimeoutMilliseconds == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(TimeoutMilliseconds);
        set
        {
            long milliseconds = StoreLimits.CheckedTimeout(value);
            if (milliseconds != 0)
                RequireInterruption("A timeout for calls");
            using StoreUse use = Enter();
            TimeoutMilliseconds = milliseconds;
        }
    }

    // A limit that the engine's compiled code cannot honour is refused where it is set, never ignored.
    internal void RequireInterruption(string what)
    {
        if (!Engine.Options.EnableInterruption)
            throw new InvalidOperationException($"{what} cannot be honoured: the engine was made with EngineOptions.EnableInterruption = false, so its code does not check whether it must stop. Make the engine with EnableInterruption = true.");
    }

    private void RequireFuel()
    {
        if (!Engine.Options.EnableFuel)
            throw new InvalidOperationException("Fuel cannot be honoured: the engine was made with EngineOptions.EnableFuel = false, so its code does not count. Make the engine with EnableFuel = true.");
    }

    /// <summary>Sets the limits of a store before anything is made in it.</summary>
    internal void BeginLimits(StoreLimits? limits)
    {
        Limits = limits;
        if (limits?.Fuel is long fuel)
        {
            RequireFuel();
            Execution->Fuel = fuel;
        }
        if (limits?.CallTimeout is TimeSpan timeout)
        {
            long milliseconds = StoreLimits.CheckedTimeout(timeout);
            if (milliseconds != 0)
                RequireInterruption("A timeout for calls");
            TimeoutMilliseconds = milliseconds;
        }
    }

    /// <summary>Sets the limits of an instance from a pool, whose memories and tables are there already.</summary>
    /// <exception cref="InstantiationException">They are larger than the limits allow.</exception>
    internal void BeginLimits(StoreLimits limits, InstanceData data)
    {
        BeginLimits(limits);
        WasmModule wasm = data.Module.Wasm;
        for (int i = wasm.ImportedMemoryCount; i < data.Memories.Length; i++)
        {
            // An instance of a snapshot begins with more than its type says.
            CoreMemoryType type = data.Memories[i].Type;
            StoreQuota.RequireMemory(this, type with { Limits = type.Limits with { Minimum = data.Memories[i].Pages } }, data.Memories[i].CapacityBytes);
        }
        for (int i = wasm.ImportedTableCount; i < data.Tables.Length; i++)
        {
            CoreTableType type = data.Tables[i].Type;
            StoreQuota.RequireTable(this, type with { Limits = type.Limits with { Minimum = data.Tables[i].Length } }, data.Tables[i].Capacity);
        }
        if (ManagedHeap is ManagedHeap heap)
            StoreQuota.RequireHeap(this, heap);
    }

    /// <summary>Makes an exception tag. Inside the store.</summary>
    internal TagInstance AllocateTag(ValType[] values)
    {
        int type = Engine.Types.AddFunction(values, []);
        _heap.AddHostType(type);
        return new TagInstance(type, values.Length);
    }

    /// <summary>Notes a global of the host, if the collector has to look at it.</summary>
    internal void NoteGlobal(RawValue* cell, ValType type)
    {
        if (TypeShape.IsManaged(type, Engine.Types))
            _heap.AddManagedGlobal((nint)cell);
    }

    /// <summary>Makes a cell for a global of the host. Inside the store.</summary>
    internal RawValue* AllocateGlobal(in RawValue value)
    {
        var cell = (RawValue*)_heap.AllocateBlock(sizeof(RawValue));
        *cell = value;
        return cell;
    }

    /// <summary>Makes a memory of the host. Inside the store.</summary>
    /// <exception cref="InstantiationException">The limits or the system do not allow it.</exception>
    internal MemoryInstance AllocateMemory(in CoreMemoryType type)
    {
        MemoryInstance memory = type.Limits.IsShared
            ? Allocator.ForHost.AllocateSharedMemory(type, limits: null).Memory
            : Allocator.ForHost.AllocateMemory(type, type.Limits.Minimum, (MemoryRecord*)_heap.AllocateBlock(sizeof(MemoryRecord)), limits: null);
        _heap.Add(memory);
        return memory;
    }

    /// <summary>Makes a table of the host. Inside the store.</summary>
    /// <exception cref="InstantiationException">The limits or the system do not allow it.</exception>
    internal TableInstance AllocateTable(in CoreTableType type)
    {
        var record = (TableRecord*)_heap.AllocateBlock(sizeof(TableRecord));
        TableInstance table = Allocator.ForHost.AllocateTable(type, type.Limits.Minimum, record, limits: null);
        _heap.Add(table);
        return table;
    }

    /// <summary>Makes a reference record for a function of the host. Inside the store.</summary>
    internal FunctionReference* AllocateFunction(DefinedHostFunction host)
    {
        if (_hostContext == null)
        {
            var context = (VmContext*)_heap.AllocateBlock(sizeof(VmContext));
            context->StackLimit = StackLimit;
            context->Execution = Execution;
            _hostContext = context;
        }
        var record = (FunctionReference*)_heap.AllocateBlock(sizeof(FunctionReference));
        record->TypeId = (uint)Engine.Types.AddFunction(host.Parameters, host.Results);
        _heap.AddHostType((int)record->TypeId);
        record->VmContext = _hostContext;
        record->HostFunction = (uint)AddHostFunctions([host]);
        host.Bind(record, Engine.StubsFor(record->TypeId), Engine.Machine);
        return record;
    }

    /// <summary>Makes a record for a function that has none in its instance's context.</summary>
    internal FunctionReference* RecordFor(InstanceData instance, int functionIndex)
    {
        var record = (FunctionReference*)_heap.AllocateBlock(sizeof(FunctionReference));
        instance.Module.WriteFunctionReference(record, functionIndex, instance.Header);
        return record;
    }

    /// <summary>Makes host functions callable by index: <see cref="FunctionReference.HostFunction"/>. The usual store has one instance and takes its template's array as it is.</summary>
    /// <returns>The index of the first.</returns>
    internal int AddHostFunctions(HostFunction[] functions)
    {
        HostFunction[] old = _execution.HostFunctions;
        _execution.HostFunctions = old.Length == 0 ? functions : [.. old, .. functions];
        return old.Length;
    }

    internal void Add(InstanceData instance) => AddTo(_heap.Instances, instance);

    /// <summary>Whether a managed reference that is not null is of a canonical type.</summary>
    internal bool IsOfType(ulong raw, ValType type)
    {
        HeapType heap = type.Heap;
        uint tag = (uint)raw & ObjectLayout.TagMask;
        if (heap == HeapType.Any)
            return true;
        if (heap == HeapType.None || tag == ObjectLayout.HandleTag)
            return false;
        if (tag != 0)
            return heap == HeapType.I31 || heap == HeapType.Eq;
        if (heap == HeapType.Eq)
            return true;
        if (heap.IsConcrete)
            return Engine.Types.IsSubtype((int)(*(uint*)(ManagedHeap!.Base + raw)), heap.TypeIndex);
        CompositeKind kind = ManagedHeap!.ShapeAt((uint)raw).Kind;
        return heap == HeapType.Struct ? kind == CompositeKind.Struct : heap == HeapType.Array && kind == CompositeKind.Array;
    }

    ExecutionRecord* IHeapOwner.Execution => Execution;

    void IHeapOwner.VisitRoots<T>(T visitor) => RootWalker.Visit(this, visitor);

    long IHeapOwner.MaximumHeapBytes => Limits?.MaximumHeapBytes ?? long.MaxValue;

    bool IHeapOwner.AsksForHeap => Limits?.Limiter is not null;

    bool IHeapOwner.AllowHeap(long current, long desired, long maximum) =>
        Limits is not StoreLimits limits || limits.Allow(new ResourceRequest(ResourceKind.Heap, current, desired, maximum, State));

    void IHeapOwner.VisitExceptions<T>(T visitor) => _exceptions?.Visit(visitor);

    void IHeapOwner.BeginMarkingHandles() => Handles.Begin();

    void IHeapOwner.MarkHandle(uint handle) => Handles.Mark(handle);

    bool IHeapOwner.VisitMarkedExceptions<T>(T visitor) => _exceptions is not null && _exceptions.VisitMarked(visitor);

    void IHeapOwner.SweepHandles() => Handles.Sweep();

    bool IHeapOwner.IsHandleInUse(uint handle) => Handles.IsInUse(handle);

    Exception IHeapOwner.HeapTrap(TrapCode code, string? detail) => Trap(code, detail);

    void IHeapOwner.ThrowIfInterrupted() => ThrowIfInterrupted();

    private protected override void SetInterrupt(uint value)
    {
        foreach (InstanceData instance in _heap.Instances)
            Volatile.Write(ref instance.Header->InterruptRequested, value);
    }

    /// <summary>Makes this the store of a pool's slot, which idles: from now on the end of a life gives the slot back.</summary>
    internal void BeginPooling(SlotLease slot)
    {
        BeginPoolingLive(slot);
        LifeState = StoreState.Idle;
    }

    /// <summary>Makes this the store of a pool's slot while it is in use: when this life ends, the slot is returned.</summary>
    internal void BeginPoolingLive(SlotLease slot)
    {
#pragma warning disable CA1816 // The allocator ends pooled stores; a finalizer would be the second to do so.
        GC.SuppressFinalize(this);
#pragma warning restore CA1816
        _slot = slot;
        _heap.NotePooled();
    }

    /// <summary>Begins the life of an instance in a pool's slot.</summary>
    internal void BeginLease(HostFunction[] hostFunctions, object? state)
    {
        if (_execution.HostFunctions != hostFunctions)
        {
            _execution.HostFunctions = hostFunctions;
            _heap.Instances[0].BindHostFunctions(hostFunctions);
        }
        BeginLease(state);
    }

    /// <summary>Begins the life of instances in a pool's slot whose functions of the host stay as they were bound.</summary>
    internal void BeginLease(object? state)
    {
        // Writing references costs more than comparing them.
        if (state is not null)
            State = state;
        Execution->Fuel = long.MaxValue;
        BeginLife();
    }

    /// <summary>Ends a slot of a pool whose store idles or has just ended: everything goes back to the slabs.</summary>
    internal void EndPooling()
    {
        SlotLease slot = _slot!;
        slot.Unbind();
        _slot = null;
        Release();
        slot.Unbound();
    }

    /// <summary>Gives unmanaged memory back of a pool's slot that was forgotten along with its pool, whose address space goes as a whole.</summary>
    internal void Forget()
    {
        _slot = null;
        Release();
    }

    // The thread that has ended the store's life takes apart what it held, without the lock: no other thread can enter.
    private protected override void TakeApart(Tenure tenure)
    {
        if (_slot is null)
        {
#pragma warning disable CA1816 // It is the end that Dispose asked for.
            GC.SuppressFinalize(this);
#pragma warning restore CA1816
            Release();
            LeaveEnded(tenure);
        }
        else if (LifeState != StoreState.Live)
        {
            LeaveEnded(tenure);
        }
        else
        {
            LifeState = StoreState.Idle;
            if (References.Count != 0)
                References.Clear();
            _exceptions?.Clear();
            if (HostRoots is { Count: > 0 })
                HostRoots.Clear();
            if (State is not null)
                State = null;
            if (Limits is not null)
                Limits = null;
            // Whatever was made beside the slot's own instance may be entangled with it: such a slot starts from scratch. So does one whose generations are used up, since a
            // handle that was kept from an earlier life must never be of the current one.
            bool isClean = _heap.IsAsPooled && Generation < int.MaxValue;
            LeaveEnded(tenure);
            if (isClean)
                _slot.Return();
            else
                EndPooling();
        }
    }

    // No thread is inside, nor will be.
    private void Release()
    {
        if (!TryRelease(out GuestStack? held))
            return;
        References.Clear();
        _exceptions?.Clear();
        HostRoots?.Clear();
        State = null;
        // The stack before the instances: whoever takes an instance's slot, which frees another thread to go on, has to find a stack too.
        if (held is GuestStack stack)
            StoreHeap.Free(Allocator, stack, static (allocator, it) => allocator.FreeStack(it));
        _heap.FreeAll(Allocator, Engine);
        if (ManagedHeap is ManagedHeap managed)
        {
            ManagedHeap = null;
            StorageAllocator.FreeHeap(this, managed);
        }
        NativeMemory.AlignedFree(Execution);
        Execution = null;
    }

    /// <summary>Gives back what a deep call left resident of the stack, if the store holds one.</summary>
    internal void TrimStack(long keepResident) => Stack?.Trim(keepResident);

    private protected override GuestStack AttachStack()
    {
        GuestStack stack = Allocator.AllocateStack();
        stack.Attach(Execution);
        foreach (InstanceData instance in _heap.Instances)
            instance.Header->StackLimit = stack.Limit;
        if (_hostContext != null)
            _hostContext->StackLimit = stack.Limit;
        return stack;
    }

    private protected override void DetachStack(GuestStack stack) => Allocator.FreeStack(stack);

    [DoesNotReturn]
    internal static void ThrowStale(StoreCore? store)
    {
        if (store is null)
            throw new InvalidOperationException("The handle was not made by a store.");
        throw new ObjectDisposedException(nameof(Instance), "The instance or store that this handle belongs to has been disposed.");
    }
}

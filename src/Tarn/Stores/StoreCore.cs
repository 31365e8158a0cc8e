// Where instances live that share memories, tables, globals and functions, together with their guest stack. With a single
// instance nobody sees it. One thread at a time; any thread may ask it to stop.
//
// Invariants: everything made in a store lives until the store is disposed, since any of it may be referred to from anywhere else in
// it; all instances share one guest stack and one execution record, hence one activation at a time, nested ones aside;
// every handle carries the store's generation, which changes when the store is disposed; whatever touches what the store owns is inside its gate
// (StoreGate, StoreCore.Entry), or has found the gate vacant under the lock.
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Tarn.Compiler.Abi;
using Tarn.Engines;
using Tarn.Execution;
using Tarn.Heaps;
using Tarn.Memories;
using Tarn.Tables;

namespace Tarn.Stores;

[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The facade is a view of this: disposing it ends this.")]
internal sealed unsafe partial class StoreCore : IHeapOwner
{
    private readonly Lock _lock = new();
    private StoreHeap _heap = new();
    private readonly StoreExecution _driver;
    private VmContext* _hostContext;
    private HandleCollector? _handles;
    private GuestStack? _stack;
    private readonly bool _keepsStack;
    private SlotLease? _slot;
    private StoreState _state;

    /// <summary>Makes an empty store.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="allocator">Where its instances come from.</param>
    /// <param name="keepsStack">Whether it holds its guest stack between calls. Many instances idle; one stack for each running call is enough for those.</param>
    /// <param name="state">See <see cref="State"/>.</param>
    internal StoreCore(EngineCore engine, StorageAllocator allocator, bool keepsStack, object? state)
    {
        // Before anything is refused: the finaliser of what was not finished clears it.
        References = new ReferenceTable(this);
        Exceptions = new ExceptionTable(this);
        ArgumentNullException.ThrowIfNull(engine);
        engine.ThrowIfDisposed();
        Engine = engine;
        Allocator = allocator;
        State = state;
        _keepsStack = keepsStack;
        // Two cache lines of its own, which processors fetch in pairs.
        Execution = (ExecutionRecord*)NativeMemory.AlignedAlloc((nuint)sizeof(ExecutionRecord), 128);
        *Execution = default;
        Execution->Fuel = long.MaxValue;
        _driver = new StoreExecution(this, Execution);
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
            if (value < 0 && _activations != 0)
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
        throw _driver.Trap(TrapCode.OutOfFuel, "a host function used more fuel than there was");
    }

    internal int Generation => _gate.Generation;

    /// <summary>A trap that managed code found on the guest's behalf.</summary>
    internal TrapException Trap(TrapCode code, string? detail) => _driver.Trap(code, detail);

    internal ExecutionRecord* Execution { get; private set; }

    internal StorageAllocator Allocator { get; }

    /// <summary>What contexts made now take as their limit; 0 until the store has a stack, which sets it.</summary>
    internal nint StackLimit => _stack?.Limit ?? 0;

    internal ReferenceTable References { get; }

    /// <summary>Counts crossings between host and guest, as far as references can be among their values.</summary>
    internal long HostCalls => _driver.HostCalls;

    /// <summary>Begins to convert the arguments of a call: references that were given to guests before are theirs.</summary>
    internal void BeginArguments() => _driver.BeginArguments();

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

    internal ExceptionTable Exceptions { get; }

    /// <summary>Frees what guests have dropped of the two.</summary>
    internal HandleCollector Handles => _handles ??= new HandleCollector(this);

    /// <summary>References that the host holds; <see langword="null"/> while it has held none.</summary>
    internal HostRoots? HostRoots { get; private set; }

    /// <summary>References that the host holds. Inside the store.</summary>
    internal HostRoots RequireHostRoots() => HostRoots ??= new HostRoots();

    /// <summary>Asks whatever guest runs in a life of the store to stop. Any thread may call it.</summary>
    internal void Interrupt(int generation)
    {
        Aftermath aftermath = default;
        lock (_lock)
        {
            // A pooled store may belong to another instance before this is done: the request names the one that is meant, and the flag alone
            // only makes compiled code look.
            if (_state == StoreState.Live && generation == Generation && !TryInterruptSuspended(ref aftermath))
                RequestStop(generation);
        }
        Settle(aftermath);
    }

    /// <summary>Ends the life of everything in the store, whose creation has failed: there is no handle of it.</summary>
    internal void Abandon() => EndLife(Generation)?.Wait(MillisecondsToEnd);

    /// <summary>Whether it has a guest stack now.</summary>
    internal bool HoldsStack => _stack is not null;

    internal bool IsPooled => _slot is not null;

    /// <summary>Whether a slot of the pool has an instance.</summary>
    internal bool IsLeased => _state == StoreState.Live;

    /// <summary>Whether there are guests in it, and all of them wait.</summary>
    internal bool IsSuspended => _suspended != 0 && _suspended == _activations;

    internal static void ThrowIfStale([NotNull] StoreCore? store, int generation)
    {
        if (store is null || store.Generation != generation)
            ThrowStale(store);
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
            : Allocator.ForHost.AllocateMemory(type, (MemoryRecord*)_heap.AllocateBlock(sizeof(MemoryRecord)), limits: null);
        _heap.Add(memory);
        return memory;
    }

    /// <summary>Makes a table of the host. Inside the store.</summary>
    /// <exception cref="InstantiationException">The limits or the system do not allow it.</exception>
    internal TableInstance AllocateTable(in CoreTableType type)
    {
        var record = (TableRecord*)_heap.AllocateBlock(sizeof(TableRecord));
        TableInstance table = Allocator.ForHost.AllocateTable(type, record, limits: null);
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
        host.Bind(record, Engine.StubsFor(record->TypeId));
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
        HostFunction[] old = _driver.HostFunctions;
        _driver.HostFunctions = old.Length == 0 ? functions : [.. old, .. functions];
        return old.Length;
    }

    internal void Add(InstanceData instance)
    {
        lock (_lock)
        {
            _heap.Instances.Add(instance);
            // Whoever was asked to stop before it came is asked with its words too; it looks for the reason.
            if (_scope is not null || _stopRequested != NoStop)
                Volatile.Write(ref instance.Header->InterruptRequested, 1);
        }
    }

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

    void IHeapOwner.VisitExceptions<T>(T visitor) => Exceptions.Visit(visitor);

    void IHeapOwner.BeginMarkingHandles() => Handles.Begin();

    void IHeapOwner.MarkHandle(uint handle) => Handles.Mark(handle);

    bool IHeapOwner.VisitMarkedExceptions<T>(T visitor) => Exceptions.VisitMarked(visitor);

    void IHeapOwner.SweepHandles() => Handles.Sweep();

    bool IHeapOwner.IsHandleInUse(uint handle) => Handles.IsInUse(handle);

    Exception IHeapOwner.HeapTrap(TrapCode code, string? detail) => Trap(code, detail);

    void IHeapOwner.ThrowIfInterrupted() => ThrowIfInterrupted();

    // Under the lock.
    private void RequestStop(int generation)
    {
        Volatile.Write(ref _stopRequested, generation);
        SetInterrupt(1);
        Volatile.Write(ref Execution->StopRequested, 1);
        WakeSleeper();
    }

    private void SetInterrupt(uint value)
    {
        foreach (InstanceData instance in _heap.Instances)
            Volatile.Write(ref instance.Header->InterruptRequested, value);
    }

    /// <summary>Makes this the store of a pool's slot, which idles: from now on the end of a life gives the slot back.</summary>
    internal void BeginPooling(SlotLease slot)
    {
        BeginPoolingLive(slot);
        _state = StoreState.Idle;
    }

    /// <summary>Makes this the store of a pool's slot while it is in use: when this life ends, the slot is given back.</summary>
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
        if (_driver.HostFunctions != hostFunctions)
        {
            _driver.HostFunctions = hostFunctions;
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
        _timeoutMilliseconds = 0;
        _stopRequested = NoStop;
        _leavingThread = 0;
        _state = StoreState.Live;
        if (!_gate.IsMine)
        {
            lock (_lock)
                _gate.Begin();
        }
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

    // Nobody is inside, nor will be.
    private void Release()
    {
        lock (_lock)
        {
            if (_state == StoreState.Released)
                return;
            _state = StoreState.Released;
        }
        References.Clear();
        Exceptions.Clear();
        HostRoots?.Clear();
        State = null;
        // The stack before the instances: whoever takes an instance's slot, which frees another thread to go on, has to find a stack too.
        if (_stack is GuestStack stack)
        {
            _stack = null;
            StoreHeap.Free(Allocator, stack, static (allocator, it) => allocator.FreeStack(it));
        }
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
    internal void TrimStack(long keepResident) => _stack?.Trim(keepResident);

    private void AttachStack()
    {
        GuestStack stack = Allocator.AllocateStack();
        stack.Attach(Execution);
        _stack = stack;
        foreach (InstanceData instance in _heap.Instances)
            instance.Header->StackLimit = stack.Limit;
        if (_hostContext != null)
            _hostContext->StackLimit = stack.Limit;
    }

    private void DetachStack()
    {
        GuestStack stack = _stack!;
        _stack = null;
        Allocator.FreeStack(stack);
    }

    [DoesNotReturn]
    internal static void ThrowStale(StoreCore? store)
    {
        if (store is null)
            throw new InvalidOperationException("The handle was not made by a store.");
        throw new ObjectDisposedException(nameof(Instance), "The instance or store that this handle belongs to has been disposed.");
    }
}

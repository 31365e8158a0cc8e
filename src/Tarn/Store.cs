// Where instances live that share memories, tables, globals and functions, together with their guest stack. With a single
// instance nobody sees it. One thread at a time; any thread may ask it to stop.
//
// Invariants: everything made in a store lives until the store is disposed, since any of it may be referred to from anywhere else in
// it; all instances share one guest stack and one execution record, hence one activation at a time, nested ones aside;
// every handle carries the store's generation, which changes when the store is disposed; whatever touches what the store owns is inside its gate
// (StoreGate, Store.Entry), or has found the gate vacant under the lock.
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Tarn.Execution;
using Tarn.Functions;
using Tarn.Instances;
using Tarn.Linking;
using Tarn.Memories;
using Tarn.Pooling;
using Tarn.Scheduling;
using Tarn.Tables;

namespace Tarn;

/// <summary>Holds instances that share memories, tables, globals and functions. One thread at a time.</summary>
public sealed unsafe partial class Store : IDisposable, IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly List<InstanceData> _instances = [];
    private List<MemoryInstance>? _memories;
    private List<TableInstance>? _tables;
    private List<nint>? _blocks;
    private List<int>? _hostTypes;
    private readonly StoreExecution _driver;
    private VmContext* _hostContext;
    private GuestStack? _stack;
    private readonly bool _keepsStack;
    private PooledAllocator? _pool;
    private PooledInstance? _pooled;
    private bool _disposed;

    /// <summary>Makes an empty store.</summary>
    /// <param name="engine">The engine of all modules that will be instantiated in it.</param>
    /// <param name="state">What host functions get from <see cref="Caller.GetState{TState}"/>.</param>
    public Store(Engine engine, object? state = null)
        : this(engine, engine?.Allocator!, keepsStack: true, state)
    {
    }

    /// <param name="engine">The engine.</param>
    /// <param name="allocator">Where its instances come from.</param>
    /// <param name="keepsStack">Whether it holds its guest stack between calls. Many instances idle; one stack for each running call is enough for those.</param>
    /// <param name="state">See <see cref="State"/>.</param>
    internal Store(Engine engine, InstanceAllocator allocator, bool keepsStack, object? state)
    {
        // Before anything is refused: the finaliser of what was not finished clears it.
        References = new ReferenceTable(this);
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
    ~Store() => Release();

    /// <summary>The store's engine.</summary>
    public Engine Engine { get; }

    /// <summary>What host functions get from <see cref="Caller.GetState{TState}"/>.</summary>
    public object? State { get; set; }

    /// <summary>
    /// Gets or sets the units of fuel that guests of this store may still use (<see cref="FuelCosts"/>). Never negative. A host function that sets less than nothing ends its guest
    /// out of fuel.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Set: the value is negative, and no guest is running.</exception>
    /// <exception cref="InvalidOperationException">Set: the engine's code does not count, since <see cref="EngineOptions.EnableFuel"/> is off.</exception>
    /// <exception cref="TrapException">Set: the value is negative, and a guest is running.</exception>
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

    internal ExecutionRecord* Execution { get; private set; }

    internal InstanceAllocator Allocator { get; }

    /// <summary>What contexts made now take as their limit; 0 until the store has a stack, which sets it.</summary>
    internal nint StackLimit => _stack?.Limit ?? 0;

    internal ReferenceTable References { get; }

    /// <summary>Makes a linear memory that modules can import. It lives as long as the store.</summary>
    /// <param name="type">Its type.</param>
    /// <exception cref="InstantiationException">The memory is larger than the engine's limits or the system allow.</exception>
    public Memory CreateMemory(MemoryType type)
    {
        ArgumentNullException.ThrowIfNull(type);
        return CreateMemory(TypeDescriptions.ToCore(type));
    }

    /// <summary>Makes a table that modules can import. It lives as long as the store.</summary>
    /// <param name="type">Its type. The elements have to be nullable, since they are null to begin with.</param>
    /// <exception cref="ArgumentException">The elements cannot be null, or are of a type that a module defines.</exception>
    /// <exception cref="InstantiationException">The table is larger than the engine's limits or the system allow.</exception>
    public Table CreateTable(TableType type)
    {
        ArgumentNullException.ThrowIfNull(type);
        return type.Element.IsNullable
            ? CreateTable(TypeDescriptions.ToCore(type))
            : throw new ArgumentException($"The elements of {type} cannot be null, so the host cannot make the table.", nameof(type));
    }

    /// <summary>Makes a global that modules can import. It lives as long as the store.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="value">Its value.</param>
    /// <exception cref="ArgumentException">The value is not of the type, or the type refers to a type that a module defines.</exception>
    public Global CreateGlobal(GlobalType type, Value value)
    {
        ArgumentNullException.ThrowIfNull(type);
        ValType valueType = TypeDescriptions.ToCore(type.ValueType);
        using StoreUse use = Enter();
        RawValue raw = ToRaw(value, valueType);
        var cell = (RawValue*)AllocateBlock(sizeof(RawValue));
        *cell = raw;
        return new Global(this, Generation, cell, new CoreGlobalType(valueType, type.IsMutable));
    }

    /// <summary>Makes a function of the host, for tables, globals and arguments; for imports use <see cref="Linker"/>.</summary>
    public Function CreateFunction(FunctionType type, HostCallback callback)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentNullException.ThrowIfNull(callback);
        return CreateFunction(HostFunctions.Untyped(Engine, type, callback));
    }

    /// <summary>Makes an asynchronous function of the host, for tables, globals and arguments.</summary>
    public Function CreateFunction(FunctionType type, AsyncHostCallback callback)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentNullException.ThrowIfNull(callback);
        return CreateFunction(HostFunctions.Untyped(Engine, type, callback));
    }

    /// <summary>
    /// Asks whatever guest runs in this store to stop: its call ends with a trap, <see cref="TrapCode.Interrupted"/>. Any thread may call it; compiled code notices where
    /// <see cref="EngineOptions.EnableInterruption"/> is on, and a host function that was called is waited for. Guests that are suspended, where none runs, end at once.
    /// </summary>
    public void Interrupt() => Interrupt(Generation);

    internal void Interrupt(int generation)
    {
        Aftermath aftermath = default;
        lock (_lock)
        {
            // A pooled store may belong to another instance before this is done: the request names the one that is meant, and the flag alone
            // only makes compiled code look.
            if (!_disposed && generation == Generation && !TryInterruptSuspended(ref aftermath))
                RequestStop(generation);
        }
        Settle(aftermath);
    }

    /// <summary>
    /// Ends the life of everything in the store. Guests that are suspended in an asynchronous host function are dropped, and their calls end with an
    /// <see cref="ObjectDisposedException"/>. A guest that is running is asked to stop, and waited for if another thread runs it; if it does not stop within a second, or
    /// runs on this thread, the store ends when it has returned. In any case handles are stale when this method returns.
    /// </summary>
#pragma warning disable CA1816 // TakeApart does it, which may be later.
    public void Dispose() => EndLife(Generation)?.Wait(MillisecondsToEnd);

    /// <summary>Ends the life of everything in the store as <see cref="Dispose"/> does, and waits for a guest that another thread runs for as long as it takes.</summary>
    public ValueTask DisposeAsync() => EndLife(Generation) is Task ended ? new ValueTask(ended) : default;
#pragma warning restore CA1816

    /// <summary>Whether it has a guest stack now.</summary>
    internal bool HoldsStack => _stack is not null;

    internal bool IsPooled => _pooled is not null;

    /// <summary>Whether a slot of the pool has an instance.</summary>
    internal bool IsLeased => !_disposed;

    /// <summary>Whether there are guests in it, and all of them wait.</summary>
    internal bool IsSuspended => _suspended != 0 && _suspended == _activations;

    internal static void ThrowIfStale([NotNull] Store? store, int generation)
    {
        if (store is null || store.Generation != generation)
            ThrowStale(store);
    }

    internal static Value DefaultValue(ValueKind kind) => kind switch
    {
        ValueKind.I32 => Value.FromInt32(0),
        ValueKind.I64 => Value.FromInt64(0),
        ValueKind.F32 => Value.FromSingle(0),
        ValueKind.F64 => Value.FromDouble(0),
        ValueKind.V128 => Value.FromBits(ValueKind.V128, 0),
        ValueKind.FuncRef => Value.NullFunction,
        ValueKind.ExternRef => Value.NullExtern,
        _ => Value.FromBits(kind, 0),
    };

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);

    internal Memory CreateMemory(in CoreMemoryType type)
    {
        using StoreUse use = Enter();
        var record = (MemoryRecord*)AllocateBlock(sizeof(MemoryRecord));
        MemoryInstance memory = Allocator.ForHost.AllocateMemory(type, record, limits: null);
        (_memories ??= []).Add(memory);
        return new Memory(this, Generation, memory);
    }

    internal Table CreateTable(in CoreTableType type)
    {
        using StoreUse use = Enter();
        var record = (TableRecord*)AllocateBlock(sizeof(TableRecord));
        TableInstance table = Allocator.ForHost.AllocateTable(type, record, limits: null);
        (_tables ??= []).Add(table);
        return new Table(this, Generation, table);
    }

    internal Function CreateFunction(DefinedHostFunction host)
    {
        using StoreUse use = Enter();
        if (_hostContext == null)
        {
            var context = (VmContext*)AllocateBlock(sizeof(VmContext));
            context->StackLimit = StackLimit;
            context->Execution = Execution;
            _hostContext = context;
        }
        var record = (FunctionReference*)AllocateBlock(sizeof(FunctionReference));
        record->TypeId = (uint)Engine.Types.AddFunction(host.Parameters, host.Results);
        (_hostTypes ??= []).Add((int)record->TypeId);
        record->VmContext = _hostContext;
        record->HostFunction = (uint)AddHostFunctions([host]);
        host.Bind(record, Engine.StubsFor(record->TypeId));
        return new Function(this, Generation, record);
    }

    /// <summary>Makes a record for a function that has none in its instance's context.</summary>
    internal FunctionReference* RecordFor(InstanceData instance, int functionIndex)
    {
        var record = (FunctionReference*)AllocateBlock(sizeof(FunctionReference));
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
            _instances.Add(instance);
            // Whoever was asked to stop before it came is asked with its words too; it looks for the reason.
            if (_scope is not null || _stopRequested != NoStop)
                Volatile.Write(ref instance.Header->InterruptRequested, 1);
        }
    }

    internal byte* AllocateBlock(int bytes)
    {
        const nuint Alignment = 16;
        byte* block = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
        NativeMemory.Clear(block, (nuint)bytes);
        (_blocks ??= []).Add((nint)block);
        return block;
    }

    internal Function FunctionFromReference(ulong reference) =>
        reference == 0 ? default : new Function(this, Generation, (FunctionReference*)reference);

    internal ulong ReferenceFromFunction(Function function)
    {
        if (function.IsNull)
            return 0;
        function.ThrowIfUnusable();
        if (function.Store != this)
            throw new ArgumentException("the function belongs to another store", nameof(function));
        return (ulong)function.Record;
    }

    internal Value ToValue(in RawValue raw, ValType type)
    {
        ValueKind kind = ValueKinds.Of(type, Engine.Types);
        return kind switch
        {
            ValueKind.I32 or ValueKind.F32 => Value.FromBits(kind, (uint)raw.Low),
            ValueKind.I64 or ValueKind.F64 => Value.FromBits(kind, raw.Low),
            ValueKind.V128 => Value.FromBits(kind, raw.Low, raw.High),
            ValueKind.ExternRef => Value.FromObject(References.Get(raw.Low)),
            ValueKind.FuncRef => Value.FromFunction(FunctionFromReference(raw.Low)),
            _ => Value.FromBits(kind, raw.Low, 0, this),
        };
    }

    /// <exception cref="ArgumentException">The value is not of the type.</exception>
    internal RawValue ToRaw(Value value, ValType type)
    {
        ValueKind kind = ValueKinds.Of(type, Engine.Types);
        if (value.Kind != kind)
            throw new ArgumentException($"a value of kind {value.Kind} was given where {type} is wanted", nameof(value));
        if (type.IsReference)
            return ToRawReference(value, type);
        return new RawValue { Low = value.Low, High = value.High };
    }

    private RawValue ToRawReference(Value value, ValType type)
    {
        if (value.IsNull)
        {
            return type.IsNullable
                ? default
                : throw new ArgumentException($"null was given where {type} is wanted", nameof(value));
        }
        switch (value.Kind)
        {
            case ValueKind.ExternRef:
                return new RawValue { Low = References.Add(value.AsObject()) };
            case ValueKind.FuncRef:
                Function function = value.AsFunction();
                ulong reference = ReferenceFromFunction(function);
                ValType actual = ValType.Reference(HeapType.Canonical((int)function.Record->TypeId), nullable: false);
                if (!ExternTypes.IsSubtype(actual, type, Engine.Types))
                    throw new ArgumentException($"a function of another type was given where {type} is wanted: {function.CoreType}", nameof(value));
                return new RawValue { Low = reference };
            default:
                if (!ReferenceEquals(value.Reference, this))
                    throw new ArgumentException("the reference belongs to another store", nameof(value));
                return new RawValue { Low = value.Low };
        }
    }

    // Under the lock.
    private void RequestStop(int generation)
    {
        Volatile.Write(ref _stopRequested, generation);
        SetInterrupt(1);
        Volatile.Write(ref Execution->StopRequested, 1);
    }

    private void SetInterrupt(uint value)
    {
        foreach (InstanceData instance in _instances)
            Volatile.Write(ref instance.Header->InterruptRequested, value);
    }

    /// <summary>Makes this the store of a pool's slot: from now on disposing it gives the slot back.</summary>
    internal void BeginPooling(PooledAllocator pool, PooledInstance instance)
    {
#pragma warning disable CA1816 // The allocator ends pooled stores; a finalizer would be the second to do so.
        GC.SuppressFinalize(this);
#pragma warning restore CA1816
        _pool = pool;
        _pooled = instance;
        _disposed = true;
    }

    /// <summary>Begins the life of an instance in a pool's slot.</summary>
    internal void BeginLease(HostFunction[] hostFunctions, object? state)
    {
        // Writing references costs more than comparing them.
        if (state is not null)
            State = state;
        if (_driver.HostFunctions != hostFunctions)
        {
            _driver.HostFunctions = hostFunctions;
            Instantiation.BindHostFunctions(_instances[0], hostFunctions);
        }
        Execution->Fuel = long.MaxValue;
        _timeoutMilliseconds = 0;
        _stopRequested = NoStop;
        _leavingThread = 0;
        _disposed = false;
        if (!_gate.IsMine)
        {
            lock (_lock)
                _gate.Begin();
        }
    }

    /// <summary>Ends an idle slot of a pool: everything goes back to the slabs.</summary>
    internal void EndPooling()
    {
        PooledAllocator pool = _pool!;
        pool.Unregister(_pooled!);
        _pool = null;
        _pooled = null;
        _disposed = false;
        Release();
        pool.Waiters.Signal();
    }

    /// <summary>Gives unmanaged memory back of a pool's slot that was forgotten along with its pool, whose address space goes as a whole.</summary>
    internal void Forget()
    {
        _pool = null;
        _pooled = null;
        _disposed = false;
        Release();
    }

    // Nobody is inside, nor will be.
    private void Release()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
        }
        References.Clear();
        State = null;
        // The stack before the instances: whoever takes an instance's slot, which frees another thread to go on, has to find a stack too.
        if (_stack is GuestStack stack)
        {
            _stack = null;
            Allocator.FreeStack(stack);
        }
        foreach (InstanceData instance in _instances)
            instance.Free(Allocator);
        foreach (MemoryInstance memory in _memories ?? [])
            Allocator.ForHost.FreeMemory(memory);
        foreach (TableInstance table in _tables ?? [])
            Allocator.ForHost.FreeTable(table);
        foreach (nint block in _blocks ?? [])
            NativeMemory.AlignedFree((void*)block);
        foreach (int type in _hostTypes ?? [])
            Engine.Types.Release(type);
        _instances.Clear();
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
        foreach (InstanceData instance in _instances)
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
    internal static void ThrowStale(Store? store)
    {
        if (store is null)
            throw new InvalidOperationException("the handle was not made by a store");
        throw new ObjectDisposedException(nameof(Instance), "the instance or store that this handle belongs to has been disposed");
    }
}

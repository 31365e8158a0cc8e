// The embedder's view of one life of a store. Everything is in StoreCore, which a slot of a pool uses again for one instance after the other; this object belongs to one life and
// carries its generation, like every handle, so one that was kept acts on nothing that comes later.
using System.Diagnostics;
using Tarn.Handles;

namespace Tarn;

/// <summary>
/// Holds instances that share memories, tables, globals and functions. One thread at a time. An instance that is made without a store has one of its own, which
/// <see cref="Caller.Store"/> returns.
/// </summary>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public sealed class Store : IDisposable, IAsyncDisposable
{
    private readonly StoreCore _core;

    /// <summary>Initializes a new instance of the <see cref="Store"/> class.</summary>
    /// <param name="engine">The engine of all modules that will be instantiated in the store.</param>
    /// <param name="state">The object that host functions get from <see cref="Caller.GetState{TState}"/>.</param>
    /// <exception cref="ObjectDisposedException">The engine has been disposed.</exception>
    public Store(Engine engine, object? state = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        _core = new StoreCore(engine.Core, engine.Allocator, keepsStack: true, state);
        Generation = _core.Generation;
        _core.Facade = this;
    }

    internal Store(StoreCore core, int generation)
    {
        _core = core;
        Generation = generation;
    }

    /// <summary>Gets the store's engine.</summary>
    public Engine Engine => (Engine)_core.Engine.Facade;

    /// <summary>Gets or sets the object that host functions get from <see cref="Caller.GetState{TState}"/>.</summary>
    /// <exception cref="ObjectDisposedException">The store has been disposed.</exception>
    public object? State
    {
        get
        {
            using StoreUse use = Enter();
            return _core.State;
        }
        set
        {
            using StoreUse use = Enter();
            _core.State = value;
        }
    }

    /// <summary>Gets or sets what memories and tables may take; <see langword="null"/> for what the engine allows. Those that exist already are not asked about.</summary>
    /// <exception cref="ObjectDisposedException">The store has been disposed.</exception>
    public StoreLimits? Limits
    {
        get
        {
            using StoreUse use = Enter();
            return _core.Limits;
        }
        set
        {
            using StoreUse use = Enter();
            _core.Limits = value;
        }
    }

    /// <summary>
    /// Gets or sets the units of fuel that guests of this store may still use (<see cref="FuelCosts"/>). Never negative. A host function that sets less than nothing ends its guest
    /// out of fuel.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Set: the value is negative, and no guest is running.</exception>
    /// <exception cref="InvalidOperationException">Set: the engine's code does not count, since <see cref="EngineOptions.EnableFuel"/> is off.</exception>
    /// <exception cref="TrapException">Set: the value is negative, and a guest is running.</exception>
    /// <exception cref="ObjectDisposedException">The store has been disposed.</exception>
    public long Fuel
    {
        get
        {
            using StoreUse use = Enter();
            return _core.Fuel;
        }
        set
        {
            using StoreUse use = Enter();
            _core.Fuel = value;
        }
    }

    /// <summary>
    /// Gets or sets the time that a call from outside may take, suspensions included; <see cref="Timeout.InfiniteTimeSpan"/>, the default, for no bound. A call that takes longer
    /// ends with a trap, <see cref="TrapCode.Interrupted"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Set: the value is neither infinite nor between a millisecond and 24 days.</exception>
    /// <exception cref="InvalidOperationException">Set: the engine's code cannot be stopped, since <see cref="EngineOptions.EnableInterruption"/> is off.</exception>
    /// <exception cref="ObjectDisposedException">The store has been disposed.</exception>
    public TimeSpan CallTimeout
    {
        get
        {
            using StoreUse use = Enter();
            return _core.CallTimeout;
        }
        set
        {
            using StoreUse use = Enter();
            _core.CallTimeout = value;
        }
    }

    internal StoreCore Core => _core;

    internal int Generation { get; }

    /// <summary>Uses up fuel on a guest's behalf, for what a host function does for it.</summary>
    /// <param name="units">Units of fuel, 0 or more.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    /// <exception cref="TrapException">There is not that much left; what there was is used up.</exception>
    /// <exception cref="ObjectDisposedException">The store has been disposed.</exception>
    public void ConsumeFuel(long units)
    {
        using StoreUse use = Enter();
        _core.ConsumeFuel(units);
    }

    /// <summary>Makes a linear memory that modules can import. It lives as long as the store.</summary>
    /// <param name="type">Its type.</param>
    /// <exception cref="InstantiationException">The memory is larger than the engine's limits or the system allow.</exception>
    /// <exception cref="ObjectDisposedException">The store has been disposed.</exception>
    public Memory CreateMemory(MemoryType type)
    {
        ArgumentNullException.ThrowIfNull(type);
        using StoreUse use = Enter();
        return _core.CreateMemory(TypeDescriptions.ToCore(type));
    }

    /// <summary>Makes a table that modules can import. It lives as long as the store.</summary>
    /// <param name="type">Its type. The elements have to be nullable, since they are null to begin with.</param>
    /// <exception cref="ArgumentException">The elements cannot be null, or are of a type that a module defines.</exception>
    /// <exception cref="InstantiationException">The table is larger than the engine's limits or the system allow.</exception>
    /// <exception cref="ObjectDisposedException">The store has been disposed.</exception>
    public Table CreateTable(TableType type)
    {
        ArgumentNullException.ThrowIfNull(type);
        if (!type.Element.IsNullable)
            throw new ArgumentException($"The elements of {type} cannot be null, so the host cannot make the table.", nameof(type));
        CoreTableType core = TypeDescriptions.ToCore(type);
        using StoreUse use = Enter();
        return _core.CreateTable(core);
    }

    /// <summary>Makes a global that modules can import. It lives as long as the store.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="value">Its value.</param>
    /// <exception cref="ArgumentException">The value is not of the type, or the type refers to a type that a module defines.</exception>
    /// <exception cref="ObjectDisposedException">The store has been disposed.</exception>
    public Global CreateGlobal(GlobalType type, Value value)
    {
        ArgumentNullException.ThrowIfNull(type);
        var core = new CoreGlobalType(TypeDescriptions.ToCore(type.ValueType), type.IsMutable);
        using StoreUse use = Enter();
        return _core.CreateGlobal(core, value);
    }

    /// <summary>Gets what the heap of managed objects holds, and what its collector has done.</summary>
    /// <exception cref="ObjectDisposedException">The store has been disposed.</exception>
    public HeapStatistics GetHeapStatistics()
    {
        using StoreUse use = Enter();
        return _core.ManagedHeap?.GetStatistics() ?? default;
    }

    /// <summary>Makes a structure in the guests' heap.</summary>
    /// <param name="type">Its type, which a module of one of the store's instances defines: that of a parameter of an export, for example.</param>
    /// <param name="fields">The values of all fields, in order.</param>
    /// <exception cref="ArgumentException">No module in the store defines the type, it is not a structure type, or the values are not those of its fields.</exception>
    /// <exception cref="TrapException">The heap has no room, even after a collection.</exception>
    /// <exception cref="ObjectDisposedException">The store has been disposed.</exception>
    public StructReference CreateStruct(DefinedType type, params ReadOnlySpan<Value> fields)
    {
        using StoreUse use = Enter();
        return _core.CreateStruct(type, fields);
    }

    /// <summary>Makes an array in the guests' heap, whose elements are zero or null.</summary>
    /// <param name="type">Its type, which a module of one of the store's instances defines.</param>
    /// <param name="length">The number of elements.</param>
    /// <exception cref="ArgumentException">No module in the store defines the type, it is not an array type, or its elements cannot be null.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative.</exception>
    /// <exception cref="TrapException">The heap has no room, even after a collection.</exception>
    /// <exception cref="ObjectDisposedException">The store has been disposed.</exception>
    public ArrayReference CreateArray(DefinedType type, int length)
    {
        using StoreUse use = Enter();
        return _core.CreateArray(type, length);
    }

    /// <summary>Makes an array in the guests' heap.</summary>
    /// <param name="type">Its type, which a module of one of the store's instances defines.</param>
    /// <param name="elements">The elements.</param>
    /// <exception cref="ArgumentException">No module in the store defines the type, it is not an array type, or a value is not of the elements' type.</exception>
    /// <exception cref="TrapException">The heap has no room, even after a collection.</exception>
    /// <exception cref="ObjectDisposedException">The store has been disposed.</exception>
    public ArrayReference CreateArray(DefinedType type, ReadOnlySpan<Value> elements)
    {
        using StoreUse use = Enter();
        return _core.CreateArray(type, elements);
    }

    /// <summary>Makes an array of numbers in the guests' heap.</summary>
    /// <typeparam name="T">A number of the elements' size, as in <see cref="ArrayReference.CopyTo{T}"/>.</typeparam>
    /// <param name="type">Its type, which a module of one of the store's instances defines.</param>
    /// <param name="elements">The elements.</param>
    /// <exception cref="ArgumentException">No module in the store defines the type, it is not an array type, or its elements are not numbers of the size and kind of <typeparamref name="T"/>.</exception>
    /// <exception cref="TrapException">The heap has no room, even after a collection.</exception>
    /// <exception cref="ObjectDisposedException">The store has been disposed.</exception>
    public ArrayReference CreateArray<T>(DefinedType type, ReadOnlySpan<T> elements)
        where T : unmanaged
    {
        using StoreUse use = Enter();
        return _core.CreateArrayOf(type, elements);
    }

    /// <summary>Makes an exception tag that modules can import, and by which host functions throw exceptions that guests can catch. It lives as long as the store.</summary>
    /// <param name="type">Its type: the values that an exception carries.</param>
    /// <exception cref="ArgumentException">The type has results, or refers to a type that a module defines.</exception>
    /// <exception cref="ObjectDisposedException">The store has been disposed.</exception>
    public Tag CreateTag(TagType type)
    {
        ArgumentNullException.ThrowIfNull(type);
        if (type.Function.Results.Length != 0)
            throw new ArgumentException($"The type {type} has results. An exception carries the parameters of its tag's type, and there is nothing that it returns.", nameof(type));
        ValType[] values = TypeDescriptions.ToCore(type.Function.Parameters);
        using StoreUse use = Enter();
        return _core.CreateTag(values);
    }

    /// <summary>Makes a function of the host, for tables, globals and arguments; for imports use <see cref="Linker"/>. It lives as long as the store.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="callback">Its body.</param>
    /// <exception cref="ArgumentException">The type refers to a type that a module defines.</exception>
    /// <exception cref="ObjectDisposedException">The store has been disposed.</exception>
    public Function CreateFunction(FunctionType type, HostCallback callback)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentNullException.ThrowIfNull(callback);
        using StoreUse use = Enter();
        return _core.CreateFunction(HostFunctions.Untyped(_core.Engine, type, callback));
    }

    /// <summary>Makes an asynchronous function of the host, for tables, globals and arguments. It lives as long as the store.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="callback">Its body.</param>
    /// <exception cref="ArgumentException">The type refers to a type that a module defines.</exception>
    /// <exception cref="ObjectDisposedException">The store has been disposed.</exception>
    public Function CreateFunction(FunctionType type, AsyncHostCallback callback)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentNullException.ThrowIfNull(callback);
        using StoreUse use = Enter();
        return _core.CreateFunction(HostFunctions.Untyped(_core.Engine, type, callback));
    }

    /// <summary>
    /// Asks whatever guest runs in this store to stop: its call ends with a trap, <see cref="TrapCode.Interrupted"/>. Any thread may call it; compiled code notices where
    /// <see cref="EngineOptions.EnableInterruption"/> is on, and a host function that was called is waited for. Guests that are suspended, where none runs, end at once.
    /// </summary>
    public void Interrupt() => _core.Interrupt(Generation);

    /// <summary>
    /// Ends the life of everything in the store. Guests that are suspended in an asynchronous host function are dropped, and their calls end with an
    /// <see cref="ObjectDisposedException"/>. A guest that is running is asked to stop, and waited for if another thread runs it; if it does not stop within a second, or
    /// runs on this thread, the store ends when it has returned. In any case handles are stale when this method returns.
    /// </summary>
    public void Dispose() => _core.EndLife(Generation)?.Wait(StoreCore.MillisecondsToEnd);

    /// <summary>Ends the life of everything in the store as <see cref="Dispose"/> does, and waits for a guest that another thread runs, however long that takes.</summary>
    public ValueTask DisposeAsync() => _core.EndLife(Generation) is Task ended ? new ValueTask(ended) : default;

    internal StoreUse Enter() => StoreCore.Enter(_core, Generation);

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private string DebuggerDisplay => _core.Generation == Generation ? "Store" : "Store, disposed";
}

// What modules, stores and pools of one engine share: options, canonical types, stubs, and what code is compiled for. The public Engine is a view of
// it; nothing below the handles refers to that view, except to hand it back.
using Tarn.Compiler;
using Tarn.Execution;
using Tarn.Heaps;

namespace Tarn.Engines;

internal sealed class EngineCore
{
    private readonly StubTable _stubs;
    private int _disposed;

    /// <param name="options">The options, which are valid.</param>
    /// <param name="facade">The embedder's view of the engine.</param>
    public EngineCore(EngineOptions options, object facade)
    {
        Options = options;
        Facade = facade;
        CodeTarget = options.ChosenTarget;
        Machine = Machine.Of(CodeTarget);
        Types = new TypeRegistry();
        _stubs = new StubTable(Types, Machine);
        Types.Forgotten = _stubs.Forget;
        Target = new TargetDescription
        {
            MemoryStrategy = options.IsGuarded ? Compiler.MemoryStrategy.Guarded : Compiler.MemoryStrategy.Checked,
            // No sum of validated options overflows: pages are at most 2^31.
            MaximumMemoryBytes = Math.Min(1UL << 32, (ulong)Math.Max(options.MaximumMemoryPages, options.Pooling.Limits.MemoryPages) << 16),
            Interruption = options.EnableInterruption,
            Fuel = options.EnableFuel,
            FuelTable = options.FuelCosts.Table,
            Deterministic = options.Deterministic,
            CatchesFaults = options.CatchesFaults || options.IsPortable,
        };
        TypeDescriptors = new TypeDescriptors(Types);
        HeapSpaces = options.AllocationStrategy != AllocationStrategy.Pooling ? new HeapSpaces(int.MaxValue, "no limit")
            : options.Pooling.TotalHeaps is int heaps ? new HeapSpaces(heaps, "PoolingOptions.TotalHeaps")
            : new HeapSpaces(options.Pooling.Limits.Count, "InstanceLimits.Count");
    }

    public EngineOptions Options { get; }

    /// <summary>The embedder's view of the engine. Whatever reaches the core reaches the view, and the pools by way of it.</summary>
    public object Facade { get; }

    public TypeRegistry Types { get; }

    /// <summary>What compiled code reads to decide casts.</summary>
    public TypeDescriptors TypeDescriptors { get; }

    /// <summary>Address space for heaps of managed objects.</summary>
    public HeapSpaces HeapSpaces { get; }

    /// <summary>What code is compiled for.</summary>
    public TargetDescription Target { get; }

    /// <summary>Which processor code is generated for.</summary>
    public Compiler.Machine.MachineTarget CodeTarget { get; }

    /// <summary>What executes it.</summary>
    public Machine Machine { get; }

    public bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    /// <summary>Ends the engine: nothing new can be made of it.</summary>
    /// <returns>Whether this was the first call.</returns>
    public bool TryDispose() => Interlocked.Exchange(ref _disposed, 1) == 0;

    public void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(IsDisposed, Facade);

    /// <summary>The stubs through which functions of a canonical type are entered and host functions of that type are called.</summary>
    public SignatureStubs StubsFor(uint typeId) => _stubs.For(typeId);
}

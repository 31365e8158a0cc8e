// Owns everything that modules of one configuration share: canonical types, compiled code, pools. Thread-safe. Modules,
// stores and instances of different engines do not mix, which is checked wherever they meet.
using System.Diagnostics;
using Tarn.Compiler;
using Tarn.Execution;
using Tarn.Instances;

namespace Tarn;

/// <summary>Compiles and runs WebAssembly under one set of options. Make one for a process, or a few; it is thread-safe.</summary>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public sealed class Engine : IDisposable
{
    private readonly StubTable _stubs;
    private int _disposed;

    /// <summary>Makes an engine with default options.</summary>
    public Engine()
        : this(new EngineOptions())
    {
    }

    /// <summary>Makes an engine.</summary>
    /// <exception cref="ArgumentException">The options are faulty; the message names every fault.</exception>
    /// <exception cref="PlatformNotSupportedException">Tarn has no machine layer for this operating system or processor.</exception>
    public Engine(EngineOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        IReadOnlyList<string> faults = options.Validate();
        if (faults.Count > 0)
            throw new ArgumentException("the engine's options are faulty: " + string.Join("; ", faults), nameof(options));
        Options = options;
        Types = new TypeRegistry();
        _stubs = new StubTable(Types);
        Types.Forgotten = _stubs.Forget;
        Target = new TargetDescription
        {
            MemoryStrategy = options.MemoryStrategy == MemoryStrategy.Guarded ? Compiler.MemoryStrategy.Guarded : Compiler.MemoryStrategy.Checked,
            // No sum of validated options overflows: pages are at most 2^31.
            MaximumMemoryBytes = Math.Min(1UL << 32, (ulong)Math.Max(options.MaximumMemoryPages, options.Pooling.Limits.MemoryPages) << 16),
            Interruption = options.EnableInterruption,
            Fuel = options.EnableFuel,
            FuelTable = options.FuelCosts.Table,
            Deterministic = options.Deterministic,
        };
        CodeTarget = options.CodeTarget ?? HostTarget.Current;
        Leaks = options.LeakDetection is LeakDetectionOptions detection ? new LeakDetector(detection) : null;
        TypeDescriptors = new Heaps.TypeDescriptors(Types);
        bool isPooled = options.AllocationStrategy == AllocationStrategy.Pooling;
        HeapSpaces = isPooled
            ? new Heaps.HeapSpaces(options.Pooling.TotalHeaps ?? options.Pooling.Limits.Count, options.Pooling.TotalHeaps is null ? "InstanceLimits.Count" : "PoolingOptions.TotalHeaps")
            : new Heaps.HeapSpaces(int.MaxValue, "no limit");
        Allocator = InstanceAllocator.Create(this);
    }

    /// <summary>The options that the engine was made with.</summary>
    public EngineOptions Options { get; }

    internal TypeRegistry Types { get; }

    /// <summary>What compiled code reads to decide casts.</summary>
    internal Heaps.TypeDescriptors TypeDescriptors { get; }

    /// <summary>Address space for heaps of managed objects.</summary>
    internal Heaps.HeapSpaces HeapSpaces { get; }

    /// <summary>What code is compiled for.</summary>
    internal TargetDescription Target { get; }

    /// <summary>Which processor code is generated for.</summary>
    internal Compiler.Machine.MachineTarget CodeTarget { get; }

    internal InstanceAllocator Allocator { get; }

    /// <summary>Watches instances; null where nobody wants to know.</summary>
    internal LeakDetector? Leaks { get; }

    /// <summary>What the pools hold and have done. All zero where <see cref="EngineOptions.AllocationStrategy"/> is not <see cref="AllocationStrategy.Pooling"/>.</summary>
    public PoolStatistics GetPoolStatistics()
    {
        ThrowIfDisposed();
        return Allocator.GetStatistics();
    }

    /// <summary>
    /// Ends the engine: nothing new can be made of it. The pools' address space is given back when no instance and no store is left that has any of it, so dispose
    /// those first; one that lives longer goes on working.
    /// </summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            Allocator.Dispose();
            HeapSpaces.Dispose();
        }
    }

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);

    /// <summary>The stubs through which functions of a canonical type are entered and host functions of that type left to.</summary>
    internal SignatureStubs StubsFor(uint typeId) => _stubs.For(typeId);

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private string DebuggerDisplay => $"Engine, {Options.AllocationStrategy}, {(Volatile.Read(ref _disposed) != 0 ? "disposed" : Options.MemoryStrategy.ToString())}";
}

// Owns everything that modules of one configuration share: canonical types, compiled code, pools. Thread-safe. Modules,
// stores and instances of different engines do not mix, which is checked wherever they meet.
using System.Diagnostics;
using Tarn.Engines;
using Tarn.Instances;
using Tarn.Pooling;

namespace Tarn;

/// <summary>Compiles and runs WebAssembly under one set of options. Make one for a process, or a few; it is thread-safe.</summary>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public sealed class Engine : IDisposable, IGuestExceptions
{
    /// <summary>Makes an engine with default options.</summary>
    public Engine()
        : this(new EngineOptions())
    {
    }

    /// <summary>Makes an engine.</summary>
    /// <exception cref="ArgumentException">The options are invalid; the message lists every error.</exception>
    /// <exception cref="PlatformNotSupportedException">Tarn has no machine layer for this operating system or processor.</exception>
    public Engine(EngineOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        IReadOnlyList<string> faults = options.Validate();
        if (faults.Count > 0)
            throw new ArgumentException("The engine's options are invalid: " + string.Join("; ", faults), nameof(options));
        Core = new EngineCore(options, this);
        Leaks = options.LeakDetection is LeakDetectionOptions detection ? new LeakDetector(detection) : null;
        Allocator = options.AllocationStrategy == AllocationStrategy.Pooling ? new PooledAllocator(Core) : new OnDemandAllocator(Core);
    }

    /// <summary>The options that the engine was made with.</summary>
    public EngineOptions Options => Core.Options;

    /// <summary>What the engine shares with everything that is made of it.</summary>
    internal EngineCore Core { get; }

    internal InstanceAllocator Allocator { get; }

    /// <summary>Elements that a table of an instance may have at most.</summary>
    internal long MaximumTableElements => Options.AllocationStrategy == AllocationStrategy.Pooling
        ? Math.Max(Options.Pooling.Limits.TableElements, Options.Pooling.Exhaustion == PoolExhaustion.AllocateOnDemand ? Options.MaximumTableElements : 0)
        : Options.MaximumTableElements;

    /// <summary>Watches instances; null where leaks are not reported.</summary>
    internal LeakDetector? Leaks { get; }

    /// <summary>What the pools hold and have done. All zero where <see cref="EngineOptions.AllocationStrategy"/> is not <see cref="AllocationStrategy.Pooling"/>.</summary>
    public PoolStatistics GetPoolStatistics()
    {
        ThrowIfDisposed();
        return Allocator.GetStatistics();
    }

    /// <summary>
    /// Ends the engine: nothing new can be made of it. The pools' address space is released when no instance and no store is left that has any of it, so dispose
    /// those first; one that lives longer continues to work.
    /// </summary>
    public void Dispose()
    {
        if (Core.TryDispose())
        {
            Allocator.Dispose();
            Core.HeapSpaces.Dispose();
        }
    }

    internal void ThrowIfDisposed() => Core.ThrowIfDisposed();

    Exception IGuestExceptions.Create(StoreCore store, TagInstance tag, ReadOnlySpan<RawValue> payload, ulong reference) => new GuestException(store, tag, payload, reference);

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private string DebuggerDisplay => $"Engine, {Options.AllocationStrategy}, {(Core.IsDisposed ? "disposed" : Options.MemoryStrategy.ToString())}";
}

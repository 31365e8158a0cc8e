// The choices that hold for everything an engine makes. Those that change compiled code (memory strategy, interruption,
// fuel) are part of a serialized module's identity.
namespace Tarn;

/// <summary>How an engine compiles, allocates and stops guests.</summary>
public sealed record EngineOptions
{
    /// <summary>The smallest guest stack, in bytes: room for unchecked small frames and the headroom of exit stubs.</summary>
    public const int MinimumStackSize = 128 << 10;

    /// <summary>The largest <see cref="StackSize"/>, in bytes: 1 GiB.</summary>
    public const int MaximumStackSize = (int)PoolingOptions.MaximumStackSize;

    /// <summary>The most threads that <see cref="CompilationThreads"/> may name.</summary>
    public const int MaximumCompilationThreads = 1024;

    /// <summary>The largest <see cref="MaximumMemoryPages"/>: all of the address space that a process has, 2^47 bytes.</summary>
    public const long LargestMemoryPages = 1L << 31;

    /// <summary>The largest <see cref="MaximumHeapBytes"/>: 1 GiB.</summary>
    public const long LargestHeapBytes = 1L << 30;

    /// <summary>The smallest <see cref="NurseryBytes"/>: 64 KiB.</summary>
    public const int SmallestNurseryBytes = 64 << 10;

    /// <summary>The largest <see cref="NurseryBytes"/>: 4 MiB.</summary>
    public const int LargestNurseryBytes = 4 << 20;

    /// <summary>What modules may use: all of WebAssembly 3.0 by default.</summary>
    public WasmFeatures Features { get; init; } = WasmFeatures.Wasm3;

    /// <summary>How accesses to linear memories are kept inside their bounds.</summary>
    public MemoryStrategy MemoryStrategy { get; init; } = MemoryStrategy.Default;

    /// <summary>Gets how code is executed: by the processor, or where that is not possible by an interpreter.</summary>
    public ExecutionMode Execution { get; init; } = ExecutionMode.Auto;

    /// <summary>Whether functions are compiled when the module is loaded or when they are first called.</summary>
    public CompilationMode CompilationMode { get; init; } = CompilationMode.Eager;

    /// <summary>
    /// Gets whether compiled code looks at loop back edges and function entries if it has been asked to stop; <see langword="true"/> by default, which costs some 2 % of a
    /// guest's time. Without it nothing stops a guest that loops, so a <see cref="Store.CallTimeout"/> and a cancellation token that can be cancelled are refused where they are set.
    /// </summary>
    public bool EnableInterruption { get; init; } = true;

    /// <summary>
    /// Gets whether compiled code counts instructions against a store's fuel; <see langword="false"/> by default. Without it <see cref="Store.Fuel"/> cannot be set.
    /// </summary>
    public bool EnableFuel { get; init; }

    /// <summary>
    /// Gets what instructions cost, where <see cref="EnableFuel"/> is on. Part of compiled code: an artifact made with other costs is not loaded.
    /// </summary>
    public FuelCosts FuelCosts { get; init; } = FuelCosts.Default;

    /// <summary>
    /// Gets whether every instruction has one result, bit for bit, on every processor; <see langword="false"/> by default. Every NaN that arithmetic makes is then the canonical one
    /// with a positive sign, and relaxed vector instructions compute what their strict counterparts do, with two roundings for a multiplication and an addition. Costs floating-point code
    /// some speed. Part of compiled code: an artifact made without it is not loaded. Results that depend on the system are not covered: growth that fails, exhausted stacks, time and random
    /// numbers, and whatever else host functions return.
    /// </summary>
    public bool Deterministic { get; init; }

    /// <summary>Where instances live: in pools reserved when the engine is built, or in memory asked for as they come.</summary>
    public AllocationStrategy AllocationStrategy { get; init; } = AllocationStrategy.Pooling;

    /// <summary>
    /// Gets how many bytes the managed objects of one store may take, dead ones that have not been collected included; 256 MiB by default. A collection of all objects needs as much memory
    /// again as those that live take. A guest whose objects do not fit traps with <see cref="TrapCode.AllocationTooLarge"/>.
    /// </summary>
    public long MaximumHeapBytes { get; init; } = 256L << 20;

    /// <summary>
    /// Gets the bytes in which a store's new managed objects are made, between 64 KiB and 4 MiB; 1 MiB by default. When they are used up, those objects that live are moved elsewhere.
    /// </summary>
    public int NurseryBytes { get; init; } = 1 << 20;

    /// <summary>What heaps do beyond their duty, for tests.</summary>
    internal HeapStress HeapStress { get; init; }

    /// <summary>The pools' limits and layout, where <see cref="AllocationStrategy"/> is <see cref="AllocationStrategy.Pooling"/>.</summary>
    public PoolingOptions Pooling { get; init; } = new();

    /// <summary>How many threads compile one module; 0 for as many as there are processors.</summary>
    public int CompilationThreads { get; init; }

    /// <summary>Bytes of a guest stack outside the pools.</summary>
    public int StackSize { get; init; } = 1 << 20;

    /// <summary>
    /// Pages of 64 KiB that a linear memory outside the pools may grow to, whatever its own maximum says. The default leaves the last page of 4 GiB out: with it, address
    /// arithmetic close to what has been accessed could wrap around, and each such addition would need an instruction of its own.
    /// </summary>
    public long MaximumMemoryPages { get; init; } = ImplementationLimits.MemoryPages - 1;

    /// <summary>Elements that a table outside the pools may grow to, whatever its own maximum says.</summary>
    public int MaximumTableElements { get; init; } = ImplementationLimits.TableSize;

    /// <summary>Whether compiled functions are named to <c>perf</c> in <c>/tmp/perf-PID.map</c>.</summary>
    public bool WritePerfMap { get; init; }

    /// <summary>
    /// Whether a guest that was called synchronously may block its thread until an asynchronous host function has completed. Otherwise that is a
    /// <see cref="SuspensionException"/>; <c>InvokeAsync</c> never blocks.
    /// </summary>
    public bool BlockOnPendingHostFunctions { get; init; }

    /// <summary>
    /// Whether memories outside the pools ask for large pages: right for one program that has the process to itself, wrong for many small ones, each of which would
    /// hold megabytes for the first byte it writes.
    /// </summary>
    public bool UseLargePages { get; init; }

    /// <summary>What code is generated for, where that is not all that this machine's processor can do: for tests of the compiler with fewer extensions.</summary>
    internal Compiler.Machine.MachineTarget? CodeTarget { get; init; }

    /// <summary>Where the optimiser stops, to find a step that miscompiles. Functions must then be compiled on one thread.</summary>
    internal Compiler.Optimize.OptimizationLimit? OptimizationLimit { get; init; }

    /// <summary>
    /// Gets where compiled modules are kept on disk, so that a module is compiled once and not by every process; <see langword="null"/>, the default, for nowhere. Modules below
    /// <see cref="CompilationCache.SmallestModule"/> and those that are compiled lazily are not kept.
    /// </summary>
    public CompilationCache? CompilationCache { get; init; }

    /// <summary>Gets how instances are reported that were not disposed; <see langword="null"/>, the default, for not at all.</summary>
    public LeakDetectionOptions? LeakDetection { get; init; }

    /// <summary>What code is compiled for: the choice of the platform is made here.</summary>
    /// <exception cref="PlatformNotSupportedException">Machine code is asked for and cannot be executed.</exception>
    internal Compiler.Machine.MachineTarget ChosenTarget => CodeTarget ?? ExecutionTargets.Of(Execution, needsFaults: NeedsFaults);

    private bool NeedsFaults => MemoryStrategy == MemoryStrategy.Guarded || (AllocationStrategy == AllocationStrategy.Pooling && Pooling.ResetStrategy == ResetStrategy.Learned);

    /// <summary>Whether guests' code is interpreted.</summary>
    internal bool IsPortable => ChosenTarget is Compiler.Targets.Portable.PortableTarget;

    /// <summary>Whether faults of guests are caught.</summary>
    internal bool CatchesFaults => !IsPortable && Platform.HostPlatform.Faults == Platform.FaultHandling.Signals;

    /// <summary>Whether memories are guarded.</summary>
    internal bool IsGuarded => MemoryStrategy == MemoryStrategy.Guarded || (MemoryStrategy == MemoryStrategy.Default && CatchesFaults);

    /// <summary>Finds every fault of these options.</summary>
    /// <returns>One sentence for each fault; empty when the options are sound.</returns>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (!Enum.IsDefined(MemoryStrategy))
            faults.Add($"MemoryStrategy has no value {(int)MemoryStrategy}");
        if (!Enum.IsDefined(Execution))
            faults.Add($"Execution has no value {(int)Execution}");
        else if (Execution == ExecutionMode.MachineCode && Tarn.Execution.HostTarget.WhyNoMachineCode is string reason)
            faults.Add($"Execution is MachineCode, which cannot be executed here: {reason}; use Auto or Portable");
        else if (MemoryStrategy == MemoryStrategy.Guarded && IsPortable)
            faults.Add("MemoryStrategy is Guarded, for which faults of guests have to be caught, and portable execution does not; use Default or Checked");
        else if (MemoryStrategy == MemoryStrategy.Guarded && Platform.HostPlatform.WhyNoFaults is string noFaults)
            faults.Add($"MemoryStrategy is Guarded, for which faults of guests have to be caught, and {noFaults}; use Default or Checked");
        if (LeakDetection is { OnLeak: null })
            faults.Add("LeakDetection.OnLeak is null");
        if (FuelCosts is null)
            faults.Add("FuelCosts is null");
        if (!Enum.IsDefined(CompilationMode))
            faults.Add($"CompilationMode has no value {(int)CompilationMode}");
        if (!Enum.IsDefined(AllocationStrategy))
            faults.Add($"AllocationStrategy has no value {(int)AllocationStrategy}");
        if (CompilationThreads is < 0 or > MaximumCompilationThreads)
            faults.Add($"CompilationThreads is {CompilationThreads}; it must be 0 (as many as processors) or more, and {MaximumCompilationThreads} at most");
        if (StackSize < MinimumStackSize)
            faults.Add($"StackSize is {StackSize} bytes; it must be at least {MinimumStackSize}");
        if (StackSize > MaximumStackSize)
            faults.Add($"StackSize is {StackSize} bytes; it may be {MaximumStackSize} at most");
        if (MaximumMemoryPages < 0)
            faults.Add($"MaximumMemoryPages is {MaximumMemoryPages}; it must not be negative");
        if (MaximumMemoryPages > LargestMemoryPages)
            faults.Add($"MaximumMemoryPages is {MaximumMemoryPages}; it may be {LargestMemoryPages} at most, which is all of the address space that a process has");
        if (MaximumHeapBytes is < 0 or > LargestHeapBytes)
            faults.Add($"MaximumHeapBytes is {MaximumHeapBytes}; it must be between 0 and {LargestHeapBytes}");
        if (NurseryBytes is < SmallestNurseryBytes or > LargestNurseryBytes)
            faults.Add($"NurseryBytes is {NurseryBytes}; it must be between {SmallestNurseryBytes} and {LargestNurseryBytes}");
        if (MaximumTableElements < 0)
            faults.Add($"MaximumTableElements is {MaximumTableElements}; it must not be negative");
        if (AllocationStrategy == AllocationStrategy.Pooling)
        {
            foreach (string fault in Pooling.Validate())
                faults.Add("Pooling." + fault);
            if (IsGuarded && Pooling.MemoryReservation is long reservation && reservation < 1L << 32)
                faults.Add($"Pooling.MemoryReservation is {reservation} bytes; guarded memories need 4294967296 at least, so raise it or set MemoryStrategy to Checked");
        }
        return faults;
    }
}

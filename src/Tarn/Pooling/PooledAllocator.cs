// The pooling allocator: everything reserved when the engine is built, slots bound to modules and used again. See
// PooledInstance for what a reset undoes and MemorySlot for why nothing of one instance can be seen by the next.
//
// A slot of the instance pool is free, or held by a store, or idle and bound to a module (in that module's WarmList). Every path that
// takes a slot either ends in a live instance or gives the slot back; a slot whose reset failed is unbound and remapped.
using System.Runtime.InteropServices;
using Tarn.Diagnostics;
using Tarn.Engines;
using Tarn.Execution;
using Tarn.Instances;
using Tarn.Linking;
using Tarn.Memories;
using Tarn.Modules;
using Tarn.Platform;
using Tarn.Snapshots;
using Tarn.Tables;

namespace Tarn.Pooling;

internal sealed unsafe class PooledAllocator : InstanceAllocator, IPoolStatisticsSource
{
    // Beyond it slots would have too few mappings each to learn anything.
    private const int LearnedSlotsAtMost = 2500;
    private const int OwnStacksAtMost = 10_000;

    // Of more, no thread comes back to one soon enough for its cache lines to matter.
    private const int SpacedSlotsAtMost = 10_000;

    private readonly EngineCore _engine;
    private readonly PoolingOptions _options;
    private readonly InstanceLimits _limits;
    private readonly OnDemandAllocator _onDemand;
    private readonly PoolReservation _slabs;
    private readonly Slab _contexts;
    private readonly Slab _memories;
    private readonly Slab _tables;
    private readonly MemorySlot?[] _memorySlots;
    private readonly ResetStrategy _strategy;
    private readonly bool _memoriesAreOpen;
    private readonly int _learnedPages;
    private readonly FaultSlotRecord* _records;
    private readonly int _faultRange = -1;
    private readonly StackCache _stacks;
    private readonly DecommitQueue _decommit;

    // Whether each slot has a stack of its own while it is bound; otherwise a call takes one and gives it back. Each stack is two mappings, of
    // which a process may have 65,530.
    private readonly bool _stackForEach;
    private readonly Lock _lock = new();
    // Copied when it changes, which is when a module is instantiated first and when it is disposed; read without the lock.
    private volatile WarmList[] _lists = [];
    private int _hand;
    private readonly SharedCount _warm = new();

    // Slots that are bound to a module, each knowing its place here; under _lock, as are the counts of those that were unbound.
    private readonly List<PooledInstance> _bound = [];
    private SlotCounts _unbound;
    private long _exhaustions;
    private long _evictions;
    private volatile bool _disposed;
    private int _released;
    private readonly bool _isBuilt;

    // What undisposed pools of the process hold. Where the system refuses more, those that were forgotten are looked for first.
    private static long s_reservedBytes;
    private readonly long _reservedBytes;

    public PooledAllocator(EngineCore engine)
    {
        _engine = engine;
        _options = engine.Options.Pooling;
        _limits = _options.Limits;
        VirtualMemory memory = VirtualMemory.Current;
        bool guarded = engine.Target.MemoryStrategy == Compiler.MemoryStrategy.Guarded;
        // Before the pools, which could leave it no address space.
        _ = _engine.Machine;
        int wanted = (int)Math.Min(_options.TotalMemories ?? (long)_limits.Count * _limits.Memories, int.MaxValue);
        _strategy = ChooseStrategy(memory, wanted);
        if (_strategy == ResetStrategy.Learned && wanted > 0 && _limits.MemoryPages > 0 && !_engine.Machine.FaultRanges.TryTake(out _faultRange))
            _strategy = Unlearned(memory);
        _memoriesAreOpen = !guarded && _strategy != ResetStrategy.Learned && memory.CommitsLazily;
        int stacks = _options.TotalStacks ?? _limits.Count;
        _stackForEach = _limits.Count <= OwnStacksAtMost && stacks >= _limits.Count;
        try
        {
            _slabs = Reserve(_options, guarded ? engine.Target.GuardBytes : 0, _memoriesAreOpen);
        }
        catch
        {
            if (_faultRange >= 0)
                _engine.Machine.FaultRanges.Remove(_faultRange);
            throw;
        }
        _reservedBytes = _slabs.TotalBytes;
        Interlocked.Add(ref s_reservedBytes, _reservedBytes);
        _contexts = _slabs.Contexts;
        _memories = _slabs.Memories;
        _tables = _slabs.Tables;
        int memories = _memories.Free.Slots;
        _memorySlots = new MemorySlot?[memories];
        _onDemand = new OnDemandAllocator(engine);
        _stacks = new StackCache((int)_options.StackSize, stacks, _options.StackKeepResident, _slabs.Stacks);
        _decommit = new DecommitQueue(_options.DecommitBatchSize, _memories.Free);
        try
        {
            if (_faultRange >= 0)
            {
                _learnedPages = LearnedPages(memory, memories);
                // A cache line each: threads do not disturb one another.
                _records = (FaultSlotRecord*)NativeMemory.AlignedAlloc((nuint)memories * (nuint)sizeof(FaultSlotRecord), (nuint)sizeof(FaultSlotRecord));
                NativeMemory.Clear(_records, (nuint)memories * (nuint)sizeof(FaultSlotRecord));
                _engine.Machine.FaultRanges.Set(
                    _faultRange, _memories.Base, (nuint)_memories.Layout.TotalBytes, (nuint)_memories.Layout.Stride, _records, (nuint)sizeof(FaultSlotRecord), memory.PageSize);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
        _isBuilt = true;
        TarnMetrics.Add(this);
    }

    /// <summary>
    /// Ends a pool that was forgotten. Whatever reaches an instance, a store or a module of the engine reaches the engine and so this: nothing of it can be called any longer. Stores
    /// that are finalised after this find that it is released, and touch nothing of it.
    /// </summary>
    ~PooledAllocator()
    {
        if (!_isBuilt || Interlocked.Exchange(ref _released, 1) != 0)
            return;
        _disposed = true;
        foreach (PooledInstance instance in _bound)
            instance.Store.Forget();
        TarnMetrics.Remove(this);
        GiveBack();
    }

    /// <summary>Those who wait for a slot.</summary>
    public SlotWaiters Waiters { get; } = new();

    /// <summary>Bytes of a heap's spaces that stay resident.</summary>
    public uint HeapKeepResident => (uint)Math.Min(_options.HeapKeepResident, uint.MaxValue);

    /// <summary>How slots are made fresh.</summary>
    public ResetStrategy Strategy => _strategy;

    public override StorageAllocator ForHost => _onDemand;

    /// <summary>Slots of the instance pool that are free; idle ones that are bound to a module are not.</summary>
    public int FreeContexts => _contexts.Free.FreeCount;

    /// <summary>Slots of the memory pool that are free, or will be once they are cleaned.</summary>
    public int FreeMemories => _memories.Free.FreeCount + _decommit.Count;

    public int FreeTables => _tables.Free.FreeCount;

    /// <summary>Makes an instance of a slot: a bound one if there is any, else a free one, else one that another module left. Outside of the pool where that is exhausted and the options say so.</summary>
    /// <inheritdoc/>
    public override InstanceData Rent(LinkedModule template, object? state, StoreLimits? limits)
    {
        if (TryRentNow(template, state) is not PooledInstance slot)
            return _onDemand.Rent(template, state, limits);
        if (limits is not null)
            Limit(slot, limits);
        return slot.Data;
    }

    /// <inheritdoc/>
    public override ValueTask<InstanceData> RentAsync(LinkedModule template, object? state, StoreLimits? limits, CancellationToken cancellationToken)
    {
        // Without a queue there is nothing to be just about.
        if (Waiters.Any || TryRent(template, state) is not PooledInstance slot)
            return SlotWait.RunAsync(this, template, state, limits, cancellationToken);
        if (limits is not null)
            Limit(slot, limits);
        return new ValueTask<InstanceData>(slot.Data);
    }

    /// <summary>Sets the limits of an instance that was just made. Its memories and tables are there already: what is larger than the limits allow goes back.</summary>
    public static void Limit(PooledInstance slot, StoreLimits limits)
    {
        try
        {
            slot.Store.BeginLimits(limits, slot.Data);
        }
        catch
        {
            slot.Store.Abandon();
            throw;
        }
    }

    /// <summary>Refuses those who do not wait while others do: what is free, or will be, is theirs.</summary>
    public void ThrowIfPromised()
    {
        if (Waiters.Any)
            throw Exhausted("instance", _limits.Count, "InstanceLimits.Count");
    }

    // Null if the pool is exhausted and the options say to allocate on demand then.
    private PooledInstance? TryRentNow(LinkedModule template, object? state)
    {
        if (Waiters.Any && _options.Exhaustion == PoolExhaustion.AllocateOnDemand)
            return null;
        ThrowIfPromised();
        try
        {
            return RentCore(template, state);
        }
        catch (PoolExhaustedException) when (_options.Exhaustion == PoolExhaustion.AllocateOnDemand)
        {
            return null;
        }
    }

    /// <summary>As <see cref="Rent"/> for those whose turn it is, but null whenever the pool is exhausted.</summary>
    public PooledInstance? TryRent(LinkedModule template, object? state)
    {
        try
        {
            return RentCore(template, state);
        }
        catch (PoolExhaustedException)
        {
            // That is a wait, and counted as one.
            Interlocked.Decrement(ref _exhaustions);
            return null;
        }
    }

    /// <summary>Takes a slot back whose instance has ended.</summary>
    public void Return(PooledInstance instance)
    {
        WarmList list = instance.List;
        try
        {
            instance.Reset();
            instance.Store.TrimStack(_options.StackKeepResident);
        }
        catch (PlatformException)
        {
            TearDown(instance);
            return;
        }
        instance.CountReset();
        if (list.Leave(instance) is PooledInstance displaced)
        {
            if (_warm.Value < _options.MaximumWarmSlots)
                list.Push(displaced);
            else
                PushInPlaceOfOldest(list, displaced);
        }
        if (list.IsClosed)
            Drain(list);
        Waiters.Signal();
    }

    /// <summary>A slot is bound no more.</summary>
    public void Unregister(PooledInstance instance)
    {
        lock (_lock)
        {
            PooledInstance last = _bound[^1];
            _bound[instance.BoundIndex] = last;
            last.BoundIndex = instance.BoundIndex;
            _bound.RemoveAt(_bound.Count - 1);
            _unbound.Add(instance);
        }
    }

    public override int SlotOf(InstanceData instance) => instance.Store.IsPooled ? _contexts.SlotOf(instance.Context) : -1;

    /// <summary>What the pool is doing; consistent in itself as far as other threads hold still.</summary>
    public override PoolStatistics GetStatistics()
    {
        SlotCounts counts;
        int warm = 0;
        int suspended = 0;
        int warmMemories = 0;
        int warmTables = 0;
        int warmStacks = 0;
        lock (_lock)
        {
            counts = _unbound;
            foreach (PooledInstance instance in _bound)
            {
                counts.Add(instance);
                if (!instance.Store.IsLeased)
                {
                    warm += instance.InstanceCount;
                    warmMemories += instance.MemoryCount;
                    warmTables += instance.TableCount;
                    warmStacks += instance.Store.HoldsStack ? 1 : 0;
                }
                else if (instance.Store.IsSuspended)
                {
                    suspended++;
                }
            }
        }
        return new PoolStatistics
        {
            Instances = new PoolUsage(_limits.Count, _contexts.Free.FreeCount, warm),
            Memories = new PoolUsage(_memories.Free.Slots, FreeMemories, warmMemories),
            Tables = new PoolUsage(_tables.Free.Slots, _tables.Free.FreeCount, warmTables),
            Stacks = new PoolUsage(_stacks.Limit, _stacks.Limit - _stacks.Taken, warmStacks),
            Heaps = new PoolUsage(_engine.HeapSpaces.Limit, _engine.HeapSpaces.Limit - _engine.HeapSpaces.Taken, 0),
            Suspended = suspended,
            Rents = counts.Rents,
            Bindings = counts.Bindings,
            Evictions = Interlocked.Read(ref _evictions),
            Exhaustions = Interlocked.Read(ref _exhaustions) + _stacks.Exhaustions,
            Waits = Waiters.Waits,
            Waiting = Waiters.Count,
            BytesReset = counts.BytesReset,
            Faults = counts.Faults,
            Decommits = _decommit.Cleaned,
        };
    }

    /// <summary>The state of every slot of the instance pool, for display.</summary>
    public SlotState[] GetSlotStates()
    {
        var states = new SlotState[_limits.Count];
        lock (_lock)
        {
            foreach (PooledInstance instance in _bound)
            {
                foreach (InstanceData data in instance.Others.Prepend(instance.Data))
                {
                    int slot = _contexts.SlotOf(data.Context);
                    if (slot >= 0)
                        states[slot] = !instance.Store.IsLeased ? SlotState.Warm : instance.Store.IsSuspended ? SlotState.Suspended : SlotState.InUse;
                }
            }
        }
        return states;
    }

    /// <summary>Frees a slot for good: everything it holds goes back to the slabs.</summary>
    public static void TearDown(PooledInstance instance) => instance.Store.EndPooling();

    public override void Forget(ModuleCore module)
    {
        if (module.PoolState is WarmList list)
            Forget(list);
    }

    public override void Forget(InstanceImage image)
    {
        if (image.PoolState is WarmList list)
            Forget(list);
    }

    /// <summary>Lets go of a list and of the slots in it.</summary>
    public void Forget(WarmList list)
    {
        list.Close();
        Drain(list);
        lock (_lock)
            _lists = [.. _lists.Where(l => l != list)];
    }

    public override byte* AllocateContext(ModuleCore module, int bytes)
    {
        if (bytes > _limits.Size)
            throw new InstantiationException(DescribeSize(module, bytes));
        int slot = Take(_contexts.Free, "instance", "InstanceLimits.Count");
        byte* context = _contexts.AddressOf(slot);
        NativeMemory.Clear(context, (nuint)bytes);
        return context;
    }

    public override void FreeContext(byte* context)
    {
        if (IsReleased)
            return;
        _contexts.Free.Return(_contexts.SlotOf(context));
        Freed();
    }

    public override MemoryInstance AllocateMemory(in CoreMemoryType type, ulong pages, MemoryRecord* record, StoreLimits? limits)
    {
        int log2 = type.PageSizeLog2;
        UInt128 limit = (UInt128)(uint)_limits.MemoryPages << 16;
        UInt128 minimum = (UInt128)pages << log2;
        if (minimum > limit)
            throw new InstantiationException($"A memory's minimum of {pages} pages ({minimum} bytes) is above the pool's limit of {limit} bytes (InstanceLimits.MemoryPages = {_limits.MemoryPages}).");
        UInt128 capacity = type.Limits.HasMaximum ? UInt128.Min(limit, (UInt128)type.Limits.Maximum << log2) : limit;
        MemorySlot slot = SlotAt(Take(_memories.Free, "memory", _options.TotalMemories is null ? "InstanceLimits.Count × Memories" : "PoolingOptions.TotalMemories"));
        // The compiler decides by the same facts which accesses to check.
        bool isGuarded = _engine.Target.MemoryStrategy == Compiler.MemoryStrategy.Guarded && !type.Limits.Is64 && log2 == 16;
        try
        {
            slot.Bind((ulong)minimum, isGuarded, type.Limits.IsShared);
        }
        catch (PlatformException e)
        {
            slot.Unbind();
            _decommit.Add(slot);
            throw new InstantiationException($"The system refuses a memory of {minimum} bytes: {e.Message}", e);
        }
        return new MemoryInstance(type, slot.Base, _memories.Layout.Stride, (ulong)minimum, (ulong)capacity, record, slot)
        {
            CapacityLimit = $"InstanceLimits.MemoryPages = {_limits.MemoryPages}",
        };
    }

    // Other instances and the embedder may keep a shared memory for longer than the one that defines it: it is never a slot of the pool. The pool's limit holds for it.
    protected override MemoryInstance AllocateUnpooledMemory(in CoreMemoryType type, MemoryRecord* record, StoreLimits? limits) =>
        _onDemand.AllocateMemory(type, type.Limits.Minimum, record, limits, _limits.MemoryPages, "InstanceLimits.MemoryPages");

    public override void FreeMemory(MemoryInstance memory)
    {
        if (memory.Slot is not MemorySlot slot)
        {
            _onDemand.FreeMemory(memory);
            return;
        }
        if (IsReleased)
            return;
        slot.Unbind();
        _decommit.Add(slot);
        Freed();
    }

    public override TableInstance AllocateTable(in CoreTableType type, ulong length, TableRecord* record, StoreLimits? limits)
    {
        ulong limit = (ulong)_limits.TableElements;
        ulong minimum = length;
        if (minimum > limit)
            throw new InstantiationException($"A table's minimum of {minimum} elements is above the pool's limit of {limit} (InstanceLimits.TableElements).");
        ulong capacity = type.Limits.HasMaximum ? Math.Min(limit, type.Limits.Maximum) : limit;
        int slot = Take(_tables.Free, "table", _options.TotalTables is null ? "InstanceLimits.Count × Tables" : "PoolingOptions.TotalTables");
        return new TableInstance(type, (ulong*)_tables.AddressOf(slot), _tables.Layout.Stride, minimum, capacity, record)
        {
            IsPooled = true,
            CapacityLimit = $"InstanceLimits.TableElements = {_limits.TableElements}",
        };
    }

    public override void FreeTable(TableInstance table)
    {
        if (!table.IsPooled)
        {
            _onDemand.FreeTable(table);
            return;
        }
        if (IsReleased)
            return;
        // Only what was in use can be other than zero. A large table's pages go back to the system, if it takes them.
        VirtualMemory memory = VirtualMemory.Current;
        ulong bytes = table.Length * 8;
        ulong kept = Math.Min(bytes, memory.RoundUp((nuint)_options.TableKeepResident));
        if (!TryDiscard((byte*)table.Elements + kept, bytes - kept))
            kept = bytes;
        NativeMemory.Clear(table.Elements, (nuint)kept);
        _tables.Free.Return(_tables.SlotOf(table.Elements));
        Freed();
    }

    public override GuestStack AllocateStack() => _stacks.Rent();

    public override void FreeStack(GuestStack stack)
    {
        if (IsReleased)
            return;
        _stacks.Return(stack);
        if (_disposed)
            ReleaseIfUnused();
    }

    /// <summary>
    /// Ends the pool. Idle slots are released, and the address space when no instance and no store has any of it: those that outlive their engine continue
    /// to work, and end as others do.
    /// </summary>
#pragma warning disable CA1816 // The finaliser is not needed when the address space has gone, which may be later: ReleaseIfUnused.
    public override void Dispose()
#pragma warning restore CA1816
    {
        if (_disposed)
            return;
        _disposed = true;
        TarnMetrics.Remove(this);
        foreach (WarmList list in _lists)
        {
            list.Close();
            Drain(list);
        }
        _onDemand.Dispose();
        Ending?.Invoke(this);
        ReleaseIfUnused();
    }

    /// <summary>For tests: told of each pool that ends, when all idle slots have been released.</summary>
    internal static Action<PooledAllocator>? Ending { get; set; }

    /// <summary>Whether the address space has been released.</summary>
    internal bool IsReleased => Volatile.Read(ref _released) != 0;

    /// <summary>Counts the slots that are still in use: of instances, memories, tables and stacks. For a pool that has ended: what idles counts too.</summary>
    internal (int Instances, int Memories, int Tables, int Stacks) CountUnreturned()
    {
        _stacks.Flush();
        return (_limits.Count - FreeContexts, _memories.Free.Slots - FreeMemories, _tables.Free.Slots - FreeTables, _stacks.Taken);
    }

    private void ReleaseIfUnused()
    {
        lock (_lock)
        {
            if (CountUnreturned() != default || Interlocked.Exchange(ref _released, 1) != 0)
                return;
        }
#pragma warning disable CA1816 // See Dispose.
        GC.SuppressFinalize(this);
#pragma warning restore CA1816
        GiveBack();
    }

    private void GiveBack()
    {
        if (_faultRange >= 0)
            _engine.Machine.FaultRanges.Remove(_faultRange);
        _stacks.Dispose();
        _slabs.Dispose();
        foreach (MemorySlot? slot in _memorySlots)
            slot?.Free();
        NativeMemory.AlignedFree(_records);
        Interlocked.Add(ref s_reservedBytes, -_reservedBytes);
    }

    // An engine for each tenant or each test, and nobody who disposes it: the address space is used up long before the collector has a reason to run.
    private static PoolReservation Reserve(PoolingOptions options, ulong guardBytes, bool opensMemories)
    {
        try
        {
            return new PoolReservation(options, guardBytes, opensMemories);
        }
        catch (PoolReservationException e) when (e.RequestedBytes <= (ulong)Interlocked.Read(ref s_reservedBytes))
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return new PoolReservation(options, guardBytes, opensMemories);
        }
    }

    private PooledInstance RentCore(LinkedModule template, object? state)
    {
        WarmList list = template.PoolState as WarmList ?? Register(template);
        PooledInstance instance = list.TryTake() ?? Bind(template, list);
        instance.Rents++;
        if (instance.Data.Origin != template)
            instance.Data.Origin = template;
        instance.Store.BeginLease(template.HostFunctions, state);
        return instance;
    }

    private void Freed()
    {
        Interlocked.MemoryBarrier();
        Waiters.Signal();
        if (_disposed)
            ReleaseIfUnused();
    }

    private PoolExhaustedException Exhausted(string pool, long slots, string limit)
    {
        Interlocked.Increment(ref _exhaustions);
        return new PoolExhaustedException(pool, slots, limit);
    }

    private static bool TryDiscard(byte* start, ulong bytes)
    {
        try
        {
            if (bytes != 0)
                VirtualMemory.Current.Discard(start, (nuint)bytes);
            return true;
        }
        catch (PlatformException)
        {
            return false;
        }
    }

    private ResetStrategy ChooseStrategy(VirtualMemory memory, int memories)
    {
        ResetStrategy wanted = _options.ResetStrategy;
        bool canLearn = _engine.Machine.Faults == FaultHandling.Signals;
        if (wanted == ResetStrategy.Learned && !canLearn)
            throw new PlatformNotSupportedException($"ResetStrategy.Learned needs faults of guests to be caught, and {(_engine.Options.IsPortable ? "portable execution does not" : HostPlatform.WhyNoFaults)}; use Default, Decommit or Copy");
        if (wanted == ResetStrategy.Default && canLearn && memories <= LearnedSlotsAtMost)
            return ResetStrategy.Learned;
        if (wanted == ResetStrategy.Default)
            return Unlearned(memory);
        if (wanted == ResetStrategy.PageMapScan && !memory.CanFindResident)
            throw new PlatformNotSupportedException("ResetStrategy.PageMapScan needs Linux 6.7 or later and /proc; use Default, Learned, Decommit or Copy here");
        return wanted;
    }

    // The best strategy that needs nothing of the signal handler, whose table may be full.
    private static ResetStrategy Unlearned(VirtualMemory memory) => memory.CanFindResident ? ResetStrategy.PageMapScan : ResetStrategy.Decommit;

    // Pages that a slot may open one by one: each may cost two mappings, and more than half of those of the process are not for us.
    private int LearnedPages(VirtualMemory memory, int memories)
    {
        const int Fewest = 8;
        const int Most = 256;
        long mappings = memory.MaximumMappings * 6 / 10;
        long resident = Math.Max(1, _options.MemoryKeepResident / (long)memory.PageSize);
        return (int)Math.Min(Math.Clamp(mappings / (2L * memories), Fewest, Most), resident);
    }

    private MemorySlot SlotAt(int index)
    {
        MemorySlot? slot = _memorySlots[index];
        if (slot is not null)
            return slot;
        ulong capacity = (ulong)_limits.MemoryPages << 16;
        slot = _faultRange >= 0
            ? new LearnedMemorySlot(index, _memories.AddressOf(index), capacity, _records + index, _learnedPages, _options.MemoryKeepResident)
            : new OpenMemorySlot(index, _memories.AddressOf(index), capacity, _memoriesAreOpen, _strategy, _options.MemoryKeepResident);
        _memorySlots[index] = slot;
        return slot;
    }

    private static void Drain(WarmList list)
    {
        while (list.TryTakeOldest() is PooledInstance instance)
            TearDown(instance);
    }

    private PooledInstance Bind(LinkedModule template, WarmList list)
    {
        CheckCounts(template.Module);
        byte[]? spaceBefore = _limits.Count <= SpacedSlotsAtMost ? new byte[PooledInstance.SpaceBytes] : null;
        var store = new StoreCore(_engine, this, _stackForEach, state: null);
        try
        {
            InstanceData data = Instantiation.Initialize(store, template);
            var instance = new PooledInstance(this, store, data, list, spaceBefore, []);
            list.Images ??= instance.Images;
            store.BeginPooling(instance);
            Register(instance);
            return instance;
        }
        catch
        {
            store.Abandon();
            throw;
        }
    }

    private WarmList Register(LinkedModule template)
    {
        lock (_lock)
        {
            if (template.PoolState is WarmList there)
                return there;
            WarmList list = AddList();
            // What instances begin with need not be taken from the first slot where it is known.
            list.Images = template.Image is null ? null : Array.ConvertAll(template.Image.Memories, static memory => memory.Pages);
            template.PoolState = list;
            return list;
        }
    }

    /// <summary>Makes a list of idle slots, from which others take when they find none.</summary>
    public WarmList AddList()
    {
        lock (_lock)
        {
            var list = new WarmList(_warm);
            _lists = [.. _lists, list];
            return list;
        }
    }

    /// <summary>A slot is bound.</summary>
    public void Register(PooledInstance instance)
    {
        lock (_lock)
        {
            instance.BoundIndex = _bound.Count;
            _bound.Add(instance);
        }
    }

    /// <summary>A store whose instances a slot of several may be made of.</summary>
    public StoreCore CreateStore(object? state) => new(_engine, this, _stackForEach, state);

    private void CheckCounts(ModuleCore module)
    {
        WasmModule wasm = module.Wasm;
        int memories = wasm.Memories.Length - wasm.ImportedMemoryCount;
        if (memories > _limits.Memories)
            throw new InstantiationException($"The module defines {memories} memories; the pool allows {_limits.Memories} (InstanceLimits.Memories).");
        int tables = wasm.Tables.Length - wasm.ImportedTableCount;
        if (tables > _limits.Tables)
            throw new InstantiationException($"The module defines {tables} tables; the pool allows {_limits.Tables} (InstanceLimits.Tables).");
    }

    private int Take(SlotList free, string pool, string limit)
    {
        while (true)
        {
            if (free.TryTake(out int slot))
            {
                if (!_disposed)
                    return slot;
                lock (_lock)
                {
                    // What is taken now is counted before anybody gives the address space back.
                    if (!IsReleased)
                        return slot;
                    free.Return(slot);
                }
                throw new ObjectDisposedException(nameof(Engine));
            }
            if (free == _memories.Free && _decommit.Flush())
                continue;
            if (!TryEvict())
                throw Exhausted(pool, free.Slots, limit);
        }
    }

    // The budget of warm slots is used up: the one that has been idle longest goes, whichever module it belongs to, so that modules nobody uses any more do not keep it.
    private void PushInPlaceOfOldest(WarmList list, PooledInstance instance)
    {
        PooledInstance? oldest = _options.MaximumWarmSlots == 0 ? null : FindOldest(_lists)?.TryTakeOldest();
        if (oldest is null)
        {
            TearDown(instance);
            return;
        }
        list.Push(instance);
        TearDown(oldest);
    }

    // The list whose ring holds the slot that was given back longest ago; among so many, beginning elsewhere each time, where there are more. A tenant decides how many modules there
    // are, and others wait for this.
    private WarmList? FindOldest(WarmList[] lists)
    {
        const int CandidatesAtMost = 128;
        WarmList? oldest = null;
        long stamp = long.MaxValue;
        int candidates = 0;
        uint hand = lists.Length > CandidatesAtMost ? (uint)Interlocked.Add(ref _hand, CandidatesAtMost) : 0;
        for (uint i = 0; i < lists.Length && candidates < CandidatesAtMost; i++)
        {
            WarmList list = lists[(hand + i) % (uint)lists.Length];
            if (list.IsRingEmpty)
                continue;
            candidates++;
            if (list.OldestStamp is long candidate && candidate < stamp)
                (oldest, stamp) = (list, candidate);
        }
        return oldest;
    }

    // Unbinds the idle slot that was given back longest ago, as far as the lists' oldest tell.
    private bool TryEvict()
    {
        WarmList[] lists = _lists;
        WarmList? oldest = FindOldest(lists);
        PooledInstance? evicted = oldest?.TryTakeOldest();
        // The rings are empty, or have just been emptied by others: threads' own places are left.
        uint first = (uint)Volatile.Read(ref _hand);
        for (uint i = 0; evicted is null && i < lists.Length; i++)
            evicted = lists[(first + i) % (uint)lists.Length].TryTakeOldest();
        if (evicted is null)
            return false;
        Interlocked.Increment(ref _evictions);
        TearDown(evicted);
        return true;
    }

    // The shares add up to what is needed.
    private string DescribeSize(ModuleCore module, int bytes)
    {
        WasmModule wasm = module.Wasm;
        Compiler.Abi.VmContextLayout layout = module.Layout;
        int memories = layout.Table(0) - layout.Memory(0);
        int tables = layout.Global(0) - layout.Table(0);
        int globals = layout.Global(wasm.Globals.Length) - layout.Global(0);
        int imported = wasm.ImportedFunctionCount * sizeof(FunctionReference);
        int references = layout.EscapingFunctions.Length * sizeof(FunctionReference);
        int segments = layout.DataState(wasm.Data.Length) - layout.ElementState(0);
        int rest = bytes - (memories + tables + globals + imported + references + segments);
        return $"an instance of the module needs {bytes} bytes and a slot has {_limits.Size} (InstanceLimits.Size): "
            + $"{imported + references} for functions ({wasm.ImportedFunctionCount} imported, {layout.EscapingFunctions.Length} that are exported or referred to), "
            + $"{globals} for {wasm.Globals.Length} globals, {memories} for {wasm.Memories.Length} memories, {tables} for {wasm.Tables.Length} tables, "
            + $"0 for {wasm.Types.Length} types (the engine holds them), {segments} for {wasm.Elements.Length + wasm.Data.Length} segments, {rest} for the header";
    }
}

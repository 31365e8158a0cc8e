// Asks the system for everything when it is needed, and gives it back at once; only guest stacks are kept, since each call
// needs one. Address space is cheap, so memories and tables reserve what they may ever grow to and commit what they use.
using System.Runtime.InteropServices;
using Tarn.Engines;
using Tarn.Execution;
using Tarn.Linking;
using Tarn.Memories;
using Tarn.Modules;
using Tarn.Platform;
using Tarn.Tables;

namespace Tarn.Instances;

internal sealed unsafe class OnDemandAllocator : InstanceAllocator
{
    private const nuint ContextAlignment = 64;

    private readonly EngineCore _engine;
    private readonly StackCache _stacks;

    public OnDemandAllocator(EngineCore engine)
    {
        _engine = engine;
        _stacks = new StackCache(engine.Options.StackSize, int.MaxValue, keepResident: 64 << 10);
    }

    public override InstanceData Rent(LinkedModule template, object? state, StoreLimits? limits)
    {
        var store = new StoreCore(_engine, this, keepsStack: true, state);
        try
        {
            store.BeginLimits(limits);
            return Instantiation.Initialize(store, template);
        }
        catch
        {
            store.Abandon();
            throw;
        }
    }

    public override ValueTask<InstanceData> RentAsync(LinkedModule template, object? state, StoreLimits? limits, CancellationToken cancellationToken) =>
        new(Rent(template, state, limits));

    public override byte* AllocateContext(ModuleCore module, int bytes)
    {
        byte* context = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, ContextAlignment);
        NativeMemory.Clear(context, (nuint)bytes);
        return context;
    }

    public override void FreeContext(byte* context) => NativeMemory.AlignedFree(context);

    public override MemoryInstance AllocateMemory(in CoreMemoryType type, ulong pages, MemoryRecord* record, StoreLimits? limits) =>
        AllocateMemory(type, pages, record, limits, _engine.Options.MaximumMemoryPages, "EngineOptions.MaximumMemoryPages");

    /// <summary>As the other one, with another limit than the engine's.</summary>
    public MemoryInstance AllocateMemory(in CoreMemoryType type, ulong pages, MemoryRecord* record, StoreLimits? limits, long limitPages, string limitName)
    {
        int log2 = type.PageSizeLog2;
        UInt128 limit = (UInt128)(ulong)limitPages << 16;
        UInt128 minimum = (UInt128)pages << log2;
        UInt128 capacity = limit;
        if (type.Limits.HasMaximum)
            capacity = UInt128.Min(capacity, (UInt128)type.Limits.Maximum << log2);
        if (!type.Limits.Is64)
            capacity = UInt128.Min(capacity, (UInt128)1 << 32);
        if (minimum > capacity)
            throw new InstantiationException($"A memory's minimum of {pages} pages ({minimum} bytes) is above the limit of {limit} bytes ({limitName} = {limitPages}).");
        string capacityLimit = limit <= capacity ? $"{limitName} = {limitPages}" : "what 32-bit addresses reach";
        bool isGuarded = IsGuarded(type);
        if (!isGuarded && limits?.MaximumMemoryBytes is long most && (ulong)most < capacity)
        {
            capacity = UInt128.Max(minimum, (ulong)most);
            capacityLimit = $"StoreLimits.MaximumMemoryBytes = {most} when it was made";
        }
        VirtualMemory memory = VirtualMemory.Current;
        nuint accessible = memory.RoundUp((nuint)(ulong)minimum);
        nuint reserved = memory.RoundUp(isGuarded ? (nuint)((1UL << 32) + _engine.Target.GuardBytes) : (nuint)(ulong)UInt128.Max(capacity, 1));
        byte* reservation = null;
        try
        {
            reservation = isGuarded ? memory.Reserve(reserved) : ReserveAtMost(memory, ref reserved, Math.Max(accessible, memory.PageSize));
            if (!isGuarded && reserved < capacity)
            {
                capacity = reserved;
                capacityLimit = "the address space that the process had left when it was made";
            }
            if (_engine.Options.UseLargePages)
                memory.PreferLargePages(reservation, reserved);
            if (accessible != 0)
                memory.Commit(reservation, accessible);
        }
        catch (PlatformException e)
        {
            if (reservation != null)
                memory.Release(reservation, reserved);
            string hint = isGuarded ? " Checked memories (MemoryStrategy.Checked) reserve no more than they may grow to." : "";
            throw new InstantiationException($"The system refuses a memory of {minimum} bytes in a reservation of {reserved} bytes: {e.Message}{hint}", e);
        }
        return new MemoryInstance(type, reservation, reserved, (ulong)minimum, (ulong)capacity, record)
        {
            CapacityLimit = capacityLimit,
        };
    }

    protected override MemoryInstance AllocateUnpooledMemory(in CoreMemoryType type, MemoryRecord* record, StoreLimits? limits) => AllocateMemory(type, type.Limits.Minimum, record, limits);

    public override void FreeMemory(MemoryInstance memory) => VirtualMemory.Current.Release(memory.Base, (nuint)memory.ReservedBytes);

    public override TableInstance AllocateTable(in CoreTableType type, ulong length, TableRecord* record, StoreLimits? limits)
    {
        ulong limit = (ulong)_engine.Options.MaximumTableElements;
        ulong minimum = length;
        ulong capacity = type.Limits.HasMaximum ? Math.Min(limit, type.Limits.Maximum) : limit;
        if (minimum > capacity)
            throw new InstantiationException($"A table's minimum of {minimum} elements is above the engine's limit of {limit} (EngineOptions.MaximumTableElements).");
        string capacityLimit = $"EngineOptions.MaximumTableElements = {_engine.Options.MaximumTableElements}";
        if (limits?.MaximumTableElements is long most && (ulong)most < capacity)
        {
            capacity = Math.Max(minimum, (ulong)most);
            capacityLimit = $"StoreLimits.MaximumTableElements = {most} when it was made";
        }
        VirtualMemory memory = VirtualMemory.Current;
        nuint reserved = memory.RoundUp(Math.Max((nuint)capacity * 8, 1));
        byte* reservation = null;
        try
        {
            reservation = ReserveAtMost(memory, ref reserved, memory.RoundUp(Math.Max((nuint)minimum * 8, 1)));
            if (reserved / 8 < capacity)
            {
                capacity = reserved / 8;
                capacityLimit = "the address space that the process had left when it was made";
            }
            if (minimum != 0)
                memory.Commit(reservation, memory.RoundUp((nuint)minimum * 8));
        }
        catch (PlatformException e)
        {
            if (reservation != null)
                memory.Release(reservation, reserved);
            throw new InstantiationException($"The system refuses a table of {minimum} elements in a reservation of {reserved} bytes: {e.Message}", e);
        }
        return new TableInstance(type, (ulong*)reservation, reserved, minimum, capacity, record)
        {
            CapacityLimit = capacityLimit,
        };
    }

    public override void FreeTable(TableInstance table) => VirtualMemory.Current.Release((byte*)table.Elements, (nuint)table.ReservedBytes);

    public override GuestStack AllocateStack() => _stacks.Rent();

    public override void FreeStack(GuestStack stack) => _stacks.Return(stack);

    public override void Dispose() => _stacks.Dispose();

    // Where the memory is guarded its code checks nothing, so the reservation holds every address that a 32-bit index and an unchecked
    // offset can form. The compiler decides by the same three facts.
    private bool IsGuarded(in CoreMemoryType type) =>
        _engine.Target.MemoryStrategy == Compiler.MemoryStrategy.Guarded && !type.Limits.Is64 && type.PageSizeLog2 == 16;

    // As much as is wanted, or half of it, and so on, where the system refuses. Where the process may have little address space (ulimit -v), some is left to the rest of it: a
    // memory that took the last would make the runtime around it fail.
    private static byte* ReserveAtMost(VirtualMemory memory, ref nuint wanted, nuint least)
    {
        nuint left = memory.AddressSpaceLimit == ulong.MaxValue ? 0 : memory.RoundUp((nuint)Math.Min(VirtualMemory.LeftToProcess, memory.AddressSpaceLimit / 8));
        while (true)
        {
            try
            {
                byte* reservation = memory.Reserve(wanted + left);
                if (left != 0)
                    memory.Release(reservation + wanted, left);
                return reservation;
            }
            catch (PlatformException) when (wanted > least)
            {
                wanted = Math.Max(least, memory.RoundUp(wanted / 2));
            }
            catch (PlatformException) when (left != 0)
            {
                left = 0;
            }
        }
    }
}

// Asks the system for everything when it is needed, and gives it back at once; only guest stacks are kept, since each call
// needs one. Address space is cheap, so memories and tables reserve what they may ever grow to and commit what they use.
using System.Runtime.InteropServices;
using Tarn.Execution;
using Tarn.Memories;
using Tarn.Platform;
using Tarn.Pooling;
using Tarn.Tables;

namespace Tarn.Instances;

internal sealed unsafe class OnDemandAllocator : InstanceAllocator
{
    private const nuint ContextAlignment = 64;

    private readonly Engine _engine;
    private readonly StackCache _stacks;

    public OnDemandAllocator(Engine engine)
    {
        _engine = engine;
        _stacks = new StackCache(engine.Options.StackSize, int.MaxValue, keepResident: 64 << 10);
    }

    public override byte* AllocateContext(Module module, int bytes)
    {
        byte* context = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, ContextAlignment);
        NativeMemory.Clear(context, (nuint)bytes);
        return context;
    }

    public override void FreeContext(byte* context) => NativeMemory.AlignedFree(context);

    public override MemoryInstance AllocateMemory(in MemoryType type, MemoryRecord* record)
    {
        int log2 = type.PageSizeLog2;
        UInt128 limit = (UInt128)(ulong)_engine.Options.MaximumMemoryPages << 16;
        UInt128 minimum = (UInt128)type.Limits.Minimum << log2;
        UInt128 capacity = limit;
        if (type.Limits.HasMaximum)
            capacity = UInt128.Min(capacity, (UInt128)type.Limits.Maximum << log2);
        if (!type.Limits.Is64)
            capacity = UInt128.Min(capacity, (UInt128)1 << 32);
        if (minimum > capacity)
            throw new InstantiationException($"a memory's minimum of {type.Limits.Minimum} pages ({minimum} bytes) is above the engine's limit of {limit} bytes (EngineOptions.MaximumMemoryPages)");
        VirtualMemory memory = VirtualMemory.Current;
        nuint accessible = memory.RoundUp((nuint)(ulong)minimum);
        nuint reserved = (nuint)Reservation(type, (ulong)capacity);
        reserved = memory.RoundUp(reserved == 0 ? 1 : reserved);
        byte* reservation = null;
        try
        {
            reservation = memory.Reserve(reserved);
            if (_engine.Options.LargePages)
                memory.PreferLargePages(reservation, reserved);
            if (accessible != 0)
                memory.Protect(reservation, accessible, MemoryProtection.ReadWrite);
        }
        catch (PlatformException e)
        {
            if (reservation != null)
                memory.Release(reservation, reserved);
            throw new InstantiationException($"the system refuses a memory of {minimum} bytes in a reservation of {reserved} bytes: {e.Message}", e);
        }
        return new MemoryInstance(type, reservation, reserved, (ulong)minimum, (ulong)capacity, record)
        {
            CapacityLimit = limit <= capacity ? $"EngineOptions.MaximumMemoryPages = {_engine.Options.MaximumMemoryPages}" : "what 32-bit addresses reach",
        };
    }

    public override void FreeMemory(MemoryInstance memory) => VirtualMemory.Current.Release(memory.Base, (nuint)memory.ReservedBytes);

    public override TableInstance AllocateTable(in TableType type, TableRecord* record)
    {
        ulong limit = (ulong)_engine.Options.MaximumTableElements;
        ulong minimum = type.Limits.Minimum;
        ulong capacity = type.Limits.HasMaximum ? Math.Min(limit, type.Limits.Maximum) : limit;
        if (minimum > capacity)
            throw new InstantiationException($"a table's minimum of {minimum} elements is above the engine's limit of {limit} (EngineOptions.MaximumTableElements)");
        VirtualMemory memory = VirtualMemory.Current;
        nuint reserved = memory.RoundUp(Math.Max((nuint)capacity * 8, 1));
        byte* reservation = null;
        try
        {
            reservation = memory.Reserve(reserved);
            if (minimum != 0)
                memory.Protect(reservation, memory.RoundUp((nuint)minimum * 8), MemoryProtection.ReadWrite);
        }
        catch (PlatformException e)
        {
            if (reservation != null)
                memory.Release(reservation, reserved);
            throw new InstantiationException($"the system refuses a table of {minimum} elements in a reservation of {reserved} bytes: {e.Message}", e);
        }
        return new TableInstance(type, (ulong*)reservation, reserved, minimum, capacity, record)
        {
            CapacityLimit = $"EngineOptions.MaximumTableElements = {_engine.Options.MaximumTableElements}",
        };
    }

    public override void FreeTable(TableInstance table) => VirtualMemory.Current.Release((byte*)table.Elements, (nuint)table.ReservedBytes);

    public override GuestStack AllocateStack() => _stacks.Rent();

    public override void FreeStack(GuestStack stack) => _stacks.Return(stack);

    public override void Dispose() => _stacks.Dispose();

    // Where the memory is guarded its code checks nothing, so the reservation holds every address that a 32-bit index and an unchecked
    // offset can form. The compiler decides by the same three facts.
    private ulong Reservation(in MemoryType type, ulong capacity) =>
        _engine.Target.MemoryStrategy == Compiler.MemoryStrategy.Guarded && !type.Limits.Is64 && type.PageSizeLog2 == 16
            ? (1UL << 32) + _engine.Target.GuardBytes
            : capacity;
}

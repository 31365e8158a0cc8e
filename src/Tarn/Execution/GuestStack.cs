// Why: the stack guest code runs on, never the thread's own, so that exhaustion is a trap and a suspended guest can be kept aside. Below it is a
// guard page that nothing may reach: compiled code compares with Limit before it takes a frame, and the headroom below Limit covers
// what does not compare. The budget, from large to small: frames of leaf functions (256 bytes), an exit frame (1 KiB unchecked, larger ones
// compare), a trap's return address, and a signal frame with the CLR's own handling of it, for threads without an alternate stack and for the
// signals that do not use it (with wide vector registers the kernel writes about 3.5 KiB, the CLR's context record takes as much again).
//
//   guard page | headroom | ... guest frames grow downward ... <- High
//   Low - page   Low        Limit = Low + Headroom
using Tarn.Platform;

namespace Tarn.Execution;

internal sealed unsafe class GuestStack : IDisposable
{
    public const int Headroom = 32 * 1024;
    public const int DefaultBytes = 1024 * 1024;

    private readonly VirtualMemory _memory;
    private readonly nuint _reserved;
    private byte* _base;

    public GuestStack(VirtualMemory memory, int bytes = DefaultBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 2 * Headroom);
        _memory = memory;
        nuint usable = memory.RoundUp((nuint)bytes);
        _reserved = usable + memory.PageSize;
        _base = memory.Reserve(_reserved);
        try
        {
            memory.Commit(_base + memory.PageSize, usable);
        }
        catch
        {
            Dispose();
            throw;
        }

        Low = (nint)(_base + memory.PageSize);
        High = (nint)(_base + _reserved);
    }

    /// <summary>Opens a stack in address space that belongs to another object, with an inaccessible page below it.</summary>
    public GuestStack(VirtualMemory memory, byte* low, nuint bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, (nuint)(2 * Headroom));
        _memory = memory;
        memory.Commit(low, bytes);
        Low = (nint)low;
        High = (nint)(low + bytes);
    }

    /// <summary>Lowest usable address.</summary>
    public nint Low { get; }

    /// <summary>End: where the first activation starts.</summary>
    public nint High { get; }

    /// <summary>What <see cref="VmContext.StackLimit"/> has to be.</summary>
    public nint Limit => Low + Headroom;

    /// <summary>Makes a store's execution record use this stack, empty.</summary>
    public void Attach(ExecutionRecord* record)
    {
        record->StackLow = Low;
        record->StackHigh = High;
        record->GuestStackPointer = High;
        record->ExitCode = 0;
    }

    /// <summary>
    /// Gives back what a deep call left resident, but for the given bytes at the top. Costs a few loads where nothing was deep: marks just below those bytes
    /// are zero until a call gets there. (A single large frame may step over them; then the pages stay until a call does not.)
    /// </summary>
    public void Trim(long keepResident)
    {
        const int Marks = 8;
        const int Apart = 17 * sizeof(ulong);
        if (keepResident >= High - Low - (Marks * Apart))
            return;
        nint kept = (nint)_memory.RoundUp((nuint)keepResident);
        if (kept >= High - Low - (Marks * Apart))
            return;
        byte* end = (byte*)(High - kept);
        ulong used = 0;
        for (int i = 1; i <= Marks; i++)
            used |= *(ulong*)(end - (i * Apart));
        if (used != 0)
            TrimSlow(end);
    }

    // No finaliser: a stack is a store's or a cache's, and both have one. A store that is finalised gives its stack to a cache that goes on, where a finaliser of the stack
    // itself would take it away from whoever runs on it next.
    public void Dispose()
    {
        if (_base != null)
        {
            _memory.Release(_base, _reserved);
            _base = null;
        }
    }

    private void TrimSlow(byte* end)
    {
        try
        {
            _memory.Discard((byte*)Low, (nuint)(end - (byte*)Low));
        }
        catch (PlatformException)
        {
            // It is as good a stack as before; the next call tries again.
        }
    }
}

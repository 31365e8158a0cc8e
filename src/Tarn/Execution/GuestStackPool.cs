// Why: guest stacks are used again, last in first out, since the top pages of the last one are still there. Contents are not cleared: a guest cannot
// read below its stack pointer what it has not written, except through compiled code that is wrong.
//
// They are in a slab that was reserved when the pools were, or, without one, in address space of their own. A stack of a slab stays open when it comes back, as far as
// `keep` goes: two mappings each.
using Tarn.Platform;

namespace Tarn.Execution;

internal sealed class GuestStackPool(VirtualMemory memory, int stackBytes = GuestStack.DefaultBytes, int keep = 64, Slab? slab = null) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Stack<GuestStack> _free = new();
    private bool _disposed;

    /// <exception cref="PlatformException">The system refuses the memory.</exception>
    public GuestStack Rent()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_free.TryPop(out GuestStack? stack))
            {
                return stack;
            }
        }

        return slab is null ? new GuestStack(memory, stackBytes) : Open(slab);
    }

    public void Return(GuestStack stack)
    {
        lock (_lock)
        {
            if (!_disposed && (_free.Count < keep || !TryClose(stack)))
            {
                _free.Push(stack);
                return;
            }
        }

        stack.Dispose();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            while (_free.TryPop(out GuestStack? stack))
            {
                stack.Dispose();
            }
        }
    }

    private unsafe GuestStack Open(Slab stacks)
    {
        // Whoever counts the stacks gives out no more than there are, and counts one as returned when it is.
        if (!stacks.Free.TryTake(out int slot))
            throw new InvalidOperationException("More guest stacks are in use than the pool has.");
        try
        {
            return new GuestStack(memory, stacks.AddressOf(slot), (nuint)stacks.Layout.UsableBytes);
        }
        catch
        {
            stacks.Free.Return(slot);
            throw;
        }
    }

    // Gives a stack's slot back to the slab, if it has one. One that the system does not close is as good as before.
    private unsafe bool TryClose(GuestStack stack)
    {
        if (slab is null)
            return true;
        try
        {
            memory.Decommit((byte*)stack.Low, (nuint)(stack.High - stack.Low));
        }
        catch (PlatformException)
        {
            return false;
        }
        slab.Free.Return(slab.SlotOf((void*)stack.Low));
        return true;
    }
}

// One reservation cut into slots. Made when the engine is built; what the system refuses is refused there, with the limits
// that asked for it and the largest count that would have fitted.
using Tarn.Platform;

namespace Tarn.Pooling;

internal sealed unsafe class Slab : IDisposable
{
    private bool _disposed;

    /// <param name="name">What errors call the pool.</param>
    /// <param name="slots">How many slots.</param>
    /// <param name="usable">Bytes of a slot.</param>
    /// <param name="guard">Inaccessible bytes behind each.</param>
    /// <param name="reason">The limits that ask for it, in words.</param>
    public Slab(string name, int slots, ulong usable, ulong guard, string reason)
    {
        VirtualMemory memory = VirtualMemory.Current;
        ulong page = memory.PageSize;
        if (!SlabLayout.TryCreate(slots, usable, guard, 0, page, out SlabLayout layout, out ulong wanted))
        {
            throw new InstantiationException(
                $"the {name} pool would take {wanted} bytes of address space ({reason}), more than the {SlabLayout.MaximumBytes} bytes a pool may have; "
                + $"at most {SlabLayout.LargestCount(SlabLayout.MaximumBytes, usable, guard, 0, page)} slots of this size fit");
        }
        Layout = layout;
        Free = new SlotList(slots);
        if (layout.TotalBytes == 0)
            return;
        try
        {
            Base = memory.Reserve((nuint)layout.TotalBytes);
        }
        catch (PlatformException e)
        {
            throw new InstantiationException(
                $"the system refuses the {name} pool's {layout.TotalBytes} bytes of address space ({reason}); about {FindLargestCount(memory, layout)} slots would fit now: {e.Message}", e);
        }
    }

    public SlabLayout Layout { get; }

    public SlotList Free { get; }

    public byte* Base { get; }

    public byte* AddressOf(int slot) => Base + Layout.OffsetOf(slot);

    /// <summary>The slot that an address lies in, or −1.</summary>
    public int SlotOf(void* address) => (byte*)address < Base ? -1 : Layout.SlotOf((ulong)((byte*)address - Base));

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (Base != null)
            VirtualMemory.Current.Release(Base, (nuint)Layout.TotalBytes);
    }

    // Only on the way to an error: halve until the system agrees.
    private static int FindLargestCount(VirtualMemory memory, in SlabLayout layout)
    {
        for (int count = layout.Slots / 2; count > 0; count /= 2)
        {
            nuint bytes = (nuint)((ulong)count * layout.Stride);
            try
            {
                memory.Release(memory.Reserve(bytes), bytes);
                return count;
            }
            catch (PlatformException)
            {
                // Still too much.
            }
        }
        return 0;
    }
}

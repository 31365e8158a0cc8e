// One reservation cut into slots. Made when the engine is built; what the system refuses is refused there, with the limits
// that asked for it and the largest count that would have fitted.
using Tarn.Platform;

namespace Tarn.Pooling;

internal sealed unsafe class Slab : IDisposable
{
    private readonly string _name;
    private readonly string _reason;
    private readonly nuint _reserved;
    private bool _disposed;

    /// <param name="name">What errors call the pool.</param>
    /// <param name="slots">How many slots.</param>
    /// <param name="usable">Bytes of a slot.</param>
    /// <param name="guard">Inaccessible bytes behind each.</param>
    /// <param name="reason">The limits that ask for it, in words.</param>
    /// <param name="countLimit">The limit that says how many.</param>
    /// <param name="each">Slots for each unit of that limit.</param>
    /// <param name="alignment">What sizes are rounded up to; the page size where slots are protected one by one.</param>
    public Slab(string name, int slots, ulong usable, ulong guard, string reason, string countLimit, int each, ulong alignment)
    {
        VirtualMemory memory = VirtualMemory.Current;
        if (!SlabLayout.TryCreate(slots, usable, guard, 0, alignment, out SlabLayout layout, out ulong wanted))
        {
            int largest = SlabLayout.LargestCount(SlabLayout.MaximumBytes, usable, guard, 0, alignment) / each;
            throw new PoolReservationException(
                name, wanted, largest,
                $"the {name} pool would take {wanted} bytes of address space ({reason}), more than the {SlabLayout.MaximumBytes} bytes a pool may have; the largest {countLimit} that fits is {largest}");
        }
        _name = name;
        _reason = reason;
        Layout = layout;
        Free = new SlotList(slots);
        if (layout.TotalBytes == 0)
            return;
        _reserved = memory.RoundUp((nuint)layout.TotalBytes);
        try
        {
            Base = memory.Reserve(_reserved);
        }
        catch (PlatformException e)
        {
            int largest = FindLargestCount(memory, layout) / each;
            throw new PoolReservationException(
                name, layout.TotalBytes, largest,
                $"the system refuses the {name} pool's {layout.TotalBytes} bytes of address space ({reason}); the largest {countLimit} that fits now is {largest}: {e.Message}", e);
        }
        memory.PreferSmallPages(Base, _reserved);
    }

    public SlabLayout Layout { get; }

    public SlotList Free { get; }

    public byte* Base { get; }

    public byte* AddressOf(int slot) => Base + Layout.OffsetOf(slot);

    /// <summary>The slot that an address lies in, or −1.</summary>
    public int SlotOf(void* address) => (byte*)address < Base ? -1 : Layout.SlotOf((ulong)((byte*)address - Base));

    /// <summary>Makes all of it accessible: pages come into being when they are touched.</summary>
    /// <exception cref="InstantiationException">The system refuses.</exception>
    public void Open()
    {
        if (Base == null)
            return;
        try
        {
            VirtualMemory.Current.Protect(Base, _reserved, MemoryProtection.ReadWrite);
        }
        catch (PlatformException e)
        {
            throw new PoolReservationException(
                _name, Layout.TotalBytes, 0, $"the system refuses to make the {_name} pool's {_reserved} bytes accessible ({_reason}): {e.Message}", e);
        }
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (Base != null)
            VirtualMemory.Current.Release(Base, _reserved);
    }

    // Only on the way to an error.
    private static int FindLargestCount(VirtualMemory memory, in SlabLayout layout)
    {
        int fits = 0;
        int tooMany = layout.Slots;
        while (tooMany - fits > 1)
        {
            int count = fits + ((tooMany - fits) / 2);
            nuint bytes = memory.RoundUp((nuint)((ulong)count * layout.Stride));
            try
            {
                memory.Release(memory.Reserve(bytes), bytes);
                fits = count;
            }
            catch (PlatformException)
            {
                tooMany = count;
            }
        }
        return fits;
    }
}

// One reservation cut into slots. Made when the engine is built; PoolReservation says what is wrong if it cannot be.

namespace Tarn.Platform;

internal sealed unsafe class Slab : IDisposable
{
    private readonly nuint _reserved;
    private bool _disposed;

    /// <exception cref="PlatformException">The system refuses the address space.</exception>
    public Slab(in SlabLayout layout)
    {
        VirtualMemory memory = VirtualMemory.Current;
        Layout = layout;
        Free = new SlotList(layout.Slots);
        if (layout.TotalBytes == 0)
            return;
        _reserved = memory.RoundUp((nuint)layout.TotalBytes);
        Base = memory.Reserve(_reserved);
        memory.PreferSmallPages(Base, _reserved);
    }

    public SlabLayout Layout { get; }

    public SlotList Free { get; }

    public byte* Base { get; }

    public byte* AddressOf(int slot) => Base + Layout.OffsetOf(slot);

    /// <summary>The slot that contains an address, or −1.</summary>
    public int SlotOf(void* address) => (byte*)address < Base ? -1 : Layout.SlotOf((ulong)((byte*)address - Base));

    /// <summary>Makes all of it accessible: pages come into being when they are touched.</summary>
    /// <exception cref="PlatformException">The system refuses.</exception>
    public void Open()
    {
        if (Base != null)
            VirtualMemory.Current.Commit(Base, _reserved);
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        if (Base != null)
            VirtualMemory.Current.Release(Base, _reserved);
    }
}

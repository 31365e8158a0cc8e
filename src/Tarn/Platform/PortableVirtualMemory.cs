// Why: memory where nothing is known of the operating system: zeroed memory of the C library, by the framework's own call. Nothing can be protected, so nothing may rely on a fault, and nothing is
// executable: portable execution is what goes with it. A large block of zeros costs address space until it is touched on every system that .NET runs on with 64 bits.
//
// Invariants: everything between Reserve and Release may be read and written; a range is zero when it is committed, since blocks begin zeroed and Decommit and Discard overwrite. No function of a native library
// is called but those that the framework calls.
using System.Runtime.InteropServices;

namespace Tarn.Platform;

internal sealed unsafe class PortableVirtualMemory : VirtualMemory
{
    private const int NoMemory = 12;

    private readonly Lock _lock = new();

    // The blocks by the first aligned address within, which is what was handed out.
    private readonly Dictionary<nint, nint> _blocks = [];

    public override nuint PageSize { get; } = (nuint)Environment.SystemPageSize;

    public override bool DiscardGivesBack => false;

    public override bool CanExecute => false;

    public override long MaximumMappings => long.MaxValue / 16;

    public override bool CanFindResident => false;

    public override ulong AddressSpaceLimit => ulong.MaxValue;

    public override bool CanWriteCode => false;

    public override byte* Reserve(nuint bytes)
    {
        void* block;
        try
        {
            block = NativeMemory.AllocZeroed(checked(bytes + PageSize));
        }
        catch (Exception e) when (e is OutOfMemoryException or OverflowException)
        {
            throw new PlatformException("allocating memory (calloc)", bytes, NoMemory, "ENOMEM", "there is no block of that size");
        }
        nint address = (nint)RoundUp((nuint)block);
        lock (_lock)
            _blocks.Add(address, (nint)block);
        return (byte*)address;
    }

    public override void Release(byte* address, nuint bytes)
    {
        nint block;
        lock (_lock)
        {
            if (!_blocks.Remove((nint)address, out block))
                throw new ArgumentException("This is not where a reservation begins.", nameof(address));
        }
        NativeMemory.Free((void*)block);
    }

    public override void Commit(byte* address, nuint bytes) => CheckRange(address, bytes);

    public override void Decommit(byte* address, nuint bytes) => Discard(address, bytes);

    public override void Protect(byte* address, nuint bytes, MemoryProtection protection)
    {
        CheckRange(address, bytes);
        if (protection == MemoryProtection.ReadExecute)
            throw new PlatformException("making memory executable", bytes, 1, "EPERM", "portable memory is never executable");
    }

    public override void Discard(byte* address, nuint bytes)
    {
        CheckRange(address, bytes);
        NativeMemory.Clear(address, bytes);
    }

    public override MemoryImage CreateImage(ReadOnlySpan<byte> contents, string name) => throw NoImages((nuint)contents.Length);

    public override void MapImage(MemoryImage image, nuint imageOffset, byte* address, nuint bytes, MemoryProtection protection) => throw NoImages(bytes);

    public override int FindResident(byte* start, byte* end, Span<PageRange> ranges, out byte* next) => throw new NotSupportedException("Portable memory does not know which pages have been written.");

    public override void PreferSmallPages(byte* address, nuint bytes)
    {
    }

    public override void PreferLargePages(byte* address, nuint bytes)
    {
    }

    public override bool TryWriteCode(byte* address, ReadOnlySpan<byte> code) => false;

    private void CheckRange(byte* address, nuint bytes)
    {
        if ((((nuint)address | bytes) & (PageSize - 1)) != 0)
            throw new PlatformException("changing memory", bytes, 22, "EINVAL", "address and size are multiples of a page");
    }

    private static PlatformException NoImages(nuint bytes) => new("making a memory image", bytes, 95, "ENOTSUP", "portable memory is copied, not mapped");
}

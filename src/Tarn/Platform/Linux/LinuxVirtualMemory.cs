// Why: virtual memory on Linux. Reservations are PROT_NONE and MAP_NORESERVE, so neither overcommit accounting nor the page tables know
// of them until a page is made accessible and touched.
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static Tarn.Platform.Linux.LinuxNative;

namespace Tarn.Platform.Linux;

internal sealed unsafe class LinuxVirtualMemory : VirtualMemory
{
    private const nint Failed = -1;

    // /proc/self/pagemap, open for the life of the process, or −1 where the kernel has no PAGEMAP_SCAN or /proc is not there.
    private readonly Lazy<int> _pageMap;

    // /proc/self/mem, open for the life of the process, or −1 where it does not let us write to our own code.
    private readonly Lazy<int> _ownMemory;

    public LinuxVirtualMemory()
    {
        _pageMap = new Lazy<int>(OpenPageMap);
        _ownMemory = new Lazy<int>(OpenOwnMemory);
    }

    public override nuint PageSize { get; } = (nuint)Environment.SystemPageSize;

    public override byte* Reserve(nuint bytes)
    {
        nint address = Map(0, bytes, ProtectionNone, MapPrivate | MapAnonymous | MapNoReserve, -1, 0);
        Check(address != Failed, "reserving address space (mmap)", bytes);
        return (byte*)address;
    }

    public override void Release(byte* address, nuint bytes) =>
        Check(Unmap((nint)address, bytes) == 0, "releasing address space (munmap)", bytes);

    public override void Protect(byte* address, nuint bytes, MemoryProtection protection) =>
        Check(LinuxNative.Protect((nint)address, bytes, Bits(protection)) == 0, Change(protection), bytes);

    public override void Discard(byte* address, nuint bytes) =>
        Check(Advise((nint)address, bytes, AdviceDontNeed) == 0, "discarding memory (madvise MADV_DONTNEED)", bytes);

    public override void Decommit(byte* address, nuint bytes)
    {
        nint mapped = Map((nint)address, bytes, ProtectionNone, MapPrivate | MapAnonymous | MapNoReserve | MapFixed, -1, 0);
        Check(mapped != Failed, "resetting address space (mmap MAP_FIXED)", bytes);
    }

    public override MemoryImage CreateImage(ReadOnlySpan<byte> contents, string name)
    {
        int descriptor = CreateMemoryFile(name, MemfdCloseOnExec);
        Check(descriptor >= 0, "creating a memory image (memfd_create)", (nuint)contents.Length);
        SafeFileHandle handle = new(descriptor, ownsHandle: true);
        try
        {
            nuint length = RoundUp((nuint)contents.Length);
            Check(Truncate(descriptor, (nint)length) == 0, "sizing a memory image (ftruncate)", length);
            fixed (byte* bytes = contents)
            {
                for (nint done = 0; done < contents.Length;)
                {
                    nint written = WriteAt(descriptor, bytes + done, (nuint)(contents.Length - done), done);
                    Check(written > 0, "writing a memory image (pwrite)", (nuint)contents.Length);
                    done += written;
                }
            }

            return new MemoryImage(handle, length);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    public override void MapImage(MemoryImage image, nuint imageOffset, byte* address, nuint bytes, MemoryProtection protection)
    {
        // Not MAP_NORESERVE: a private mapping of an image is charged for what it copies, like any memory.
        nint mapped = Map((nint)address, bytes, Bits(protection), MapPrivate | MapFixed, (int)image.Handle.DangerousGetHandle(), (nint)imageOffset);
        Check(mapped != Failed, "mapping a memory image (mmap MAP_FIXED)", bytes);
    }

    public override long MaximumMappings { get; } = ReadMaximumMappings();

    public override bool CanFindResident => _pageMap.Value >= 0;

    public override int FindResident(byte* start, byte* end, Span<PageRange> ranges, out byte* next)
    {
        const int AtMost = 64;
        PageMapRegion* regions = stackalloc PageMapRegion[AtMost];
        // Present or swapped out, and not the shared page of zeros.
        PageMapScanRecord record = new()
        {
            Size = (ulong)sizeof(PageMapScanRecord),
            Start = (ulong)start,
            End = (ulong)end,
            Regions = regions,
            RegionCount = (ulong)Math.Min(AtMost, ranges.Length),
            CategoryInverted = PageIsZeroPage,
            CategoryMask = PageIsZeroPage,
            CategoryAnyOf = PageIsPresent | PageIsSwapped,
            ReturnMask = PageIsPresent | PageIsSwapped,
        };
        int found = Control(_pageMap.Value, PageMapScan, &record);
        Check(found >= 0, "asking which pages are resident (ioctl PAGEMAP_SCAN)", (nuint)(end - start));
        for (int i = 0; i < found; i++)
            ranges[i] = new PageRange((byte*)regions[i].Start, (byte*)regions[i].End);
        next = (byte*)record.WalkEnd;
        return found;
    }

    // Advice: a kernel without large pages says EINVAL, which is as good.
    public override void PreferSmallPages(byte* address, nuint bytes) => _ = Advise((nint)address, bytes, AdviceNoHugePages);

    public override void PreferLargePages(byte* address, nuint bytes) => _ = Advise((nint)address, bytes, AdviceHugePages);

    public override ulong AddressSpaceLimit { get; } = ReadAddressSpaceLimit();

    public override bool CanWriteCode => _ownMemory.Value >= 0;

    public override bool TryWriteCode(byte* address, ReadOnlySpan<byte> code) => CanWriteCode && TryWrite(_ownMemory.Value, address, code);

    internal static int Bits(MemoryProtection protection) => protection switch
    {
        MemoryProtection.None => ProtectionNone,
        MemoryProtection.Read => ProtectionRead,
        MemoryProtection.ReadWrite => ProtectionRead | ProtectionWrite,
        MemoryProtection.ReadExecute => ProtectionRead | ProtectionExecute,
        _ => throw new ArgumentOutOfRangeException(nameof(protection), protection, "no such protection"),
    };

    // Words that exist already: pools change protections whenever a guest grows.
    private static string Change(MemoryProtection protection) => protection switch
    {
        MemoryProtection.None => "making memory inaccessible (mprotect)",
        MemoryProtection.Read => "making memory read-only (mprotect)",
        MemoryProtection.ReadWrite => "making memory writable (mprotect)",
        _ => "making memory executable (mprotect)",
    };

    private static long ReadMaximumMappings()
    {
        // The kernel's own default, where /proc is not there.
        const long Otherwise = 65530;
        try
        {
            return long.TryParse(File.ReadAllText("/proc/sys/vm/max_map_count"), System.Globalization.CultureInfo.InvariantCulture, out long count) ? count : Otherwise;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Otherwise;
        }
    }

    private static int OpenPageMap()
    {
        int descriptor = Open("/proc/self/pagemap", OpenReadOnly | OpenCloseOnExec);
        if (descriptor < 0)
            return -1;
        PageMapRegion region;
        byte probe = 1;
        ulong page = (ulong)&probe & ~((ulong)Environment.SystemPageSize - 1);
        PageMapScanRecord record = new()
        {
            Size = (ulong)sizeof(PageMapScanRecord),
            Start = page,
            End = page + (ulong)Environment.SystemPageSize,
            Regions = &region,
            RegionCount = 1,
            CategoryAnyOf = PageIsPresent | PageIsSwapped,
            ReturnMask = PageIsPresent,
        };
        // The page of this very stack frame: a kernel that does not find it is not to be relied on.
        if (Control(descriptor, PageMapScan, &record) == 1)
            return descriptor;
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        return -1;
    }

    private static ulong ReadAddressSpaceLimit()
    {
        // The one in force, then the one up to which it may be raised. No limit is all ones.
        ulong* limits = stackalloc ulong[2];
        return ResourceLimit(ResourceAddressSpace, limits) == 0 ? limits[0] : ulong.MaxValue;
    }

    // The kernel writes through the protection of private mappings there, as for a debugger. Hardened kernels and other systems that are called Linux refuse, so we try
    // it with a page of our own.
    private int OpenOwnMemory()
    {
        int descriptor = Open("/proc/self/mem", OpenReadWrite | OpenCloseOnExec);
        if (descriptor < 0)
            return -1;
        byte* page = null;
        bool works = false;
        try
        {
            page = Reserve(PageSize);
            Protect(page, PageSize, MemoryProtection.ReadWrite);
            *page = 1;
            Protect(page, PageSize, MemoryProtection.ReadExecute);
            works = TryWrite(descriptor, page, [2, 3]) && page[0] == 2 && page[1] == 3;
        }
        catch (PlatformException)
        {
            // Where not even that works, whoever needs memory next says so.
        }
        finally
        {
            if (page != null)
                Release(page, PageSize);
        }
        if (works)
            return descriptor;
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        return -1;
    }

    private static bool TryWrite(int descriptor, byte* address, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* from = bytes)
        {
            for (nint done = 0; done < bytes.Length;)
            {
                nint written = WriteAt(descriptor, from + done, (nuint)(bytes.Length - done), (nint)address + done);
                if (written <= 0)
                    return false;
                done += written;
            }
        }
        return true;
    }

    private static void Check(bool succeeded, string operation, nuint bytes)
    {
        if (!succeeded)
        {
            throw Errno.Exception(operation, bytes, Marshal.GetLastPInvokeError());
        }
    }
}

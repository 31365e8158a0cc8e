// Why: the system calls the runtime makes on Linux, and nothing else. Constants are those of x86-64 and arm64 (both use the generic ones).
using System.Runtime.InteropServices;

namespace Tarn.Platform.Linux;

internal static unsafe partial class LinuxNative
{
    public const int ProtectionNone = 0;
    public const int ProtectionRead = 1;
    public const int ProtectionWrite = 2;
    public const int ProtectionExecute = 4;

    public const int MapPrivate = 0x02;
    public const int MapFixed = 0x10;
    public const int MapAnonymous = 0x20;
    public const int MapNoReserve = 0x4000;

    public const int AdviceDontNeed = 4;
    public const int AdviceHugePages = 14;
    public const int AdviceNoHugePages = 15;

    public const int OpenReadOnly = 0;
    public const int OpenCloseOnExec = 0x80000;

    /// <summary>PAGEMAP_SCAN: _IOWR('f', 16, struct pm_scan_arg of 96 bytes).</summary>
    public const nuint PageMapScan = 0xC0606610;
    public const ulong PageIsPresent = 1 << 3;
    public const ulong PageIsSwapped = 1 << 4;
    public const ulong PageIsZeroPage = 1 << 5;

    public const uint MemfdCloseOnExec = 1;

    public const int OpenReadWrite = 2;
    public const int ResourceAddressSpace = 9;

    public const int SignalBus = 7;
    public const int SignalSegmentationFault = 11;

    private const string Libc = "libc";

    /// <summary>The number of a system call for which the C library has no function: 202 on x86-64, 98 on arm64.</summary>
    public static nint FutexNumber { get; } = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 98 : 202;

    [LibraryImport(Libc, EntryPoint = "mmap", SetLastError = true)]
    public static partial nint Map(nint address, nuint length, int protection, int flags, int fileDescriptor, nint offset);

    [LibraryImport(Libc, EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(nint address, nuint length);

    [LibraryImport(Libc, EntryPoint = "mprotect", SetLastError = true)]
    public static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport(Libc, EntryPoint = "madvise", SetLastError = true)]
    public static partial int Advise(nint address, nuint length, int advice);

    [LibraryImport(Libc, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags);

    [LibraryImport(Libc, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Control(int fileDescriptor, nuint request, PageMapScanRecord* argument);

    [LibraryImport(Libc, EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int CreateMemoryFile(string name, uint flags);

    [LibraryImport(Libc, EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(int fileDescriptor, nint length);

    [LibraryImport(Libc, EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint WriteAt(int fileDescriptor, byte* bytes, nuint length, nint offset);

    [LibraryImport(Libc, EntryPoint = "getrlimit", SetLastError = true)]
    public static partial int ResourceLimit(int resource, ulong* limits);

    [LibraryImport(Libc, EntryPoint = "sigaction", SetLastError = true)]
    public static partial int SignalAction(int signal, SignalActionRecord* action, SignalActionRecord* previous);

    [LibraryImport(Libc, EntryPoint = "syscall")]
    public static partial nint Futex(nint number, uint* word, nint operation, nint value, long* timeout);
}

// struct sigaction as glibc and musl define it on 64-bit Linux: 152 bytes.
//   0x00 handler   0x08 mask (128 bytes)   0x88 flags   0x8C padding   0x90 restorer
[StructLayout(LayoutKind.Sequential, Size = 152)]
internal unsafe struct SignalActionRecord
{
    public nint Handler;
    public fixed ulong Mask[16];
    public int Flags;
    private readonly int _padding;
    public nint Restorer;
}

// struct pm_scan_arg and struct page_region (Linux 6.7, uapi/linux/fs.h), 96 and 24 bytes.
[StructLayout(LayoutKind.Sequential, Size = 96)]
internal unsafe struct PageMapScanRecord
{
    public ulong Size;
    public ulong Flags;
    public ulong Start;
    public ulong End;
    public ulong WalkEnd;
    public PageMapRegion* Regions;
    public ulong RegionCount;
    public ulong MaximumPages;
    public ulong CategoryInverted;
    public ulong CategoryMask;
    public ulong CategoryAnyOf;
    public ulong ReturnMask;
}

[StructLayout(LayoutKind.Sequential, Size = 24)]
internal struct PageMapRegion
{
    public ulong Start;
    public ulong End;
    public ulong Categories;
}

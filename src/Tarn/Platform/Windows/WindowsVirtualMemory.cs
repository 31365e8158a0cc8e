// Why: virtual memory on Windows. What is committed is charged against the commit limit at once, touched or not, so nothing is committed before it is needed, and giving back means decommitting.
//
// Discard overwrites: decommitting and committing again could fail in between, and would leave a hole where the runtime reads. Whoever can bear that failure calls the two itself.
using System.Runtime.InteropServices;

namespace Tarn.Platform.Windows;

internal sealed unsafe partial class WindowsVirtualMemory : VirtualMemory
{
    private const uint CommitPages = 0x1000;
    private const uint ReserveSpace = 0x2000;
    private const uint DecommitPages = 0x4000;
    private const uint ReleaseSpace = 0x8000;
    private const uint NoAccess = 1;
    private const uint ReadOnly = 2;
    private const uint ReadWrite = 4;
    private const uint ExecuteRead = 0x20;
    private const nint ThisProcess = -1;

    public override nuint PageSize { get; } = (nuint)Environment.SystemPageSize;

    public override bool CommitsLazily => false;

    public override bool DiscardGivesBack => false;

    public override long MaximumMappings => long.MaxValue / 16;

    public override bool CanFindResident => false;

    public override ulong AddressSpaceLimit => ulong.MaxValue;

    public override bool CanWriteCode => false;

    public override byte* Reserve(nuint bytes)
    {
        byte* address = VirtualAlloc(null, bytes, ReserveSpace, NoAccess);
        Check(address != null, "reserving address space (VirtualAlloc MEM_RESERVE)", bytes);
        return address;
    }

    public override void Release(byte* address, nuint bytes) => Check(VirtualFree(address, 0, ReleaseSpace) != 0, "releasing address space (VirtualFree MEM_RELEASE)", bytes);

    public override void Commit(byte* address, nuint bytes) => Check(VirtualAlloc(address, bytes, CommitPages, ReadWrite) != null, "committing memory (VirtualAlloc MEM_COMMIT)", bytes);

    public override void Decommit(byte* address, nuint bytes) => Check(VirtualFree(address, bytes, DecommitPages) != 0, "decommitting memory (VirtualFree MEM_DECOMMIT)", bytes);

    public override void Protect(byte* address, nuint bytes, MemoryProtection protection)
    {
        uint bits = protection switch
        {
            MemoryProtection.None => NoAccess,
            MemoryProtection.Read => ReadOnly,
            MemoryProtection.ReadWrite => ReadWrite,
            MemoryProtection.ReadExecute => ExecuteRead,
            _ => throw new ArgumentOutOfRangeException(nameof(protection), protection, "no such protection"),
        };
        uint before;
        Check(VirtualProtect(address, bytes, bits, &before) != 0, "changing what memory allows (VirtualProtect)", bytes);
        if (protection == MemoryProtection.ReadExecute)
            Check(FlushInstructionCache(ThisProcess, address, bytes) != 0, "announcing code (FlushInstructionCache)", bytes);
    }

    public override void Discard(byte* address, nuint bytes) => NativeMemory.Clear(address, bytes);

    public override MemoryImage CreateImage(ReadOnlySpan<byte> contents, string name) => throw NoImages((nuint)contents.Length);

    public override void MapImage(MemoryImage image, nuint imageOffset, byte* address, nuint bytes, MemoryProtection protection) => throw NoImages(bytes);

    public override int FindResident(byte* start, byte* end, Span<PageRange> ranges, out byte* next) =>
        throw new NotSupportedException("Which pages have been written is not asked of Windows.");

    public override void PreferSmallPages(byte* address, nuint bytes)
    {
    }

    public override void PreferLargePages(byte* address, nuint bytes)
    {
    }

    public override bool TryWriteCode(byte* address, ReadOnlySpan<byte> code) => false;

    // Views of sections cannot lie within a reservation by VirtualAlloc: images are copied.
    private static PlatformException NoImages(nuint bytes) => new("mapping a memory image", bytes, 50, "ERROR_NOT_SUPPORTED", "memories are filled by copying on Windows");

    private static void Check(bool succeeded, string operation, nuint bytes)
    {
        if (succeeded)
            return;
        int error = Marshal.GetLastPInvokeError();
        string name = error switch
        {
            5 => "ERROR_ACCESS_DENIED",
            8 => "ERROR_NOT_ENOUGH_MEMORY",
            87 => "ERROR_INVALID_PARAMETER",
            487 => "ERROR_INVALID_ADDRESS",
            1455 => "ERROR_COMMITMENT_LIMIT",
            1655 => "ERROR_DYNAMIC_CODE_BLOCKED",
            _ => "error",
        };
        throw new PlatformException(operation, bytes, error, name, Marshal.GetPInvokeErrorMessage(error).TrimEnd('.', ' ', '\r', '\n'));
    }

    [LibraryImport("kernel32", SetLastError = true)]
    private static partial byte* VirtualAlloc(byte* address, nuint bytes, uint type, uint protection);

    [LibraryImport("kernel32", SetLastError = true)]
    private static partial int VirtualFree(byte* address, nuint bytes, uint type);

    [LibraryImport("kernel32", SetLastError = true)]
    private static partial int VirtualProtect(byte* address, nuint bytes, uint protection, uint* before);

    [LibraryImport("kernel32", SetLastError = true)]
    private static partial int FlushInstructionCache(nint process, byte* address, nuint bytes);
}

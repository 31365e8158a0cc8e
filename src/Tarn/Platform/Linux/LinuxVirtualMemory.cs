// Why: virtual memory on Linux. Reservations are PROT_NONE and MAP_NORESERVE, so neither overcommit accounting nor the page tables know
// of them until a page is made accessible and touched.
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static Tarn.Platform.Linux.LinuxNative;

namespace Tarn.Platform.Linux;

internal sealed unsafe class LinuxVirtualMemory : VirtualMemory
{
    private const nint Failed = -1;

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
        Check(LinuxNative.Protect((nint)address, bytes, Bits(protection)) == 0, $"changing memory to {protection} (mprotect)", bytes);

    public override void Discard(byte* address, nuint bytes) =>
        Check(Advise((nint)address, bytes, AdviceDontNeed) == 0, "discarding memory (madvise MADV_DONTNEED)", bytes);

    public override void Reset(byte* address, nuint bytes)
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

    internal static int Bits(MemoryProtection protection) => protection switch
    {
        MemoryProtection.None => ProtectionNone,
        MemoryProtection.Read => ProtectionRead,
        MemoryProtection.ReadWrite => ProtectionRead | ProtectionWrite,
        MemoryProtection.ReadExecute => ProtectionRead | ProtectionExecute,
        _ => throw new ArgumentOutOfRangeException(nameof(protection), protection, "no such protection"),
    };

    private static void Check(bool succeeded, string operation, nuint bytes)
    {
        if (!succeeded)
        {
            throw Errno.Exception(operation, bytes, Marshal.GetLastPInvokeError());
        }
    }
}

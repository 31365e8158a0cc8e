// Why: the seam between the runtime and an operating system's virtual memory. One implementation for each OS in its own folder; tests put
// a failing one in front. Invariants: Reserve never commits; addresses and sizes are page multiples; each failure is a
// PlatformException that names the operation, the size and the reason, and leaves the range as it was unless it says otherwise.
namespace Tarn.Platform;

internal abstract unsafe class VirtualMemory
{
    private static VirtualMemory? s_current;

    /// <summary>This operating system's; where there is none, or the process asks for it, the one that needs no operating system.</summary>
    public static VirtualMemory Current => s_current ??= HostPlatform.CreateMemory();

    /// <summary>Puts another implementation in front, for tests that make system calls fail. What is built from now on uses it.</summary>
    /// <returns>The one before.</returns>
    internal static VirtualMemory Replace(VirtualMemory replacement)
    {
        VirtualMemory before = Current;
        s_current = replacement;
        return before;
    }

    public abstract nuint PageSize { get; }

    /// <summary>Takes address space: inaccessible, without swap accounting.</summary>
    public abstract byte* Reserve(nuint bytes);

    /// <summary>Gives address space back.</summary>
    public abstract void Release(byte* address, nuint bytes);

    /// <summary>Makes reserved memory readable and writable: zero where it was not committed, as it was elsewhere.</summary>
    public virtual void Commit(byte* address, nuint bytes) => Protect(address, bytes, MemoryProtection.ReadWrite);

    /// <summary>Makes a range address space again: inaccessible, and zero when it is committed the next time.</summary>
    public abstract void Decommit(byte* address, nuint bytes);

    /// <summary>Changes what a committed range allows.</summary>
    public abstract void Protect(byte* address, nuint bytes, MemoryProtection protection);

    /// <summary>Throws contents away: the range keeps its protection and reads as it was first mapped (zero, or its image).</summary>
    public abstract void Discard(byte* address, nuint bytes);

    /// <summary>Whether a page takes memory, and counts against any limit, only when it is touched; otherwise when it is committed.</summary>
    public virtual bool CommitsLazily => true;

    /// <summary>Whether <see cref="Discard"/> gives pages back to the system. Otherwise it overwrites them, and takes as long as that.</summary>
    public virtual bool DiscardGivesBack => true;

    /// <summary>Whether memory can be made executable at all. A system that can may refuse.</summary>
    public virtual bool CanExecute => true;

    /// <summary>Makes an image whose pages can be mapped copy-on-write any number of times.</summary>
    public abstract MemoryImage CreateImage(ReadOnlySpan<byte> contents, string name);

    /// <summary>Maps an image copy-on-write over a range of a reservation. Past the end of the image nothing may be touched.</summary>
    public abstract void MapImage(MemoryImage image, nuint imageOffset, byte* address, nuint bytes, MemoryProtection protection);

    /// <summary>How many mappings a process may have.</summary>
    public abstract long MaximumMappings { get; }

    /// <summary>Whether <see cref="FindResident"/> works here.</summary>
    public abstract bool CanFindResident { get; }

    /// <summary>Finds pages of private memory that hold anything: those that have been written since the range was mapped or discarded, and perhaps others.</summary>
    /// <param name="start">Where to begin.</param>
    /// <param name="end">Where to end.</param>
    /// <param name="ranges">Filled with ranges in ascending order.</param>
    /// <param name="next">Where to continue when there was no more room; <paramref name="end"/> when all has been looked at.</param>
    /// <returns>How many ranges were found.</returns>
    public abstract int FindResident(byte* start, byte* end, Span<PageRange> ranges, out byte* next);

    /// <summary>Asks for pages of the smallest size in a range, as far as the system can be asked: larger ones would make one write dirty many pages.</summary>
    public abstract void PreferSmallPages(byte* address, nuint bytes);

    /// <summary>Asks for large pages in a range, where the system has them: memory that is used as a whole takes one fault for hundreds.</summary>
    public abstract void PreferLargePages(byte* address, nuint bytes);

    /// <summary>Bytes of address space that reservations leave to the rest of the process, where its address space is limited.</summary>
    public const ulong LeftToProcess = 256UL << 20;

    /// <summary>Bytes of address space that the process may have in all, as its limits say; <see cref="ulong.MaxValue"/> where they say nothing.</summary>
    public abstract ulong AddressSpaceLimit { get; }

    /// <summary>Whether <see cref="TryWriteCode"/> works here.</summary>
    public abstract bool CanWriteCode { get; }

    /// <summary>
    /// Writes to memory of ours that is executable and not writable, without a moment in which any mapping of it is both. Other threads may be running in the same
    /// page, though not in the bytes that are written.
    /// </summary>
    public abstract bool TryWriteCode(byte* address, ReadOnlySpan<byte> code);

    public nuint RoundUp(nuint bytes) => (bytes + PageSize - 1) & ~(PageSize - 1);
}

// One slot of the memory pool and how it is made fresh between two instances. "Nothing one instance wrote may ever be seen by the next" is kept by the two
// implementations, LearnedMemorySlot and OpenMemorySlot, each with its argument; what they share is here.
//
// A slot is *cold* (nothing of it is accessible, or, where the whole slab stays accessible, all of it is zero) or *bound* to a module's memory. A slot
// whose state is not known, because the system refused to clean it, is remembered as such and cleaned before it is used again: it is never handed out dirty.
using Tarn.Platform;

namespace Tarn.Memories;

internal abstract unsafe class MemorySlot
{
    private bool _unknown;

    protected MemorySlot(int index, byte* start, ulong capacityBytes, bool slabIsOpen)
    {
        Index = index;
        Base = start;
        CapacityBytes = capacityBytes;
        SlabIsOpen = slabIsOpen;
        Memory = VirtualMemory.Current;
        PageSize = (int)Memory.PageSize;
    }

    public int Index { get; }

    public byte* Base { get; }

    /// <summary>What a memory in this slot may grow to.</summary>
    public ulong CapacityBytes { get; }

    /// <summary>Bytes that the last reset had to look at.</summary>
    public long LastResetBytes { get; protected set; }

    /// <summary>Pages that guests opened by faulting, ever since.</summary>
    public long Faults { get; protected set; }

    /// <summary><see cref="Faults"/> when the slot was bound.</summary>
    public long FaultsBefore { get; set; }

    /// <summary>The system's error number when a page was to be opened for the guest, or 0.</summary>
    public virtual int OpenError => 0;

    protected VirtualMemory Memory { get; }

    protected int PageSize { get; }

    /// <summary>Whether the slot is accessible to its end at all times: only where code checks every access.</summary>
    protected bool SlabIsOpen { get; }

    /// <summary>How far the slot may be other than zero.</summary>
    protected ulong TouchedBytes { get; set; }

    /// <summary>The memory's image, once it has been taken.</summary>
    protected PageImage? Image { get; private set; }

    /// <summary>Whether the image is mapped: a page that is discarded reads as the image says, and needs no copy.</summary>
    protected bool IsImageMapped { get; set; }

    /// <summary>What the memory held when its present instance began, as far as it is not zero; null for nothing.</summary>
    public PageImage? Origin => Image;

    /// <summary>Makes a cold slot a memory of some bytes, all zero.</summary>
    /// <param name="initialBytes">Its size.</param>
    /// <param name="isGuarded">Whether code relies on what follows to be inaccessible.</param>
    /// <param name="isShared">Whether several threads may use it at once.</param>
    public void Bind(ulong initialBytes, bool isGuarded, bool isShared)
    {
        if (_unknown)
            Clean();
        Image = null;
        IsImageMapped = false;
        TouchedBytes = Math.Max(TouchedBytes, initialBytes);
        BindCore(initialBytes, isGuarded, isShared);
    }

    /// <summary>Makes the memory longer.</summary>
    /// <exception cref="PlatformException">The system refuses; nothing has changed for the guest.</exception>
    public abstract void Grow(ulong from, ulong to);

    /// <summary>Makes a range of the memory safe for the host to read and write, which our signal handler does not help.</summary>
    public abstract void Open(ulong offset, ulong count);

    /// <summary>Makes a range safe to read.</summary>
    public abstract void OpenForReading(ulong offset, ulong count);

    /// <summary>Fills a memory that was just bound, to be sealed with the same image.</summary>
    /// <exception cref="PlatformException">The system refuses; the slot must be unbound.</exception>
    public abstract void Load(PageImage image);

    /// <summary>Adds the pages below the memory's length that may differ from <see cref="Origin"/>, in any order; all of them can be read.</summary>
    public abstract void ListTouched(List<int> pages, ulong byteLength);

    /// <summary>Takes the image of the memory as it is now.</summary>
    public abstract PageImage Capture();

    /// <summary>To be called once the memory is what the image says and before a guest runs.</summary>
    public void Seal(PageImage image)
    {
        Image = image;
        SealCore();
    }

    /// <summary>Makes the slot what it was when the image was taken. On failure the slot must be unbound.</summary>
    public abstract void Reset();

    /// <summary>Ends the slot's use by a module; it has to be cleaned before it is free.</summary>
    public void Unbind()
    {
        UnbindCore();
        Image = null;
    }

    /// <summary>Makes an unbound slot cold. Never fails: what cannot be cleaned is remembered, and cleaned before it is used again.</summary>
    public void TryClean()
    {
        try
        {
            Clean();
        }
        catch (PlatformException)
        {
            _unknown = true;
        }
    }

    /// <summary>Cleans unbound slots that are side by side, guards between them included, with one call.</summary>
    /// <returns>Whether the system did it; otherwise they are as they were.</returns>
    public static bool TryCleanRun(MemorySlot first, MemorySlot last)
    {
        // Overwriting what is between them would take the memory that cleaning is to give back.
        if (first.SlabIsOpen && !first.Memory.DiscardGivesBack)
            return false;
        nuint bytes = (nuint)(last.Base - first.Base) + (nuint)last.RoundUp(last.TouchedBytes);
        try
        {
            if (first.SlabIsOpen)
                first.Memory.Discard(first.Base, bytes);
            else
                first.Memory.Decommit(first.Base, bytes);
            return true;
        }
        catch (PlatformException)
        {
            return false;
        }
    }

    /// <summary>Says that the slot has been cleaned by <see cref="TryCleanRun"/>.</summary>
    public void MarkClean()
    {
        TouchedBytes = 0;
        _unknown = false;
    }

    public virtual void Free()
    {
    }

    protected abstract void BindCore(ulong initialBytes, bool isGuarded, bool isShared);

    protected abstract void SealCore();

    protected abstract void UnbindCore();

    /// <summary>Copies an image into pages that are writable and zero.</summary>
    protected void Fill(PageImage image)
    {
        for (int i = 0; i < image.Pages.Length; i++)
            Buffer.MemoryCopy(image.At(i), PageAt(image.Pages[i]), PageSize, PageSize);
    }

    protected ulong RoundUp(ulong bytes) => (bytes + (ulong)PageSize - 1) & ~((ulong)PageSize - 1);

    protected byte* PageAt(int page) => Base + ((long)page * PageSize);

    // Everything that was ever touched goes back to the system.
    private void Clean()
    {
        ulong end = RoundUp(TouchedBytes);
        if (end != 0)
        {
            if (SlabIsOpen)
                Memory.Discard(Base, (nuint)end);
            else
                Memory.Decommit(Base, (nuint)end);
        }
        MarkClean();
    }

    /// <summary>
    /// Asks the system which pages hold anything and restores those; all others read as zero, and no image page is left released. Once
    /// <paramref name="keepPages"/> are kept, the rest of the memory is released with one call and its part of the image copied again: page by page a
    /// guest that strides through its memory would make the pool pay a system call for each. The range must be writable.
    /// </summary>
    /// <returns>How many pages had been changed, or were released.</returns>
    protected int RestoreResident(ulong bytes, int keepPages)
    {
        const int Batch = 64;
        Span<PageRange> ranges = stackalloc PageRange[Batch];
        PageImage image = Image!;
        byte* at = Base;
        byte* end = Base + RoundUp(bytes);
        int changed = 0;
        int kept = 0;
        while (at < end)
        {
            int found = Memory.FindResident(at, end, ranges, out byte* next);
            foreach (PageRange range in ranges[..found])
            {
                for (byte* page = range.Start; page < range.End; page += PageSize)
                {
                    if (kept == keepPages)
                    {
                        Memory.Discard(page, (nuint)(end - page));
                        CopyImage((int)((page - Base) / PageSize));
                        LastResetBytes += (long)kept * PageSize;
                        // More than the budget of any slot: far from calm.
                        return Math.Max(changed, keepPages) + 1;
                    }
                    kept++;
                    if (PageRestorer.Restore(page, image.Find((int)((page - Base) / PageSize)), PageSize))
                        changed++;
                }
            }
            if (next <= at)
                throw new InvalidOperationException("The system's list of resident pages does not end.");
            at = next;
        }
        LastResetBytes += (long)kept * PageSize;
        return changed;
    }

    /// <summary>Copies the image's pages from one on into pages that are writable and have been discarded.</summary>
    protected void CopyImage(int firstPage)
    {
        if (IsImageMapped)
            return;
        PageImage image = Image!;
        for (int i = 0; i < image.Pages.Length; i++)
        {
            if (image.Pages[i] < firstPage)
                continue;
            Buffer.MemoryCopy(image.At(i), PageAt(image.Pages[i]), PageSize, PageSize);
            LastResetBytes += PageSize;
        }
    }
}

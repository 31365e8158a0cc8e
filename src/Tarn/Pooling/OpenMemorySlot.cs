// A memory slot whose pages are all accessible below the memory's length: for the strategies Decommit, Copy and PageMapScan. Used where learning is not
// wanted or would take too many mappings; in a slab of checked memories the whole pool is one mapping, and binding a slot takes no system call.
//
// Why nothing survives a reset:
//   - below the initial length every byte is made what the image says: by giving all pages back (Decommit) and copying the image in, by comparing every page
//     (Copy), or by comparing those pages that the system says hold anything (PageMapScan; a page that holds nothing reads as zero, and image pages that
//     are given back are copied again at once, so a page without contents has no image);
//   - above it everything that was grown into is given back, and made inaccessible where code relies on faults there.
using Tarn.Memories;
using Tarn.Platform;

namespace Tarn.Pooling;

internal sealed unsafe class OpenMemorySlot : MemorySlot
{
    private readonly ResetStrategy _strategy;
    private readonly int _keepPages;
    private ulong _initialBytes;
    private ulong _accessibleBytes;

    public OpenMemorySlot(int index, byte* start, ulong capacityBytes, bool slabIsOpen, ResetStrategy strategy, long keepResident)
        : base(index, start, capacityBytes, slabIsOpen)
    {
        _strategy = strategy;
        _keepPages = (int)Math.Min(keepResident / PageSize, int.MaxValue);
    }

    public override void Grow(ulong from, ulong to)
    {
        TouchedBytes = Math.Max(TouchedBytes, to);
        ulong start = RoundUp(from);
        ulong end = RoundUp(to);
        if (!SlabIsOpen && start < end)
            Memory.Commit(Base + start, (nuint)(end - start));
        _accessibleBytes = to;
    }

    public override void Open(ulong offset, ulong count)
    {
    }

    public override void OpenForReading(ulong offset, ulong count)
    {
    }

    public override void Load(PageImage image)
    {
        // A slab that is one mapping stays one: a pool may have more slots than a process mappings.
        IsImageMapped = !SlabIsOpen && image.TryMap(Base, MemoryProtection.ReadWrite);
        if (!IsImageMapped)
            Fill(image);
    }

    public override void ListTouched(List<int> pages, ulong byteLength) => MemoryInstance.ListResident(Base, byteLength, pages);

    public override PageImage Capture()
    {
        var pages = new List<int>();
        MemoryInstance.ListResident(Base, _accessibleBytes, pages);
        return new PageImage(Base, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(pages), PageSize);
    }

    public override void Reset()
    {
        LastResetBytes = 0;
        ulong initialEnd = RoundUp(_initialBytes);
        ulong end = RoundUp(_accessibleBytes);
        if (end > initialEnd)
        {
            if (!SlabIsOpen && !Memory.DiscardGivesBack)
            {
                Memory.Decommit(Base + initialEnd, (nuint)(end - initialEnd));
            }
            else
            {
                if (!SlabIsOpen)
                    Memory.Protect(Base + initialEnd, (nuint)(end - initialEnd), MemoryProtection.None);
                Memory.Discard(Base + initialEnd, (nuint)(end - initialEnd));
            }
        }
        _accessibleBytes = _initialBytes;
        if (initialEnd == 0)
            return;
        PageImage image = Image!;
        switch (_strategy)
        {
            case ResetStrategy.PageMapScan:
                RestoreResident(_initialBytes, _keepPages);
                break;
            case ResetStrategy.Copy:
                int next = 0;
                int pages = (int)(initialEnd / (ulong)PageSize);
                for (int page = 0; page < pages; page++)
                {
                    bool has = next < image.Pages.Length && image.Pages[next] == page;
                    PageRestorer.Restore(PageAt(page), has ? image.At(next++) : null, PageSize);
                }
                LastResetBytes = (long)initialEnd;
                break;
            default:
                if (!SlabIsOpen && !Memory.DiscardGivesBack)
                {
                    // A failure between the two leaves a slot that is unbound and never read before it is committed.
                    Memory.Decommit(Base, (nuint)initialEnd);
                    Memory.Commit(Base, (nuint)initialEnd);
                }
                else
                {
                    Memory.Discard(Base, (nuint)initialEnd);
                }
                CopyImage(0);
                break;
        }
    }

    protected override void BindCore(ulong initialBytes, bool isGuarded, bool isShared)
    {
        _initialBytes = initialBytes;
        _accessibleBytes = 0;
        Grow(0, initialBytes);
    }

    protected override void SealCore()
    {
    }

    protected override void UnbindCore() => _accessibleBytes = 0;
}

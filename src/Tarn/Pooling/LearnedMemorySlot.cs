// A memory slot that learns which of its pages its module's instances write, and makes only those fresh. In the steady state a reset is a few hundred bytes
// of comparing for each written page: no system call, no page fault.
//
// While the slot is bound each page below the initial length is *closed* (readable, holding its image or zero) or *open* (readable and writable, and in
// _open). Nothing else is writable, so nothing else can differ from the image. A page is opened
//   1. by the guest's first store: the signal handler opens it and logs it;
//   2. by the host (Open), which opens pages before it is given a span, since the handler helps neither managed code nor system calls.
// Pages above the initial length are inaccessible until the memory has grown over them; then any touch opens them the same way. When an instance ends they
// are cleared; where code relies on faults there (guarded memories) they are made inaccessible again, and those learned are opened with one call when the
// next instance grows. In checked memories they stay open: code cannot reach beyond the memory's length.
//
// Each run of open pages is a mapping, of which a process has 65,530 in all. So a slot has a budget: if it is exceeded, by the handler or the host, the
// whole memory is opened (one mapping), the slot is *all open*, and a reset asks the system which pages hold anything, or remaps everything where that
// cannot be asked. When resets find little changed for a while, the slot goes back to learning. Open pages that nobody writes any more are closed after a while.
//
// Why nothing survives a reset: folding the log first makes _open complete (a log that overflowed says so, and stands for everything); then every page in it
// is compared with its image byte by byte and restored. Whatever fails throws, and the caller unbinds the slot, which remaps it.
using System.Runtime.InteropServices;
using Tarn.Memories;
using Tarn.Platform;

namespace Tarn.Pooling;

internal sealed unsafe class LearnedMemorySlot : MemorySlot
{
    // Resets that an open page may go unwritten, and that an all-open slot may find little changed, before it is closed.
    private const int Patience = 1024;

    private readonly FaultSlotRecord* _record;
    private readonly int _budget;
    private readonly int _keepPages;
    private ulong[] _isOpen = [];
    private OpenPage[] _open = [];
    private int _openCount;
    private ulong _initialBytes;
    private int _initialPages;
    private bool _isGuarded;
    private bool _isShared;
    private bool _allOpen;

    // How far pages above the initial length may be accessible: the longest the memory has been since they were all closed.
    private ulong _openEnd;

    // Pages above the initial length that instances before used, where those are closed at each reset: [first, end).
    private int _hotGrownFirst;
    private int _hotGrownEnd;
    private int _resets;
    private int _calmResets;

    /// <param name="index">The slot's number.</param>
    /// <param name="start">Its first byte.</param>
    /// <param name="capacityBytes">What a memory may grow to.</param>
    /// <param name="record">Its record for the signal handler.</param>
    /// <param name="budget">Pages that it may have open one by one.</param>
    /// <param name="keepResident">Bytes that may stay resident when everything is open.</param>
    public LearnedMemorySlot(int index, byte* start, ulong capacityBytes, FaultSlotRecord* record, int budget, long keepResident)
        : base(index, start, capacityBytes, slabIsOpen: false)
    {
        _record = record;
        _budget = budget;
        _keepPages = (int)Math.Min(keepResident / PageSize, int.MaxValue);
    }

    /// <summary>Pages that are open and listed.</summary>
    public int OpenPages => _openCount;

    /// <summary>Whether everything is open, the budget having been exceeded.</summary>
    public bool IsAllOpen => _allOpen;

    public override int OpenError => -_record->Error;

    /// <summary>Counts up whenever pages below the initial length were learned that had not been open.</summary>
    public int Learned { get; private set; }

    public override void Grow(ulong from, ulong to)
    {
        TouchedBytes = Math.Max(TouchedBytes, to);
        if (_allOpen)
        {
            ulong start = RoundUp(from);
            ulong end = RoundUp(to);
            if (start < end)
                Memory.Protect(Base + start, (nuint)(end - start), MemoryProtection.ReadWrite);
        }
        else if (_hotGrownEnd != 0)
        {
            OpenGrown(to);
        }
        _openEnd = Math.Max(_openEnd, to);
        _record->AccessibleBytes = (nuint)to;
    }

    public override void Open(ulong offset, ulong count)
    {
        if (count == 0 || _allOpen)
            return;
        int first = (int)(offset / (ulong)PageSize);
        int last = (int)((offset + count - 1) / (ulong)PageSize);
        for (int page = first; page <= last; page++)
        {
            if (!IsOpen(page))
            {
                OpenSlow(page, last);
                return;
            }
        }
    }

    public override void OpenForReading(ulong offset, ulong count)
    {
        ulong end = offset + count;
        if (end > _initialBytes && !_allOpen)
            Open(Math.Max(offset, _initialBytes), end - Math.Max(offset, _initialBytes));
    }

    public override void Load(PageImage image)
    {
        if (image.Pages.IsEmpty)
            return;
        IsImageMapped = image.TryMap(Base, MemoryProtection.Read);
        if (IsImageMapped)
            return;
        // Sealing closes it again.
        Memory.Protect(Base, (nuint)_initialPages * (nuint)PageSize, MemoryProtection.ReadWrite);
        _allOpen = true;
        Fill(image);
    }

    public override void ListTouched(List<int> pages, ulong byteLength)
    {
        if (!_allOpen && Fold())
        {
            foreach (OpenPage page in _open.AsSpan(0, _openCount))
                pages.Add(page.Page);
            return;
        }
        // Everything was opened up to the memory's length then; growing has opened the rest.
        _allOpen = true;
        MemoryInstance.ListResident(Base, byteLength, pages);
    }

    public override PageImage Capture()
    {
        if (!Fold())
            _allOpen = true;
        var pages = new List<int>();
        if (_allOpen)
        {
            for (int i = 0; i < _initialPages; i++)
                pages.Add(i);
        }
        else
        {
            foreach (OpenPage page in _open.AsSpan(0, _openCount))
                pages.Add(page.Page);
        }
        return new PageImage(Base, CollectionsMarshal.AsSpan(pages), PageSize);
    }

    /// <summary>Opens pages that other slots of the module have learned, as far as the budget goes; all of them are restored from now on.</summary>
    public void Learn(ReadOnlySpan<int> pages)
    {
        if (_allOpen || pages.Length > _budget)
            return;
        for (int i = 0; i < pages.Length;)
        {
            int first = pages[i];
            int end = first;
            while (i < pages.Length && pages[i] == end && end < _initialPages)
            {
                end++;
                i++;
            }
            if (end == first)
                break;
            Memory.Protect(PageAt(first), (nuint)(end - first) * (nuint)PageSize, MemoryProtection.ReadWrite);
            for (int page = first; page < end; page++)
                AddOpen(page);
        }
        ClearLog();
    }

    /// <summary>The pages that are open, below the initial length, in ascending order.</summary>
    public int[] GetLearned()
    {
        var pages = new List<int>();
        foreach (OpenPage page in _open.AsSpan(0, _openCount))
        {
            if (page.Page < _initialPages)
                pages.Add(page.Page);
        }
        pages.Sort();
        return [.. pages];
    }

    public override void Reset()
    {
        FaultSlotRecord* record = _record;
        if (record->LogCount != 0 && !Fold())
            _allOpen = true;
        _resets++;
        if (_allOpen)
        {
            ResetAll();
        }
        else
        {
            int idle = 0;
            Span<OpenPage> open = _open.AsSpan(0, _openCount);
            for (int i = 0; i < open.Length; i++)
            {
                ref OpenPage page = ref open[i];
                if (PageRestorer.Restore(PageAt(page.Page), page.Image, PageSize))
                    page.LastChanged = _resets;
                else if (_resets - page.LastChanged > Patience)
                    idle++;
            }
            LastResetBytes = (long)open.Length * PageSize;
            if (_isGuarded && _openEnd > _initialBytes)
                CloseGrown();
            if (idle != 0)
                CloseIdle();
        }
        record->LastGranule = 0;
        record->AccessibleBytes = (nuint)_initialBytes;
    }

    public override void Free()
    {
        NativeMemory.Free(_record->Log);
        _record->Log = null;
    }

    protected override void BindCore(ulong initialBytes, bool isGuarded, bool isShared)
    {
        _initialBytes = initialBytes;
        _initialPages = (int)(RoundUp(initialBytes) / (ulong)PageSize);
        _isGuarded = isGuarded;
        _isShared = isShared;
        _openEnd = initialBytes;
        _hotGrownFirst = _hotGrownEnd = 0;
        Forget();
        int pages = (int)(RoundUp(CapacityBytes) / (ulong)PageSize);
        if (_isOpen.Length * 64 < pages)
            _isOpen = new ulong[(pages + 63) / 64];
        if (_record->Log == null)
        {
            _record->Log = (uint*)NativeMemory.AllocZeroed((nuint)_budget, sizeof(uint));
            _record->LogCapacity = _budget;
        }
        ClearLog();
        // The log has one writer; a memory of several threads is open from the start.
        _allOpen = isShared;
        if (_initialPages != 0)
            Memory.Protect(Base, (nuint)RoundUp(initialBytes), isShared ? MemoryProtection.ReadWrite : MemoryProtection.Read);
        _record->AccessibleBytes = (nuint)initialBytes;
    }

    // Everything is closed again: what the image was made with need not be what instances write.
    protected override void SealCore()
    {
        if (_isShared)
            return;
        if (_initialPages != 0 && (_allOpen || _openCount != 0))
            Memory.Protect(Base, (nuint)_initialPages * (nuint)PageSize, MemoryProtection.Read);
        _allOpen = false;
        Forget();
        ClearLog();
    }

    protected override void UnbindCore()
    {
        _record->AccessibleBytes = 0;
        Forget();
        ClearLog();
        _allOpen = false;
    }

    private void OpenSlow(int first, int last)
    {
        bool isOverBudget = !Fold();
        if (!isOverBudget)
        {
            int closed = 0;
            for (int page = first; page <= last; page++)
                closed += IsOpen(page) ? 0 : 1;
            isOverBudget = _openCount + closed > _budget;
        }
        if (isOverBudget)
        {
            // Up to the memory's length; growing opens the rest. Also where the handler has opened everything: the memory may have grown since.
            Memory.Protect(Base, (nuint)RoundUp(_record->AccessibleBytes), MemoryProtection.ReadWrite);
            _allOpen = true;
            return;
        }
        for (int page = first; page <= last; page++)
        {
            if (IsOpen(page))
                continue;
            int end = page + 1;
            while (end <= last && !IsOpen(end))
                end++;
            Memory.Protect(PageAt(page), (nuint)(end - page) * (nuint)PageSize, MemoryProtection.ReadWrite);
            for (; page < end; page++)
                AddOpen(page);
        }
        ClearLog();
    }

    // Everything below the memory's length may have been written.
    private void ResetAll()
    {
        LastResetBytes = 0;
        ulong initialEnd = RoundUp(_initialBytes);
        ulong end = RoundUp(_openEnd);
        if (end > initialEnd)
        {
            Memory.Protect(Base + initialEnd, (nuint)(end - initialEnd), MemoryProtection.None);
            Memory.Discard(Base + initialEnd, (nuint)(end - initialEnd));
        }
        _openEnd = _initialBytes;
        bool learnAgain = false;
        if (Memory.CanFindResident)
        {
            int changed = RestoreResident(_initialBytes, _keepPages);
            _calmResets = changed <= _budget / 2 ? _calmResets + 1 : 0;
            learnAgain = _calmResets > Patience && !_isShared;
        }
        else
        {
            RestoreByRemapping();
            learnAgain = !_isShared;
        }
        if (learnAgain)
        {
            SealCore();
            _calmResets = 0;
        }
        Forget();
        ClearLog();
    }

    private void RestoreByRemapping()
    {
        ulong initialEnd = RoundUp(_initialBytes);
        if (initialEnd == 0)
            return;
        Memory.Discard(Base, (nuint)initialEnd);
        CopyImage(0);
    }

    // Pages above the initial length have been cleared; now nothing may reach them, and what they hold stays zero.
    private void CloseGrown()
    {
        ulong initialEnd = RoundUp(_initialBytes);
        ulong end = RoundUp(_openEnd);
        if (end > initialEnd)
            Memory.Protect(Base + initialEnd, (nuint)(end - initialEnd), MemoryProtection.None);
        _openEnd = _initialBytes;
        int kept = 0;
        int first = int.MaxValue;
        int last = -1;
        for (int i = 0; i < _openCount; i++)
        {
            OpenPage page = _open[i];
            if (page.Page < _initialPages)
            {
                _open[kept++] = page;
                continue;
            }
            _isOpen[page.Page >> 6] &= ~(1UL << (page.Page & 63));
            first = Math.Min(first, page.Page);
            last = Math.Max(last, page.Page);
        }
        _openCount = kept;
        if (last >= 0 && last - first < _budget)
            (_hotGrownFirst, _hotGrownEnd) = (first, last + 1);
    }

    // Opens what earlier instances used of the pages now grown into; the handler would do it one fault at a time.
    private void OpenGrown(ulong to)
    {
        if (!Fold())
            return;
        int end = Math.Min(_hotGrownEnd, (int)(RoundUp(to) / (ulong)PageSize));
        int first = _hotGrownFirst;
        while (first < end && IsOpen(first))
            first++;
        if (first >= end || _openCount + (end - first) > _budget)
            return;
        Memory.Protect(PageAt(first), (nuint)(end - first) * (nuint)PageSize, MemoryProtection.ReadWrite);
        for (int page = first; page < end; page++)
        {
            if (!IsOpen(page))
                AddOpen(page);
        }
        ClearLog();
    }

    // They hold their image or zero: only their being writable ends. Beyond the initial length they leave the list by being given back.
    private void CloseIdle()
    {
        int kept = 0;
        for (int i = 0; i < _openCount; i++)
        {
            OpenPage page = _open[i];
            if (_resets - page.LastChanged <= Patience)
            {
                _open[kept++] = page;
                continue;
            }
            bool isGrown = page.Page >= _initialPages;
            Memory.Protect(PageAt(page.Page), (nuint)PageSize, isGrown ? MemoryProtection.None : MemoryProtection.Read);
            if (page.Image == null)
                Memory.Discard(PageAt(page.Page), (nuint)PageSize);
            _isOpen[page.Page >> 6] &= ~(1UL << (page.Page & 63));
        }
        _openCount = kept;
    }

    // Takes over what the signal handler opened; false if that is everything.
    private bool Fold()
    {
        int logged = _record->LogCount;
        if (logged > _record->LogCapacity)
            return false;
        for (int i = 0; i < logged; i++)
        {
            int page = (int)(((ulong)_record->Log[i] << FaultSlotRecord.LogUnitShift) / (ulong)PageSize);
            if (!IsOpen(page))
                AddOpen(page);
        }
        ClearLog();
        return true;
    }

    private void ClearLog()
    {
        Faults += _record->LogCount;
        _record->LogCount = 0;
        // What is listed already counts against the budget.
        _record->LogCapacity = Math.Max(0, _budget - _openCount);
        _record->LastGranule = 0;
        _record->Error = 0;
    }

    private void Forget()
    {
        if (_openCount != 0)
            Array.Clear(_isOpen);
        _openCount = 0;
    }

    private bool IsOpen(int page) => (_isOpen[page >> 6] & (1UL << (page & 63))) != 0;

    private void AddOpen(int page)
    {
        _isOpen[page >> 6] |= 1UL << (page & 63);
        if (_openCount == _open.Length)
            Array.Resize(ref _open, Math.Max(8, _openCount * 2));
        byte* image = Image is null ? null : Image.Find(page);
        _open[_openCount++] = new OpenPage { Page = page, Image = image, LastChanged = _resets };
        // Pages that were grown into are opened anew by each instance that grows, and not shared with other slots.
        if (page < _initialPages)
            Learned++;
    }

    private struct OpenPage
    {
        public int Page;

        /// <summary>The reset that last found it changed.</summary>
        public int LastChanged;

        /// <summary>What it has to hold; null for zeros.</summary>
        public byte* Image;
    }
}

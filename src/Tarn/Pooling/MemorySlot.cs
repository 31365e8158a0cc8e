// One slot of the memory pool and how it is made fresh between two instances. This is where "nothing one instance wrote may ever
// be seen by the next" is kept, so the argument stands here.
//
// A slot is *cold* (nothing of it is accessible, all pages are zero or not there) or *bound* to a module's memory.
// While it is bound, `_open` lists every page that has been accessible since the slot was bound or last closed, and no other
// page can have been written. There are three ways to become accessible:
//   1. Learned: the guest touches a closed page below AccessibleBytes; the signal handler opens it and logs it.
//   2. Learned: the host asks for bytes (Open), which opens the pages and lists them.
//      Pages that the image holds are readable while they are closed (Seal), so that reading data costs nothing; the first write opens
//      them like any other.
//   3. Other strategies: everything below the memory's length is open.
// Reset folds the log into the list and then, for each listed page, either restores it (from the image, or zeroes) and leaves it
// open, or closes it: contents restored or thrown away first, then made inaccessible. A log that overflowed says so,
// and then the whole slot is remapped, as it is when any system call fails halfway. Pages beyond the initial length are
// always closed, since guarded code relies on them faulting.
using System.Runtime.InteropServices;
using Tarn.Platform;

namespace Tarn.Pooling;

internal sealed unsafe class MemorySlot
{
    private const int LogCapacity = 256;

    private readonly VirtualMemory _memory;
    private readonly int _pageSize;
    private readonly long _keepResident;
    private readonly FaultSlotRecord* _record;
    private ulong[] _isOpen = [];
    private int[] _open = [];
    private int[] _closing = [];
    private int _openCount;
    private ulong _initialBytes;
    private ulong _accessibleBytes;
    private ulong _touchedBytes;
    private bool _unknown;

    public MemorySlot(int index, byte* start, ulong capacityBytes, bool learned, FaultSlotRecord* record, long keepResident)
    {
        Index = index;
        Base = start;
        CapacityBytes = capacityBytes;
        IsLearned = learned;
        _record = record;
        _memory = VirtualMemory.Current;
        _pageSize = (int)_memory.PageSize;
        _keepResident = keepResident;
    }

    public int Index { get; }

    public byte* Base { get; }

    /// <summary>What a memory in this slot may grow to.</summary>
    public ulong CapacityBytes { get; }

    public bool IsLearned { get; }

    /// <summary>Whether a reset overwrites or gives pages back; without learning only.</summary>
    public bool Copies { get; init; }

    /// <summary>Pages that are open and listed; for tests and statistics.</summary>
    public int OpenPages => _openCount;

    /// <summary>Makes a cold slot a memory of some bytes, all zero.</summary>
    public void Bind(ulong initialBytes)
    {
        if (_unknown)
            Remap();
        _initialBytes = initialBytes;
        _openCount = 0;
        if (IsLearned)
        {
            int pages = (int)((CapacityBytes + (ulong)_pageSize - 1) / (ulong)_pageSize);
            if (_isOpen.Length * 64 < pages)
                _isOpen = new ulong[(pages + 63) / 64];
            if (_record->Log == null)
            {
                _record->Log = (uint*)NativeMemory.AllocZeroed(LogCapacity, sizeof(uint));
                _record->LogCapacity = LogCapacity;
            }
            ClearLog();
        }
        SetAccessible(0, initialBytes);
    }

    /// <summary>Makes the memory longer.</summary>
    /// <exception cref="PlatformException">The system refuses; nothing has changed for the guest.</exception>
    public void Grow(ulong from, ulong to) => SetAccessible(from, to);

    /// <summary>Opens the pages of a range for the host, which our signal handler does not help.</summary>
    public void Open(ulong offset, ulong count)
    {
        if (!IsLearned || count == 0)
            return;
        int first = (int)(offset / (ulong)_pageSize);
        int last = (int)((offset + count - 1) / (ulong)_pageSize);
        bool folded = false;
        for (int page = first; page <= last; page++)
        {
            if (IsOpen(page))
                continue;
            if (!folded)
            {
                FoldLog();
                folded = true;
                if (IsOpen(page))
                    continue;
            }
            int end = page + 1;
            while (end <= last && !IsOpen(end))
                end++;
            _memory.Protect(Base + ((long)page * _pageSize), (nuint)(end - page) * (nuint)_pageSize, MemoryProtection.ReadWrite);
            for (; page < end; page++)
                AddOpen(page);
            page--;
        }
    }

    /// <summary>Takes the image of the memory as it is now.</summary>
    public PageImage Capture()
    {
        if (IsLearned)
        {
            FoldLog();
            return new PageImage(Base, _open.AsSpan(0, _openCount), _pageSize);
        }
        var all = new int[(int)((_accessibleBytes + (ulong)_pageSize - 1) / (ulong)_pageSize)];
        for (int i = 0; i < all.Length; i++)
            all[i] = i;
        return new PageImage(Base, all, _pageSize);
    }

    /// <summary>
    /// Closes the pages that hold the image, against writing only. To be called once the memory is what the image says and before a guest runs.
    /// </summary>
    public void Seal(PageImage image)
    {
        if (!IsLearned)
            return;
        ReadOnlySpan<int> pages = image.Pages;
        for (int i = 0; i < pages.Length;)
        {
            int first = pages[i];
            int end = first;
            while (i < pages.Length && pages[i] == end)
            {
                _isOpen[end >> 6] &= ~(1UL << (end & 63));
                end++;
                i++;
            }
            _memory.Protect(Base + ((long)first * _pageSize), (nuint)(end - first) * (nuint)_pageSize, MemoryProtection.Read);
        }
        int kept = 0;
        for (int i = 0; i < _openCount; i++)
        {
            if (IsOpen(_open[i]))
                _open[kept++] = _open[i];
        }
        _openCount = kept;
    }

    /// <summary>Makes the slot what it was when the image was taken. On failure the slot must be unbound.</summary>
    public void Reset(PageImage image)
    {
        if (IsLearned)
            ResetLearned(image);
        else
            ResetWhole(image);
    }

    /// <summary>Makes the slot cold. Never fails: what cannot be cleaned is remembered, and remapped before it is used again.</summary>
    public void Unbind()
    {
        _record->AccessibleBytes = 0;
        _accessibleBytes = 0;
        _openCount = 0;
        Array.Clear(_isOpen);
        try
        {
            Remap();
        }
        catch (PlatformException)
        {
            _unknown = true;
        }
    }

    public void FreeLog()
    {
        NativeMemory.Free(_record->Log);
        _record->Log = null;
    }

    private void SetAccessible(ulong from, ulong to)
    {
        if (!IsLearned)
        {
            ulong page = (ulong)_pageSize;
            ulong start = (from + page - 1) & ~(page - 1);
            ulong end = (to + page - 1) & ~(page - 1);
            if (start < end)
                _memory.Protect(Base + start, (nuint)(end - start), MemoryProtection.ReadWrite);
        }
        _record->AccessibleBytes = IsLearned ? (nuint)to : 0;
        _accessibleBytes = to;
        _touchedBytes = Math.Max(_touchedBytes, to);
    }

    private void ResetLearned(PageImage image)
    {
        bool complete = FoldLog();
        if (!complete)
        {
            // Pages may be open that we do not know of: everything goes, and the image comes back.
            Remap();
            _openCount = 0;
            Array.Clear(_isOpen);
            RestoreImage(image);
            Seal(image);
        }
        else
        {
            int initialPages = (int)((_initialBytes + (ulong)_pageSize - 1) / (ulong)_pageSize);
            int budget = (int)Math.Min(_keepResident / _pageSize, int.MaxValue);
            int kept = 0;
            int closing = 0;
            for (int i = 0; i < _openCount; i++)
            {
                int page = _open[i];
                byte* contents = image.Find(page);
                if (page < initialPages && kept < budget)
                {
                    Restore(page, contents);
                    _open[kept++] = page;
                }
                else if (contents != null)
                {
                    Restore(page, contents);
                    _isOpen[page >> 6] &= ~(1UL << (page & 63));
                    _memory.Protect(Base + ((long)page * _pageSize), (nuint)_pageSize, MemoryProtection.Read);
                }
                else
                {
                    if (closing == _closing.Length)
                        Array.Resize(ref _closing, Math.Max(16, closing * 2));
                    _closing[closing++] = page;
                }
            }
            _openCount = kept;
            if (closing > 0)
                Close(_closing.AsSpan(0, closing));
        }
        ClearLog();
        _record->AccessibleBytes = (nuint)_initialBytes;
        _accessibleBytes = _initialBytes;
    }

    private void ResetWhole(PageImage image)
    {
        ulong page = (ulong)_pageSize;
        ulong initialEnd = (_initialBytes + page - 1) & ~(page - 1);
        ulong end = (_accessibleBytes + page - 1) & ~(page - 1);
        if (end > initialEnd)
        {
            _memory.Protect(Base + initialEnd, (nuint)(end - initialEnd), MemoryProtection.None);
            _memory.Discard(Base + initialEnd, (nuint)(end - initialEnd));
        }
        if (initialEnd != 0)
        {
            if (Copies)
                NativeMemory.Clear(Base, (nuint)initialEnd);
            else
                _memory.Discard(Base, (nuint)initialEnd);
        }
        _accessibleBytes = _initialBytes;
        foreach (int dirty in image.Pages)
            Restore(dirty, image.Find(dirty));
    }

    private void RestoreImage(PageImage image)
    {
        foreach (int page in image.Pages)
        {
            Open((ulong)page * (ulong)_pageSize, 1);
            Restore(page, image.Find(page));
        }
    }

    private void Restore(int page, byte* contents)
    {
        byte* at = Base + ((long)page * _pageSize);
        if (contents == null)
            NativeMemory.Clear(at, (nuint)_pageSize);
        else
            Buffer.MemoryCopy(contents, at, _pageSize, _pageSize);
    }

    // Closed pages must read as zero when they are opened again; none of these has an image.
    private void Close(Span<int> pages)
    {
        pages.Sort();
        for (int i = 0; i < pages.Length;)
        {
            int first = pages[i];
            int end = first;
            while (i < pages.Length && pages[i] == end)
            {
                _isOpen[end >> 6] &= ~(1UL << (end & 63));
                end++;
                i++;
            }
            byte* start = Base + ((long)first * _pageSize);
            nuint bytes = (nuint)(end - first) * (nuint)_pageSize;
            _memory.Protect(start, bytes, MemoryProtection.None);
            _memory.Discard(start, bytes);
        }
    }

    private void Remap()
    {
        ulong page = (ulong)_pageSize;
        ulong end = (_touchedBytes + page - 1) & ~(page - 1);
        if (end != 0)
            _memory.Reset(Base, (nuint)end);
        _touchedBytes = 0;
        _unknown = false;
    }

    // Takes over what the signal handler opened; false if it opened more than it could log.
    private bool FoldLog()
    {
        int logged = _record->LogCount;
        if (logged > _record->LogCapacity)
            return false;
        for (int i = 0; i < logged; i++)
        {
            int page = (int)(((ulong)_record->Log[i] << FaultSlotRecord.LogUnitShift) / (ulong)_pageSize);
            if (!IsOpen(page))
                AddOpen(page);
        }
        _record->LogCount = 0;
        return true;
    }

    private void ClearLog()
    {
        _record->LogCount = 0;
        _record->LastGranule = 0;
        _record->Error = 0;
    }

    private bool IsOpen(int page) => (_isOpen[page >> 6] & (1UL << (page & 63))) != 0;

    private void AddOpen(int page)
    {
        _isOpen[page >> 6] |= 1UL << (page & 63);
        if (_openCount == _open.Length)
            Array.Resize(ref _open, Math.Max(16, _openCount * 2));
        _open[_openCount++] = page;
    }
}

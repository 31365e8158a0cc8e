// What a memory holds when an instance begins, as far as it is not zero: pages in ascending order and their contents.
// Shared by all slots that run the module. Pinned, so that restoring is a plain copy.
//
// A large image can also be mapped copy-on-write (TryMap): then memory that a guest does not write is shared by all instances, and an instance is made without copying. The file behind it is made
// once, holds the same contents with zeros between the pages, and is never written again.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tarn.Platform;

namespace Tarn.Memories;

internal sealed unsafe class PageImage
{
    private readonly int[] _pages;
#pragma warning disable IDE0052 // Keeps what _start points to.
    private readonly byte[] _contents;
#pragma warning restore IDE0052
    private readonly byte* _start;
    private readonly Lock _lock = new();
    private MemoryImage? _file;
    private readonly bool _isView;
    private bool _isCopiedOnly;

    // Fewer are copied as fast as they are mapped, and a mapping has to be paid for again by each page that is written.
    private const int FewestToMap = 16;

    /// <summary>Makes an image of pages, in ascending order, and their contents one behind the other.</summary>
    public PageImage(int[] pages, ReadOnlySpan<byte> contents, int pageSize)
    {
        PageSize = pageSize;
        _pages = pages;
        _contents = Allocate(pages.Length, pageSize, out _start);
        contents.CopyTo(new Span<byte>(_start, contents.Length));
    }

    /// <summary>Copies the given pages of a memory, those that are all zero left out.</summary>
    public PageImage(byte* memory, ReadOnlySpan<int> pages, int pageSize)
    {
        PageSize = pageSize;
        var kept = new List<int>();
        foreach (int page in pages)
        {
            if (new ReadOnlySpan<byte>(memory + ((long)page * pageSize), pageSize).ContainsAnyExcept((byte)0))
                kept.Add(page);
        }
        kept.Sort();
        _pages = [.. kept];
        _contents = Allocate(_pages.Length, pageSize, out _start);
        for (int i = 0; i < _pages.Length; i++)
            Buffer.MemoryCopy(memory + ((long)_pages[i] * pageSize), _start + ((long)i * pageSize), pageSize, pageSize);
    }

    // Views: see Of.
    private PageImage(byte* memory, int[] pages, int pageSize)
    {
        PageSize = pageSize;
        _pages = pages;
        _contents = [];
        _start = memory;
        _isView = true;
    }

    public int PageSize { get; }

    /// <summary>
    /// Pages of a memory as they are, without a copy. To be used while the memory's store is entered and nothing runs in it, and not kept: pinned arrays, in which copies are, make the collector look at everything
    /// when there are many of them.
    /// </summary>
    public static PageImage Of(byte* memory, int[] pages, int pageSize) => new(memory, pages, pageSize);

    public ReadOnlySpan<int> Pages => _pages;

    /// <summary>A page's contents, or null where it is zero.</summary>
    public byte* Find(int page)
    {
        int index = Array.BinarySearch(_pages, page);
        return index < 0 ? null : At(index);
    }

    /// <summary>Contents of a page by its place in <see cref="Pages"/>.</summary>
    public byte* At(int index) => _start + ((long)(_isView ? _pages[index] : index) * PageSize);

    /// <summary>Maps the image copy-on-write where a memory begins that is zero so far, if it is large enough and not too scattered for that.</summary>
    /// <returns>Whether it is mapped; otherwise nothing has happened, and it is to be copied.</returns>
    public bool TryMap(byte* memory, MemoryProtection protection)
    {
        if (TryGetFile() is not MemoryImage file)
            return false;
        try
        {
            VirtualMemory.Current.MapImage(file, 0, memory + ((long)_pages[0] * PageSize), file.Length, protection);
            return true;
        }
        catch (PlatformException)
        {
            return false;
        }
    }

    private MemoryImage? TryGetFile()
    {
        if (Volatile.Read(ref _file) is MemoryImage there)
            return there;
        long extent = _pages.Length < FewestToMap ? 0 : ((long)_pages[^1] - _pages[0] + 1) * PageSize;
        if (extent == 0 || extent > 4L * _pages.Length * PageSize || extent > int.MaxValue)
            return null;
        lock (_lock)
        {
            if (_file is not null || _isCopiedOnly)
                return _file;
            byte* whole = (byte*)NativeMemory.AllocZeroed((nuint)extent);
            try
            {
                for (int i = 0; i < _pages.Length; i++)
                    Buffer.MemoryCopy(At(i), whole + ((long)(_pages[i] - _pages[0]) * PageSize), PageSize, PageSize);
                MemoryImage file = VirtualMemory.Current.CreateImage(new ReadOnlySpan<byte>(whole, (int)extent), "tarn-snapshot");
                Volatile.Write(ref _file, file);
                return file;
            }
            catch (PlatformException)
            {
                // Copied from now on, which is slower and does the same.
                _isCopiedOnly = true;
                return null;
            }
            finally
            {
                NativeMemory.Free(whole);
            }
        }
    }

    // On cache lines, so that no load of a comparison crosses one.
    private static byte[] Allocate(int pages, int pageSize, out byte* start)
    {
        byte[] contents = GC.AllocateUninitializedArray<byte>(checked((pages * pageSize) + 63), pinned: true);
        start = (byte*)(((nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(contents)) + 63) & ~(nuint)63);
        return contents;
    }
}

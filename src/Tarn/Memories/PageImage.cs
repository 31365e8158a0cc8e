// What a memory holds when an instance begins, as far as it is not zero: pages in ascending order and their contents.
// Shared by all slots that run the module. Pinned, so that restoring is a plain copy.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tarn.Memories;

internal sealed unsafe class PageImage
{
    private readonly int[] _pages;
    private readonly byte[] _contents;
    private readonly byte* _start;

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
        _contents = GC.AllocateUninitializedArray<byte>(checked((_pages.Length * pageSize) + 63), pinned: true);
        // On cache lines, so that no load of a comparison crosses one.
        _start = (byte*)(((nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_contents)) + 63) & ~(nuint)63);
        for (int i = 0; i < _pages.Length; i++)
            Buffer.MemoryCopy(memory + ((long)_pages[i] * pageSize), _start + ((long)i * pageSize), pageSize, pageSize);
    }

    public int PageSize { get; }

    public ReadOnlySpan<int> Pages => _pages;

    /// <summary>A page's contents, or null where it is zero.</summary>
    public byte* Find(int page)
    {
        int index = Array.BinarySearch(_pages, page);
        return index < 0 ? null : At(index);
    }

    /// <summary>Contents of a page by its place in <see cref="Pages"/>.</summary>
    public byte* At(int index) => _start + ((long)index * PageSize);
}

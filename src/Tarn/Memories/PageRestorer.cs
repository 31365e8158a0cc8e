// Brings one page back to what it was: to its image, or to zero. It compares before it stores, for three reasons: pages that an instance did not write cost
// no cache line its ownership, most of a written page is unchanged, and the pool learns which of the open pages are still written at all. Measured on the
// benchmark machine: comparing costs what copying would, and half of that where the image is zero (docs/rationale.md, "Pools").
// Every byte of the page is looked at, whatever the length of a difference: exactness is not traded for speed.
using System.Runtime.Intrinsics;

namespace Tarn.Memories;

internal static unsafe class PageRestorer
{
    private const int Step = 128;

    /// <summary>Restores a page.</summary>
    /// <param name="page">The page; writable.</param>
    /// <param name="image">What it has to hold; null for zeros.</param>
    /// <param name="pageSize">A multiple of 128.</param>
    /// <returns>Whether anything was different.</returns>
    public static bool Restore(byte* page, byte* image, int pageSize) => image == null ? Clear(page, pageSize) : Copy(page, image, pageSize);

    private static bool Clear(byte* page, int pageSize)
    {
        bool changed = false;
        for (byte* end = page + pageSize; page < end; page += Step)
        {
            Vector256<byte> a = Vector256.Load(page);
            Vector256<byte> b = Vector256.Load(page + 32);
            Vector256<byte> c = Vector256.Load(page + 64);
            Vector256<byte> d = Vector256.Load(page + 96);
            if (((a | b) | (c | d)) == Vector256<byte>.Zero)
                continue;
            changed = true;
            Vector256<byte>.Zero.Store(page);
            Vector256<byte>.Zero.Store(page + 32);
            Vector256<byte>.Zero.Store(page + 64);
            Vector256<byte>.Zero.Store(page + 96);
        }
        return changed;
    }

    private static bool Copy(byte* page, byte* image, int pageSize)
    {
        bool changed = false;
        for (byte* end = page + pageSize; page < end; page += Step, image += Step)
        {
            Vector256<byte> a = Vector256.Load(image);
            Vector256<byte> b = Vector256.Load(image + 32);
            Vector256<byte> c = Vector256.Load(image + 64);
            Vector256<byte> d = Vector256.Load(image + 96);
            Vector256<byte> first = (a ^ Vector256.Load(page)) | (b ^ Vector256.Load(page + 32));
            Vector256<byte> second = (c ^ Vector256.Load(page + 64)) | (d ^ Vector256.Load(page + 96));
            if ((first | second) == Vector256<byte>.Zero)
                continue;
            changed = true;
            a.Store(page);
            b.Store(page + 32);
            c.Store(page + 64);
            d.Store(page + 96);
        }
        return changed;
    }
}

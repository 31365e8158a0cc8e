// Why: hands out ranges of a fixed space by best fit and merges what comes back, so that an arena in which modules come and go does not
// fragment for good. Holds numbers only, never touches the memory. Invariants: free ranges are disjoint and never adjacent; what is
// handed out plus what is free is the whole space; both sets hold the same ranges. Not thread-safe: the arena locks.
//
// Both operations take time in the logarithm of the number of free ranges: the lock around them is shared by all tenants of the process, and a tenant
// decides how fragmented the space is.
namespace Tarn.Platform;

internal sealed class RangeAllocator
{
    private readonly SortedSet<(long Start, long Length)> _byStart = [];
    private readonly SortedSet<(long Length, long Start)> _byLength = [];

    public RangeAllocator(long length)
    {
        Length = length;
        FreeBytes = length;
        if (length > 0)
            Add(0, length);
    }

    public long Length { get; }

    public long FreeBytes { get; private set; }

    /// <summary>The length of the longest free range.</summary>
    public long LongestFree => _byLength.Count == 0 ? 0 : _byLength.Max.Length;

    /// <summary>Takes <paramref name="bytes"/> from the smallest range that holds them, or gives false.</summary>
    public bool TryAllocate(long bytes, out long start)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        start = 0;
        if (LongestFree < bytes)
            return false;
        (long available, start) = _byLength.GetViewBetween((bytes, 0), (long.MaxValue, 0)).Min;
        Remove(start, available);
        if (available != bytes)
            Add(start + bytes, available - bytes);
        FreeBytes -= bytes;
        return true;
    }

    /// <summary>Gives a range back that <see cref="TryAllocate"/> handed out.</summary>
    public void Free(long start, long bytes)
    {
        // Default where there is none: a range of no bytes at 0.
        (long Start, long Length) before = start <= 0 ? default : _byStart.GetViewBetween((0, 0), (start - 1, long.MaxValue)).Max;
        (long Start, long Length) behind = start < 0 ? default : _byStart.GetViewBetween((start, 0), (long.MaxValue, 0)).Min;
        bool overlaps = bytes <= 0 || start < 0 || bytes > Length - start
            || before.Start + before.Length > start
            || (behind.Length != 0 && start + bytes > behind.Start);
        if (overlaps)
            throw new InvalidOperationException($"Range {start:X}+{bytes:X} is free already or was never handed out.");
        FreeBytes += bytes;
        if (behind.Length != 0 && start + bytes == behind.Start)
        {
            Remove(behind.Start, behind.Length);
            bytes += behind.Length;
        }
        if (before.Length != 0 && before.Start + before.Length == start)
        {
            Remove(before.Start, before.Length);
            bytes += before.Length;
            start = before.Start;
        }
        Add(start, bytes);
    }

    private void Add(long start, long length)
    {
        _byStart.Add((start, length));
        _byLength.Add((length, start));
    }

    private void Remove(long start, long length)
    {
        _byStart.Remove((start, length));
        _byLength.Remove((length, start));
    }
}

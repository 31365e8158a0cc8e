// Why: hands out ranges of a fixed space by best fit and merges what comes back, so that an arena in which modules come and go does not
// fragment for good. Holds numbers only, never touches the memory. Invariants: free ranges are sorted, disjoint and never adjacent; what is
// handed out plus what is free is the whole space. Not thread-safe: the arena locks.
namespace Tarn.Platform;

internal sealed class RangeAllocator(long length)
{
    private readonly List<(long Start, long Length)> _free = [(0, length)];

    public long Length { get; } = length;

    public long FreeBytes { get; private set; } = length;

    /// <summary>Takes <paramref name="bytes"/> from the smallest range that holds them, or gives false.</summary>
    public bool TryAllocate(long bytes, out long start)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        int best = -1;
        for (int i = 0; i < _free.Count; i++)
        {
            if (_free[i].Length >= bytes && (best < 0 || _free[i].Length < _free[best].Length))
            {
                best = i;
            }
        }

        if (best < 0)
        {
            start = 0;
            return false;
        }

        (start, long available) = _free[best];
        if (available == bytes)
        {
            _free.RemoveAt(best);
        }
        else
        {
            _free[best] = (start + bytes, available - bytes);
        }

        FreeBytes -= bytes;
        return true;
    }

    /// <summary>Gives a range back that <see cref="TryAllocate"/> handed out.</summary>
    public void Free(long start, long bytes)
    {
        int at = 0;
        int end = _free.Count;
        while (at < end)
        {
            int middle = (at + end) >>> 1;
            if (_free[middle].Start < start)
            {
                at = middle + 1;
            }
            else
            {
                end = middle;
            }
        }

        bool overlaps = bytes <= 0 || start < 0 || start + bytes > Length
            || (at < _free.Count && start + bytes > _free[at].Start)
            || (at > 0 && _free[at - 1].Start + _free[at - 1].Length > start);
        if (overlaps)
        {
            throw new InvalidOperationException($"range {start:X}+{bytes:X} is free already or was never handed out");
        }

        FreeBytes += bytes;
        bool mergesNext = at < _free.Count && start + bytes == _free[at].Start;
        bool mergesPrevious = at > 0 && _free[at - 1].Start + _free[at - 1].Length == start;
        if (mergesPrevious && mergesNext)
        {
            _free[at - 1] = (_free[at - 1].Start, _free[at - 1].Length + bytes + _free[at].Length);
            _free.RemoveAt(at);
        }
        else if (mergesPrevious)
        {
            _free[at - 1] = (_free[at - 1].Start, _free[at - 1].Length + bytes);
        }
        else if (mergesNext)
        {
            _free[at] = (start, bytes + _free[at].Length);
        }
        else
        {
            _free.Insert(at, (start, bytes));
        }
    }
}

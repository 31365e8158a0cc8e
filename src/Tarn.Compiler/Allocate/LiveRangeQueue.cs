// Live ranges that the walk has still to visit after a split, ordered by start, then by number: a binary heap of both in one integer.
using Tarn.Assembler;

namespace Tarn.Compiler.Allocate;

/// <summary>Live ranges that wait for the walk. Reused.</summary>
internal sealed class LiveRangeQueue
{
    private GrowableArray<long> _heap = new(256);

    /// <summary>Forgets everything and keeps the storage.</summary>
    public void Clear() => _heap.Clear();

    /// <summary>Adds a live range.</summary>
    public void Add(int range, int start)
    {
        var key = ((long)start << 32) | (uint)range;
        var i = _heap.Add(key);
        while (i > 0)
        {
            var parent = (i - 1) >> 1;
            if (_heap[parent] <= key)
            {
                break;
            }

            _heap[i] = _heap[parent];
            i = parent;
        }

        _heap[i] = key;
    }

    /// <summary>Removes the first live range if it starts at a position or before.</summary>
    public bool TryTake(int until, out int range)
    {
        if (_heap.Count == 0 || (int)(_heap[0] >> 32) > until)
        {
            range = -1;
            return false;
        }

        range = (int)_heap[0];
        var last = _heap.Pop();
        var count = _heap.Count;
        if (count > 0)
        {
            var i = 0;
            while (true)
            {
                var child = 2 * i + 1;
                if (child >= count)
                {
                    break;
                }

                if (child + 1 < count && _heap[child + 1] < _heap[child])
                {
                    child++;
                }

                if (_heap[child] >= last)
                {
                    break;
                }

                _heap[i] = _heap[child];
                i = child;
            }

            _heap[i] = last;
        }

        return true;
    }
}

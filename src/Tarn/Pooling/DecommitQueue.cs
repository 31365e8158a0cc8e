// Memory slots that nobody uses any more and that are not clean yet. Giving their pages back costs a system call each, and with several processors an
// interrupt to all of them; slots that are side by side can share one. So they wait here until there are enough (PoolingOptions.DecommitBatchSize), or until
// the pool runs out. They are not free while they wait: no slot is handed out before it is clean.
using Tarn.Memories;

using Tarn.Platform;

namespace Tarn.Pooling;

internal sealed class DecommitQueue(int batch, SlotList free)
{
    private readonly Lock _lock = new();
    private readonly List<MemorySlot> _waiting = [];
    private long _cleaned;

    public int Count
    {
        get
        {
            lock (_lock)
                return _waiting.Count;
        }
    }

    /// <summary>Slots that were cleaned, ever since.</summary>
    public long Cleaned => Interlocked.Read(ref _cleaned);

    /// <summary>Takes a slot that has been unbound; cleans all that wait if there are enough.</summary>
    public void Add(MemorySlot slot)
    {
        if (batch <= 1)
        {
            slot.TryClean();
            Interlocked.Increment(ref _cleaned);
            free.Return(slot.Index);
            return;
        }
        lock (_lock)
        {
            _waiting.Add(slot);
            if (_waiting.Count >= batch)
                FlushLocked();
        }
    }

    /// <summary>Cleans whatever waits.</summary>
    /// <returns>Whether there was anything.</returns>
    public bool Flush()
    {
        lock (_lock)
        {
            if (_waiting.Count == 0)
                return false;
            FlushLocked();
            return true;
        }
    }

    private void FlushLocked()
    {
        _waiting.Sort(static (a, b) => a.Index.CompareTo(b.Index));
        for (int i = 0; i < _waiting.Count;)
        {
            int first = i;
            while (++i < _waiting.Count && _waiting[i].Index == _waiting[i - 1].Index + 1)
            {
            }
            Clean(_waiting[first], _waiting[i - 1], first, i);
        }
        Interlocked.Add(ref _cleaned, _waiting.Count);
        foreach (MemorySlot slot in _waiting)
            free.Return(slot.Index);
        _waiting.Clear();
    }

    private void Clean(MemorySlot first, MemorySlot last, int from, int to)
    {
        if (from + 1 < to && MemorySlot.TryCleanRun(first, last))
        {
            for (int i = from; i < to; i++)
                _waiting[i].MarkClean();
            return;
        }
        for (int i = from; i < to; i++)
            _waiting[i].TryClean();
    }
}

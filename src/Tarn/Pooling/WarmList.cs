// The idle slots that are bound to one module. One for each core is taken and left with a single exchange; the others lie in a
// stack under a lock, last in first out.
using System.Runtime.InteropServices;

namespace Tarn.Pooling;

internal sealed class WarmList
{
    private readonly Entry[] _entries = new Entry[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount)];
    private readonly Lock _lock = new();
    private readonly List<PooledInstance> _stack = [];
    private readonly SharedCount _shared;
    private bool _isClosed;

    /// <param name="shared">Counts the slots on the stacks of all lists.</param>
    public WarmList(SharedCount shared) => _shared = shared;

    /// <summary>The images of the module's memories, taken from the first slot that was bound to it.</summary>
    public PageImage[]? Images { get; set; }

    /// <summary>No slot may come back any more: the module has been disposed.</summary>
    public bool IsClosed => Volatile.Read(ref _isClosed);

    public PooledInstance? TryTake() =>
        Interlocked.Exchange(ref _entries[Thread.GetCurrentProcessorId() & (_entries.Length - 1)].Instance, null) ?? TryTakeShared();

    /// <summary>Leaves a slot where this core finds it first; gives the one that was there, if any, for <see cref="Push"/>.</summary>
    public PooledInstance? Leave(PooledInstance instance) =>
        Interlocked.Exchange(ref _entries[Thread.GetCurrentProcessorId() & (_entries.Length - 1)].Instance, instance);

    /// <summary>Puts a slot where any core finds it.</summary>
    public void Push(PooledInstance instance)
    {
        lock (_lock)
            _stack.Add(instance);
        _shared.Add(1);
    }

    /// <summary>Takes the slot that was used longest ago, if there is one; for eviction.</summary>
    public PooledInstance? TryTakeOldest()
    {
        lock (_lock)
        {
            if (_stack.Count > 0)
            {
                PooledInstance oldest = _stack[0];
                _stack.RemoveAt(0);
                _shared.Add(-1);
                return oldest;
            }
        }
        return TryTakeFromAnyCore();
    }

    /// <summary>Refuses slots from now on.</summary>
    public void Close() => Volatile.Write(ref _isClosed, true);

    private PooledInstance? TryTakeShared()
    {
        lock (_lock)
        {
            if (_stack.Count > 0)
            {
                PooledInstance last = _stack[^1];
                _stack.RemoveAt(_stack.Count - 1);
                _shared.Add(-1);
                return last;
            }
        }
        return TryTakeFromAnyCore();
    }

    private PooledInstance? TryTakeFromAnyCore()
    {
        foreach (ref Entry entry in _entries.AsSpan())
        {
            if (Interlocked.Exchange(ref entry.Instance, null) is PooledInstance found)
                return found;
        }
        return null;
    }

    // A cache line each, so that cores do not disturb one another.
    [StructLayout(LayoutKind.Sequential)]
    private struct Entry
    {
        public PooledInstance? Instance;
#pragma warning disable CS0169 // padding
        private readonly long _a, _b, _c, _d, _e, _f, _g;
#pragma warning restore CS0169
    }
}

/// <summary>A number that several lists change.</summary>
internal sealed class SharedCount
{
    private int _value;

    public int Value => Volatile.Read(ref _value);

    public void Add(int delta) => Interlocked.Add(ref _value, delta);
}

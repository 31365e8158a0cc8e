// The idle slots that are bound to one module. Each thread has a place (a few threads may share one) where it leaves a slot and takes it again with a single
// exchange, so that it finds the pages and cache lines that it has just used and meets nobody. Slots that find their place taken are in a ring under a lock:
// last in, first out; the one left longest ago is evicted first.
using System.Numerics;
using System.Runtime.InteropServices;
using Tarn.Memories;

namespace Tarn.Pooling;

internal sealed class WarmList
{
    // More places than processors, since it is threads that they are given to.
    private static readonly int s_places = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(Environment.ProcessorCount * 2, 8, 256));
    private static int s_threads;

    [ThreadStatic]
    private static int t_place;

    // The first stays empty: beside it lies the array's length, which every access reads.
    private readonly Place[] _places = new Place[s_places + 1];
    private readonly Lock _lock = new();
    private readonly SharedCount _shared;
    private PooledInstance[] _ring = [];
    private int[][]? _learned;
    private int _oldest;
    private int _count;
    private bool _isClosed;

    /// <param name="shared">Counts the slots in the rings of all lists.</param>
    public WarmList(SharedCount shared) => _shared = shared;

    /// <summary>The images of the module's memories, taken from the first slot that was bound to it.</summary>
    public PageImage[]? Images { get; set; }

    /// <summary>Slots may no longer be returned: the module has been disposed.</summary>
    public bool IsClosed => Volatile.Read(ref _isClosed);

    /// <summary>Whether only threads' own places can hold slots; without a lock, so it may have changed.</summary>
    public bool IsRingEmpty => Volatile.Read(ref _count) == 0;

    /// <summary>When the slot that would be evicted next was left; <see cref="long.MaxValue"/> if the ring is empty.</summary>
    public long OldestStamp
    {
        get
        {
            lock (_lock)
                return _count == 0 ? long.MaxValue : _ring[_oldest].LastUsed;
        }
    }

    public PooledInstance? TryTake() => Interlocked.Exchange(ref _places[ThreadPlace()].Instance, null) ?? TryTakeShared();

    /// <summary>Leaves a slot where this thread finds it first; gives the one that was there, if any, for <see cref="Push"/>.</summary>
    public PooledInstance? Leave(PooledInstance instance) => Interlocked.Exchange(ref _places[ThreadPlace()].Instance, instance);

    /// <summary>Puts a slot where any thread finds it.</summary>
    public void Push(PooledInstance instance)
    {
        instance.LastUsed = Environment.TickCount64;
        lock (_lock)
        {
            if (_count == _ring.Length)
            {
                var larger = new PooledInstance[Math.Max(8, _count * 2)];
                for (int i = 0; i < _count; i++)
                    larger[i] = At(i);
                _ring = larger;
                _oldest = 0;
            }
            At(_count++) = instance;
        }
        _shared.Add(1);
    }

    /// <summary>Takes the slot that was left longest ago, if there is one; for eviction.</summary>
    public PooledInstance? TryTakeOldest()
    {
        if (IsRingEmpty)
            return TryTakeFromAnyPlace();
        lock (_lock)
        {
            if (_count > 0)
            {
                PooledInstance oldest = At(0);
                At(0) = null!;
                _oldest = (_oldest + 1) & (_ring.Length - 1);
                _count--;
                _shared.Add(-1);
                return oldest;
            }
        }
        return TryTakeFromAnyPlace();
    }

    /// <summary>Refuses slots from now on.</summary>
    public void Close()
    {
        Volatile.Write(ref _isClosed, true);
        // Whoever leaves a slot looks at it afterwards: one of both sees the other.
        Interlocked.MemoryBarrier();
    }

    /// <summary>Pages that instances of the module write, by memory, in ascending order: what slots bound later open from the start.</summary>
    public ReadOnlySpan<int> Learned(int memory) => Volatile.Read(ref _learned) is int[][] all && memory < all.Length ? all[memory] : [];

    /// <summary>Takes over what a slot has learned.</summary>
    public void Learn(int[][] pages) => Volatile.Write(ref _learned, pages);

    private static int ThreadPlace()
    {
        int place = t_place;
        return ((place != 0 ? place : AssignPlace()) & (s_places - 1)) + 1;
    }

    private static int AssignPlace()
    {
        // Zero says that there is none yet.
        int place = Interlocked.Increment(ref s_threads) | int.MinValue;
        t_place = place;
        return place;
    }

    // Lengths are powers of two.
    private ref PooledInstance At(int index) => ref _ring[(_oldest + index) & (_ring.Length - 1)];

    private PooledInstance? TryTakeShared()
    {
        lock (_lock)
        {
            if (_count > 0)
            {
                PooledInstance last = At(--_count);
                At(_count) = null!;
                _shared.Add(-1);
                return last;
            }
        }
        return TryTakeFromAnyPlace();
    }

    private PooledInstance? TryTakeFromAnyPlace()
    {
        foreach (ref Place place in _places.AsSpan())
        {
            if (place.Instance is not null && Interlocked.Exchange(ref place.Instance, null) is PooledInstance found)
                return found;
        }
        return null;
    }

    // A cache line each, and its neighbour, which processors fetch along: threads do not disturb one another.
    [StructLayout(LayoutKind.Sequential)]
    private struct Place
    {
        public PooledInstance? Instance;
#pragma warning disable CS0169 // padding
        private readonly long _a, _b, _c, _d, _e, _f, _g, _h, _i, _j, _k, _l, _m, _n, _o;
#pragma warning restore CS0169
    }
}

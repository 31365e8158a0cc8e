// Guest stacks between calls. A call takes the stack that the last call on the same core left, whose top pages are in that core's
// cache; only when there is none does it ask the pool, which counts them.
using System.Runtime.InteropServices;
using Tarn.Platform;

namespace Tarn.Execution;

internal sealed class StackCache : IDisposable
{
    private const int AttemptsWhenExhausted = 8;

    private readonly Entry[] _entries;
    private readonly int _mask;
    private readonly GuestStackPool _pool;
    private readonly int _limit;
    private readonly long _keepResident;
    private volatile bool _disposed;
    private int _made;
    private long _exhaustions;

    /// <param name="stackBytes">Bytes of one.</param>
    /// <param name="limit">How many may be taken at the same time.</param>
    /// <param name="keepResident">Bytes of one that may stay resident.</param>
    /// <param name="slab">Where they are, as many as the limit says; without it each has address space of its own.</param>
    public StackCache(int stackBytes, int limit, long keepResident, Slab? slab = null)
    {
        _keepResident = keepResident;
        int cores = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount);
        _mask = cores - 1;
        // The first stays empty: beside it lies the array's length, which every access reads.
        _entries = new Entry[cores + 1];
        _pool = new GuestStackPool(VirtualMemory.Current, stackBytes, Math.Min(limit, 1024), slab);
        _limit = limit;
    }

    /// <summary>Stacks in use or cached by a core.</summary>
    public int Taken => Volatile.Read(ref _made);

    public int Limit => _limit;

    /// <summary>How often there was none.</summary>
    public long Exhaustions => Interlocked.Read(ref _exhaustions);

    public GuestStack Rent() => Interlocked.Exchange(ref Mine().Stack, null) ?? RentSlow();

    public void Return(GuestStack stack)
    {
        stack.Trim(_keepResident);
        if (Interlocked.Exchange(ref Mine().Stack, stack) is GuestStack before)
            ReturnSlow(before);
        // The exchange is a full fence: either this sees that it is disposed, or whoever disposes it finds the stack.
        if (_disposed)
            Flush();
    }

    /// <summary>Gives what cores keep back to the pool.</summary>
    public void Flush()
    {
        foreach (ref Entry entry in _entries.AsSpan())
        {
            if (Interlocked.Exchange(ref entry.Stack, null) is GuestStack stack)
                ReturnSlow(stack);
        }
    }

    /// <summary>Gives back what an engine kept that was forgotten.</summary>
    ~StackCache() => End();

    public void Dispose()
    {
        End();
        GC.SuppressFinalize(this);
    }

    private void End()
    {
        _disposed = true;
        Interlocked.MemoryBarrier();
        Flush();
        _pool.Dispose();
    }

    private ref Entry Mine() => ref _entries[(Thread.GetCurrentProcessorId() & _mask) + 1];

    private GuestStack RentSlow()
    {
        for (int attempt = 0; Interlocked.Increment(ref _made) > _limit; attempt++)
        {
            Interlocked.Decrement(ref _made);
            // Another core's is better than none.
            foreach (ref Entry entry in _entries.AsSpan())
            {
                if (Interlocked.Exchange(ref entry.Stack, null) is GuestStack stack)
                    return stack;
            }
            // One may be on its way back, between a cache and the count.
            if (attempt < AttemptsWhenExhausted)
            {
                Thread.Yield();
                continue;
            }
            Interlocked.Increment(ref _exhaustions);
            throw new PoolExhaustedException("stack", _limit, "PoolingOptions.TotalStacks");
        }
        try
        {
            return _pool.Rent();
        }
        catch
        {
            Interlocked.Decrement(ref _made);
            throw;
        }
    }

    private void ReturnSlow(GuestStack stack)
    {
        // In this order, or one too many could be asked for.
        _pool.Return(stack);
        Interlocked.Decrement(ref _made);
    }

    // A cache line each, and its neighbour, which processors fetch along, so that cores do not disturb one another.
    [StructLayout(LayoutKind.Sequential)]
    private struct Entry
    {
        public GuestStack? Stack;
#pragma warning disable CS0169 // padding
        private readonly long _a, _b, _c, _d, _e, _f, _g, _h, _i, _j, _k, _l, _m, _n, _o;
#pragma warning restore CS0169
    }
}

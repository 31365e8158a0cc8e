// The address space of an engine's heaps: reserved when a store first needs one, kept when the store ends, and used again. No more than a limit at a time.
using Tarn.Platform;

namespace Tarn.Heaps;

internal sealed class HeapSpaces(int limit, string limitName) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Stack<HeapSpace> _free = new();
    private int _taken;
    private bool _disposed;

    ~HeapSpaces() => ReleaseFree();

    /// <summary>How many are in use.</summary>
    public int Taken => Volatile.Read(ref _taken);

    /// <summary>How many there may be.</summary>
    public int Limit => limit;

    /// <summary>Takes one.</summary>
    /// <exception cref="PoolExhaustedException">As many as there may be are in use.</exception>
    /// <exception cref="InstantiationException">The system refuses the address space.</exception>
    public HeapSpace Take()
    {
        lock (_lock)
        {
            if (_taken == limit)
                throw new PoolExhaustedException("heap", limit, limitName);
            _taken++;
            if (_free.TryPop(out HeapSpace? space))
                return space;
        }
        try
        {
            return new HeapSpace();
        }
        catch (PlatformException e)
        {
            lock (_lock)
                _taken--;
            throw new InstantiationException($"the system refuses the address space of a heap of managed objects, some 4 GiB: {e.Message}", e);
        }
    }

    /// <summary>Takes one back, with nothing in it.</summary>
    public void Return(HeapSpace space)
    {
        lock (_lock)
        {
            _taken--;
            if (!_disposed)
            {
                _free.Push(space);
                return;
            }
        }
        space.Release();
    }

    public void Dispose()
    {
        lock (_lock)
            _disposed = true;
        ReleaseFree();
        GC.SuppressFinalize(this);
    }

    private void ReleaseFree()
    {
        while (_free.TryPop(out HeapSpace? space))
            space.Release();
    }
}

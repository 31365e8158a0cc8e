// References that the host holds: cells that the collector visits and changes. A cell is taken when the host is given a reference and given back when it lets go, by hand or by a finaliser, on
// whatever thread: those wait in a queue until somebody inside the store takes a cell.
using System.Collections.Concurrent;

namespace Tarn.Heaps;

internal sealed unsafe class HostRoots
{
    private readonly ConcurrentQueue<(int Cell, int Generation)> _released = new();
    private readonly Stack<int> _free = new();
    private ulong[] _cells = [];
    private int _used;
    private int _generation;

    /// <summary>Cells in use, or waiting to be released.</summary>
    public int Count => _used - _free.Count;

    /// <summary>Changes when all references are forgotten: a cell of an earlier generation has no owner.</summary>
    public int Generation => Volatile.Read(ref _generation);

    /// <summary>Takes a cell for a reference. Inside the store.</summary>
    public int Take(ulong reference)
    {
        while (_released.TryDequeue(out (int Cell, int Generation) released))
        {
            if (released.Generation == _generation && _cells[released.Cell] != 0)
            {
                _cells[released.Cell] = 0;
                _free.Push(released.Cell);
            }
        }
        if (!_free.TryPop(out int cell))
        {
            if (_used == _cells.Length)
                Array.Resize(ref _cells, Math.Max(16, _used * 2));
            cell = _used++;
        }
        _cells[cell] = reference;
        return cell;
    }

    /// <summary>The reference in a cell, as it is now. Inside the store.</summary>
    public ulong this[int cell] => _cells[cell];

    /// <summary>Gives a cell back, on any thread.</summary>
    public void Release(int cell, int generation)
    {
        if (generation == Generation)
            _released.Enqueue((cell, generation));
    }

    /// <summary>Forgets all references.</summary>
    public void Clear()
    {
        Volatile.Write(ref _generation, _generation + 1);
        _released.Clear();
        _free.Clear();
        Array.Clear(_cells, 0, _used);
        _used = 0;
    }

    /// <summary>Visits all cells.</summary>
    public void Visit<T>(T visitor)
        where T : IRootVisitor
    {
        fixed (ulong* cells = _cells)
        {
            for (int i = 0; i < _used; i++)
                visitor.Visit(cells + i);
        }
    }
}

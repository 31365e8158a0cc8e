// A list whose storage survives Clear and whose elements are reached by reference; List<T> provides neither without copying. Assembler and compiler keep their
// tables in these from function to function, so that the steady state allocates nothing.
//
// Invariants: a reference obtained from the indexer is valid until the next Add, which may move the storage; the struct is never copied, since two copies would
// share an array and disagree about its length.
using System.Runtime.CompilerServices;

namespace Tarn.Assembler;

/// <summary>A reusable growing array of plain data.</summary>
internal struct GrowableArray<T>(int capacity)
    where T : unmanaged
{
    private T[] _items = new T[capacity];
    private int _count;

    /// <summary>Number of elements.</summary>
    public readonly int Count => _count;

    /// <summary>The element at an index.</summary>
    public readonly ref T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref _items[index];
    }

    /// <summary>The elements.</summary>
    public readonly Span<T> Span => _items.AsSpan(0, _count);

    /// <summary>Forgets the elements and keeps the storage.</summary>
    public void Clear() => _count = 0;

    /// <summary>Appends an element and returns its index.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Add(in T item)
    {
        var count = _count;
        if ((uint)count >= (uint)_items.Length)
        {
            Grow(count + 1);
        }

        _items[count] = item;
        _count = count + 1;
        return count;
    }

    /// <summary>Appends elements and returns the index of the first.</summary>
    public int AddRange(ReadOnlySpan<T> items)
    {
        var count = _count;
        if (count + items.Length > _items.Length)
        {
            Grow(count + items.Length);
        }

        items.CopyTo(_items.AsSpan(count));
        _count = count + items.Length;
        return count;
    }

    /// <summary>Appends a number of default elements and returns the index of the first.</summary>
    public int AddDefault(int number)
    {
        var count = _count;
        if (count + number > _items.Length)
        {
            Grow(count + number);
        }

        _items.AsSpan(count, number).Clear();
        _count = count + number;
        return count;
    }

    /// <summary>Removes the last element and returns it.</summary>
    public T Pop() => _items[--_count];

    /// <summary>Cuts the list to a shorter length.</summary>
    public void Truncate(int count) => _count = count;

    /// <summary>Sets the length; elements beyond the old length hold any values.</summary>
    public void SetCount(int count)
    {
        if (count > _items.Length)
        {
            Grow(count);
        }

        _count = count;
    }

    /// <summary>Makes the list exactly this long, all elements being the given value.</summary>
    public void Fill(int count, T value)
    {
        if (count > _items.Length)
        {
            _count = 0;
            Grow(count);
        }

        _count = count;
        _items.AsSpan(0, count).Fill(value);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow(int needed) => Array.Resize(ref _items, Math.Max(needed, Math.Max(16, _items.Length * 2)));
}

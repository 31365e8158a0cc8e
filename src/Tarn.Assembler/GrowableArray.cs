// A list as a struct field: the assembler's side tables keep their arrays from function to function, so that steady state allocates
// nothing, and are indexed by reference. Never copy one: two copies would share an array and disagree about its length.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tarn.Assembler;

internal struct GrowableArray<T>(int capacity)
    where T : unmanaged
{
    private T[] _items = new T[capacity];

    public int Count { get; private set; }

    public readonly Span<T> Span => MemoryMarshal.CreateSpan(ref MemoryMarshal.GetArrayDataReference(_items), Count);

    public readonly ref T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if ((uint)index >= (uint)Count)
                ThrowIndex();
            return ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_items), index);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(T item)
    {
        int count = Count;
        T[] items = _items;
        if ((uint)count < (uint)items.Length)
        {
            items[count] = item;
            Count = count + 1;
        }
        else
        {
            AddSlow(item);
        }
    }

    public void Clear() => Count = 0;

    /// <summary>Sets the length; elements beyond the old length hold whatever they held.</summary>
    public void SetCount(int count)
    {
        if (count > _items.Length)
            Array.Resize(ref _items, Math.Max(count, _items.Length * 2));
        Count = count;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AddSlow(T item)
    {
        Array.Resize(ref _items, Math.Max(8, _items.Length * 2));
        _items[Count++] = item;
    }

    private static void ThrowIndex() => throw new ArgumentOutOfRangeException("index");
}

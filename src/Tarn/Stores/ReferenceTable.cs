// The host's objects that guests of one store hold as externref. A guest sees handles: indices into this table, shifted so
// that 0 is null. One object has one handle, so passing the same object again and again does not grow the table.
// Handles live as long as the store (or, pooled, until the slot is reset): the guest may keep them anywhere, and its
// stack and memory are not searched. So a guest decides how many there are, and the store's limits are asked about each new one. Validation keeps guests from forging
// handles; a handle out of range is a bug of ours.
using System.Runtime.CompilerServices;

namespace Tarn.Stores;

internal sealed class ReferenceTable(StoreCore store)
{
    // What a slot keeps for its next instance: 16 KiB or so.
    private const int KeptCapacity = 256;

    private object?[] _objects = [];
    private Dictionary<object, int>? _handles;
    private int _count;

    public int Count => _count;

    /// <summary>Objects that there is room for.</summary>
    public int Capacity => _objects.Length;

    /// <summary>The handle of an object; 0 for null.</summary>
    /// <exception cref="TrapException">The store's limits do not allow one more.</exception>
    public ulong Add(object? value)
    {
        if (value is null)
            return 0;
        _handles ??= new Dictionary<object, int>(ReferenceEqualityComparer.Instance);
        if (!_handles.TryGetValue(value, out int index))
        {
            if (store.Limits is StoreLimits limits && !limits.AllowReference(_count, _objects.Length, store.State))
                throw StoreQuota.TooManyReferences(store, _count);
            if (_count == _objects.Length)
                Array.Resize(ref _objects, Math.Max(8, _count * 2));
            index = _count;
            _handles.Add(value, index);
            _objects[index] = value;
            _count++;
        }
        return (ulong)index + 1;
    }

    /// <summary>The object of a handle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public object? Get(ulong handle) => handle == 0 ? null : _objects[(int)(handle - 1)];

    /// <summary>Forgets all objects, and releases the room for more than a few.</summary>
    public void Clear()
    {
        if (_count == 0)
            return;
        if (_objects.Length > KeptCapacity)
        {
            _objects = [];
            _handles = null;
        }
        else
        {
            Array.Clear(_objects, 0, _count);
            _handles?.Clear();
        }
        _count = 0;
    }
}

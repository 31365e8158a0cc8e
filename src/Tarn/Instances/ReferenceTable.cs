// The host's objects that guests of one store hold as externref. A guest sees handles: indices into this table, shifted so
// that 0 is null. One object has one handle, so passing the same object again and again does not grow the table.
// Handles live as long as the store (or, pooled, until the slot is reset): the guest may keep them anywhere, and its
// stack and memory are not searched. Validation keeps guests from forging handles; a handle out of range is a fault of ours.
using System.Runtime.CompilerServices;

namespace Tarn.Instances;

internal sealed class ReferenceTable
{
    private object?[] _objects = [];
    private Dictionary<object, int>? _handles;
    private int _count;

    public int Count => _count;

    /// <summary>The handle of an object; 0 for null.</summary>
    public ulong Add(object? value)
    {
        if (value is null)
            return 0;
        _handles ??= new Dictionary<object, int>(ReferenceEqualityComparer.Instance);
        if (!_handles.TryGetValue(value, out int index))
        {
            if (_count == _objects.Length)
                Array.Resize(ref _objects, Math.Max(8, _count * 2));
            index = _count++;
            _objects[index] = value;
            _handles.Add(value, index);
        }
        return (ulong)index + 1;
    }

    /// <summary>The object of a handle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public object? Get(ulong handle) => handle == 0 ? null : _objects[(int)(handle - 1)];

    /// <summary>Forgets all objects.</summary>
    public void Clear()
    {
        if (_count == 0)
            return;
        Array.Clear(_objects, 0, _count);
        _handles?.Clear();
        _count = 0;
    }
}

// The host's objects that guests of one store hold as externref. A guest sees handles: indices into this table, tagged as ObjectLayout says, so that references of the host and of the guest's own objects
// can stand for each other (any.convert_extern). One object has one handle, so passing the same object again and again does not grow the table.
//
// Handles that no guest holds are freed: by collections of the whole heap, which are asked for when their number has doubled, and in a store without a heap then and at the limit, by
// looking at the roots alone. A reference that was given out and has not reached a guest yet is no root: those of the last call of the host are kept, as many as a call may have.
//
// Validation keeps guests from forging handles; one out of range is a bug of ours.
using System.Runtime.CompilerServices;
using Tarn.Compiler.Abi;
using Tarn.Heaps;

namespace Tarn.Stores;

internal sealed class ReferenceTable(StoreCore store)
{
    // A function has no more parameters, or results, than this.
    private const int MostInFlight = 1024;
    private const int FewestToCollect = 1024;
    private const int FewestToNotice = 64;

    // What a slot keeps for its next instance: 16 KiB or so.
    private const int KeptCapacity = 256;

    private object?[] _objects = [];
    private ulong[] _marks = [];
    private Dictionary<object, int>? _handles;
    private readonly Stack<int> _free = new();
    private int _used;
    private int _nextCollection = FewestToCollect;
    private int[] _inFlight = [];
    private int _inFlightCount;
    private long _inFlightOf;

    /// <summary>Objects that guests have been given and that have not been found to be dropped.</summary>
    public int Count => _used - _free.Count;

    /// <summary>Objects that there is room for.</summary>
    public int Capacity => _objects.Length;

    /// <summary>The handle of an object.</summary>
    /// <exception cref="TrapException">The store's limits do not allow one more.</exception>
    public ulong Add(object value)
    {
        if (store.HostCalls != _inFlightOf)
        {
            _inFlightOf = store.HostCalls;
            _inFlightCount = 0;
        }
        _handles ??= new Dictionary<object, int>(ReferenceEqualityComparer.Instance);
        if (!_handles.TryGetValue(value, out int index))
        {
            if (Count >= _nextCollection)
                AskForCollection();
            if (store.Limits is StoreLimits limits && !Allows(limits))
                throw StoreQuota.TooManyReferences(store, Count);
            if (!_free.TryPop(out index))
            {
                if (_used == _objects.Length)
                    Array.Resize(ref _objects, Math.Max(8, _used * 2));
                index = _used++;
            }
            _handles.Add(value, index);
            _objects[index] = value;
        }
        if (_inFlight.Length == 0)
            _inFlight = new int[MostInFlight];
        _inFlight[_inFlightCount++ % MostInFlight] = index;
        return ((ulong)(uint)index << ObjectLayout.HandleShift) | ObjectLayout.HandleTag;
    }

    // The code that passes an object to a guest may have converted other references already, which no collector would find: while the limiter runs, which may call guests, nothing is collected.
    private bool Allows(StoreLimits limits)
    {
        store.ManagedHeap?.Pause();
        try
        {
            if (limits.AllowReference(Count, _objects.Length, store.State))
                return true;
            if (store.ManagedHeap is not null)
                return false;
            int before = Count;
            store.Handles.CollectWithoutHeap();
            return Count < before && limits.AllowReference(Count, _objects.Length, store.State);
        }
        finally
        {
            store.ManagedHeap?.Resume();
        }
    }

    // A heap is collected when the guest next asks it for an object; roots alone can be looked at now.
    private void AskForCollection()
    {
        if (store.ManagedHeap is ManagedHeap heap)
            heap.RequestCollection();
        else
            store.Handles.CollectWithoutHeap();
    }

    /// <summary>References that were given out and may not have reached a guest yet are held.</summary>
    public void MarkInFlight()
    {
        for (int i = 0; i < Math.Min(_inFlightCount, MostInFlight); i++)
            Mark((uint)_inFlight[i] << ObjectLayout.HandleShift);
    }

    /// <summary>The object of a handle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public object? Get(ulong handle) => _objects[(int)(handle >> ObjectLayout.HandleShift)];

    /// <summary>Whether a reference is a handle that some object has.</summary>
    public bool IsInUse(uint reference) => reference >> ObjectLayout.HandleShift < (uint)_used && _objects[reference >> ObjectLayout.HandleShift] is not null;

    /// <summary>Begins to find out which handles guests still hold.</summary>
    public void BeginMarking()
    {
        int words = (_used + 63) / 64;
        if (_marks.Length < words)
            _marks = new ulong[words];
        Array.Clear(_marks);
    }

    /// <summary>A handle that a guest holds.</summary>
    public void Mark(uint reference)
    {
        uint index = reference >> ObjectLayout.HandleShift;
        _marks[index / 64] |= 1UL << (int)(index % 64);
    }

    /// <summary>Lets go of the objects whose handles were not marked.</summary>
    public void Sweep()
    {
        for (int i = 0; i < _used; i++)
        {
            if ((_marks[i / 64] & (1UL << (i % 64))) == 0 && _objects[i] is object dropped)
            {
                _handles!.Remove(dropped);
                _objects[i] = null;
                _free.Push(i);
            }
        }
        _nextCollection = Math.Max(FewestToCollect, 2 * Count);
        // Near to its limit a store looks sooner.
        if (store.Limits?.MaximumHostReferences is long most && most < _nextCollection)
            _nextCollection = (int)Math.Max(Count + FewestToNotice, (Count + most) / 2);
    }

    /// <summary>Forgets all objects, and releases the room for more than a few.</summary>
    public void Clear()
    {
        if (_used == 0)
            return;
        if (_objects.Length > KeptCapacity)
        {
            _objects = [];
            _marks = [];
            _handles = null;
        }
        else
        {
            Array.Clear(_objects, 0, _used);
            _handles?.Clear();
        }
        _free.Clear();
        _used = 0;
        _nextCollection = FewestToCollect;
        _inFlightCount = 0;
    }
}

// The host's objects that guests of one store hold as externref. A guest sees handles: indices into this table, tagged as ObjectLayout says, so that references of the host and of the guest's own objects
// can stand for each other (any.convert_extern). One object has one handle, so passing the same object again and again does not grow the table.
//
// Handles that no guest holds any more are freed: by collections of the whole heap, and in a store without a heap when their number has doubled or has come to the limit, by looking at the roots
// alone. A reference that was given out and has not reached a guest yet is no root: those of the last call of the host are kept, as many as a call may have.
//
// Validation keeps guests from forging handles; one out of range is a bug of ours.
using System.Runtime.CompilerServices;
using Tarn.Compiler.Abi;
using Tarn.Heaps;

namespace Tarn.Stores;

internal sealed unsafe class ReferenceTable(StoreCore store) : IRootVisitor
{
    // A function has no more parameters, or results, than this.
    private const int MostInFlight = 1024;
    private const int FewestToCollect = 1024;

    // What a slot keeps for its next instance: 16 KiB or so.
    private const int KeptCapacity = 256;
    private const int TagBits = 2;

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

    /// <summary>The reference of an object; 0 for null.</summary>
    /// <exception cref="TrapException">The store's limits do not allow one more.</exception>
    /// <exception cref="ArgumentException">It is a reference of a guest in another store, or of one that has ended.</exception>
    public ulong Add(object? value)
    {
        if (value is null)
            return 0;
        if (value is GuestReference reference)
            return reference.RawIn(store);
        if (store.HostCalls != _inFlightOf)
        {
            _inFlightOf = store.HostCalls;
            _inFlightCount = 0;
        }
        _handles ??= new Dictionary<object, int>(ReferenceEqualityComparer.Instance);
        if (!_handles.TryGetValue(value, out int index))
        {
            if (_free.Count == 0 && _used >= _nextCollection)
                Collect();
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
        return ((ulong)(uint)index << TagBits) | ObjectLayout.HandleTag;
    }

    void IRootVisitor.Visit(ulong* cell)
    {
        if ((*cell & ObjectLayout.TagMask) == ObjectLayout.HandleTag)
            Mark((uint)*cell);
    }

    private bool Allows(StoreLimits limits)
    {
        if (limits.AllowReference(Count, _objects.Length, store.State))
            return true;
        int before = Count;
        Collect();
        return Count < before && limits.AllowReference(Count, _objects.Length, store.State);
    }

    // Frees what no root holds, where roots are all that there is to look at.
    private void Collect()
    {
        if (store.ManagedHeap is null)
        {
            BeginMarking();
            RootWalker.Visit(store, this);
            for (int i = 0; i < Math.Min(_inFlightCount, MostInFlight); i++)
                Mark((uint)_inFlight[i] << TagBits);
            Sweep();
        }
        _nextCollection = Math.Max(FewestToCollect, 2 * Count);
    }

    /// <summary>The object of a reference: the host's own, or a view of the guest's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public object? Get(ulong reference)
    {
        if (reference == 0)
            return null;
        return (reference & ObjectLayout.TagMask) == ObjectLayout.HandleTag ? _objects[(int)(reference >> TagBits)] : GuestReference.Of(store, reference);
    }

    /// <summary>Whether a reference is a handle that some object has.</summary>
    public bool IsInUse(uint reference) => reference >> TagBits < (uint)_used && _objects[reference >> TagBits] is not null;

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
        uint index = reference >> TagBits;
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

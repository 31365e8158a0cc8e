// The exceptions that guests of one store hold references to (exnref). A guest sees handles: indices into this table, tagged as ObjectLayout says. An exception gets a handle when a handler first
// asks for its reference, and keeps it however often it is thrown again; one that is caught for its values alone never has one.
//
// Handles that no guest holds are freed like those of the host's objects (HandleCollector): by collections of the whole heap, and when exceptions take twice what was left of them, or
// as much as they may. What an exception carries is held by it: the collector of the nursery visits the values of all exceptions, that of everything those of the exceptions that it has marked.
//
// Invariants: a guest decides how many there are, and the store's limits are asked about each. Validation keeps guests from forging handles; one out of range is a bug of ours, and is met by an
// exception, never by memory.
using System.Runtime.CompilerServices;
using Tarn.Compiler.Abi;
using Tarn.Heaps;

namespace Tarn.Stores;

internal sealed unsafe class ExceptionTable(StoreCore store)
{
    // What a slot keeps for its next instance.
    private const int KeptCapacity = 64;

    // The object, its array without the values, and its place in the table, which may be twice as long as it is full.
    private const int ObjectBytes = 96;
    private const long FewestBytesToCollect = 256 << 10;
    private const int None = -1;

    private readonly Stack<int> _free = new();
    private readonly Stack<int> _marked = new();
    private ExceptionObject?[] _objects = [];
    private ulong[] _marks = [];
    private int _used;
    private int _newest = None;
    private long _bytes;
    private long _nextCollection = FewestBytesToCollect;

    /// <summary>Exceptions that guests have references to, those included that have not been found to be dropped.</summary>
    public int Count => _used - _free.Count;

    /// <summary>Adds an exception, whose handle no guest has yet.</summary>
    /// <returns>Its handle.</returns>
    /// <exception cref="TrapException">The store's limits do not allow one more.</exception>
    public ulong Add(TagInstance tag, ReadOnlySpan<RawValue> payload)
    {
        if (!_free.TryPop(out int index))
        {
            if (_used == _objects.Length)
                Array.Resize(ref _objects, Math.Max(8, _used * 2));
            index = _used++;
        }
        _objects[index] = new ExceptionObject(tag, payload.ToArray());
        _bytes += BytesOf(payload.Length);
        long limit = StoreLimits.ExceptionBytes(store.Limits);
        if (_bytes > Math.Min(limit, _nextCollection))
            MakeRoom(index, limit);
        return ((ulong)(uint)index << ObjectLayout.HandleShift) | ObjectLayout.ExceptionBit | ObjectLayout.HandleTag;
    }

    /// <summary>The exception of a handle, which is not null.</summary>
    public ExceptionObject Get(ulong handle) => _objects[checked((int)(handle >> ObjectLayout.HandleShift))]!;

    /// <summary>Whether a handle is one that some exception has.</summary>
    public bool IsInUse(uint handle) => handle >> ObjectLayout.HandleShift < (uint)_used && _objects[handle >> ObjectLayout.HandleShift] is not null;

    /// <summary>Visits the managed references in all exceptions.</summary>
    public void Visit<T>(T visitor)
        where T : IRootVisitor
    {
        for (int i = 0; i < _used; i++)
        {
            if (_objects[i] is ExceptionObject exception)
                VisitPayload(exception, visitor);
        }
    }

    /// <summary>Begins to find out which exceptions are still held.</summary>
    public void BeginMarking()
    {
        int words = (_used + 63) / 64;
        if (_marks.Length < words)
            _marks = new ulong[words];
        Array.Clear(_marks);
        _marked.Clear();
        if (_newest != None)
            MarkIndex(_newest);
    }

    /// <summary>A handle that is held.</summary>
    public void Mark(uint handle) => MarkIndex((int)(handle >> ObjectLayout.HandleShift));

    /// <summary>Visits the managed references in exceptions that were marked and not visited yet.</summary>
    /// <returns>Whether there were any: visiting may have marked others.</returns>
    public bool VisitMarked<T>(T visitor)
        where T : IRootVisitor
    {
        bool any = _marked.Count != 0;
        while (_marked.TryPop(out int index))
            VisitPayload(_objects[index]!, visitor);
        return any;
    }

    /// <summary>Lets go of the exceptions that were not marked.</summary>
    public void Sweep()
    {
        for (int i = 0; i < _used; i++)
        {
            if ((_marks[i / 64] & (1UL << (i % 64))) == 0 && _objects[i] is not null)
                Drop(i);
        }
    }

    /// <summary>Forgets all exceptions.</summary>
    public void Clear()
    {
        if (_used == 0)
            return;
        if (_objects.Length > KeptCapacity)
        {
            _objects = [];
            _marks = [];
        }
        else
        {
            Array.Clear(_objects, 0, _used);
        }
        _free.Clear();
        _used = 0;
        _bytes = 0;
        _nextCollection = FewestBytesToCollect;
    }

    private static long BytesOf(int values) => ObjectBytes + (values * (long)Unsafe.SizeOf<RawValue>());

    // The exception whose handle no guest has yet is kept meanwhile.
    private void MakeRoom(int index, long limit)
    {
        _newest = index;
        try
        {
            if (store.ManagedHeap is ManagedHeap heap)
                heap.Collect(0, forceFull: true);
            else
                store.Handles.CollectWithoutHeap();
        }
        finally
        {
            _newest = None;
        }
        _nextCollection = Math.Max(FewestBytesToCollect, 2 * _bytes);
        if (_bytes <= limit)
            return;
        Drop(index);
        throw StoreQuota.TooManyExceptions(store, Count);
    }

    private void MarkIndex(int index)
    {
        ref ulong word = ref _marks[index / 64];
        ulong bit = 1UL << (index % 64);
        if ((word & bit) != 0)
            return;
        word |= bit;
        _marked.Push(index);
    }

    private void Drop(int index)
    {
        _bytes -= BytesOf(_objects[index]!.Payload.Length);
        _objects[index] = null;
        _free.Push(index);
    }

    private void VisitPayload<T>(ExceptionObject exception, T visitor)
        where T : IRootVisitor
    {
        TypeRegistry types = store.Engine.Types;
        ReadOnlySpan<ValType> parameters = types.Function(exception.Tag.TypeId).Parameters;
        fixed (RawValue* payload = exception.Payload)
        {
            for (int k = 0; k < parameters.Length; k++)
            {
                if (TypeShape.IsManaged(parameters[k], types))
                    visitor.Visit(&payload[k].Low);
            }
        }
    }
}

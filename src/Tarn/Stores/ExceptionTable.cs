// The exceptions that guests of one store hold references to (exnref). A guest sees handles: indices into this table, shifted so that 0 is null. An exception gets a handle when a
// handler first asks for its reference, and keeps it however often it is thrown again; one that is caught for its values alone never has one.
//
// Invariants: a handle stays what it is until the store ends (or, pooled, until the slot is reset), since a guest may keep it anywhere: in locals, tables, globals, payloads of other
// exceptions. So a guest decides how many there are, and the store's limits are asked about each. Validation keeps guests from forging handles; one out of range is a bug of ours, and
// is met by an exception, never by memory.
using System.Runtime.CompilerServices;

namespace Tarn.Stores;

internal sealed class ExceptionTable(StoreCore store)
{
    // What a slot keeps for its next instance.
    private const int KeptCapacity = 64;

    // The object, its array without the values, and its place in the table, which may be twice as long as it is full.
    private const int ObjectBytes = 96;

    private ExceptionObject?[] _objects = [];
    private int _count;
    private long _bytes;

    /// <summary>Exceptions that guests have references to.</summary>
    public int Count => _count;

    /// <summary>Adds an exception.</summary>
    /// <returns>Its handle.</returns>
    /// <exception cref="TrapException">The store's limits do not allow one more.</exception>
    public ulong Add(TagInstance tag, ReadOnlySpan<RawValue> payload)
    {
        long bytes = ObjectBytes + (payload.Length * (long)Unsafe.SizeOf<RawValue>());
        if (_bytes + bytes > StoreLimits.ExceptionBytes(store.Limits))
            throw StoreQuota.TooManyExceptions(store, _count);
        if (_count == _objects.Length)
            Array.Resize(ref _objects, Math.Max(8, _count * 2));
        _objects[_count++] = new ExceptionObject(tag, payload.ToArray());
        _bytes += bytes;
        return (ulong)_count;
    }

    /// <summary>The exception of a handle, which is not null.</summary>
    public ExceptionObject Get(ulong handle) => _objects[checked((int)(handle - 1))]!;

    /// <summary>Visits the managed references in exceptions.</summary>
    public unsafe void Visit<T>(T visitor)
        where T : Heaps.IRootVisitor
    {
        TypeRegistry types = store.Engine.Types;
        for (int i = 0; i < _count; i++)
        {
            ExceptionObject exception = _objects[i]!;
            ReadOnlySpan<ValType> parameters = types.Function(exception.Tag.TypeId).Parameters;
            fixed (RawValue* payload = exception.Payload)
            {
                for (int k = 0; k < parameters.Length; k++)
                {
                    if (Heaps.TypeShape.IsManaged(parameters[k], types))
                        visitor.Visit(&payload[k].Low);
                }
            }
        }
    }

    /// <summary>Forgets all exceptions.</summary>
    public void Clear()
    {
        if (_count == 0)
            return;
        if (_objects.Length > KeptCapacity)
            _objects = [];
        else
            Array.Clear(_objects, 0, _count);
        _count = 0;
        _bytes = 0;
    }
}

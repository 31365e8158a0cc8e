// A guest's reference that the host holds. What it refers to is kept alive and may move; the cell of HostRoots says where it is. A reference that is not disposed releases its cell when it is
// collected.
//
// Code that reads what a reference refers to is inside the store from the moment that it reads the cell until it is done. It lets no code of the host or of a guest run meanwhile, since either may
// make the collector run.
using Tarn.Compiler.Abi;
using Tarn.Handles;
using Tarn.Heaps;

namespace Tarn;

/// <summary>
/// A reference to a value of a guest's own heap: a <see cref="StructReference"/>, an <see cref="ArrayReference"/> or an <see cref="I31Reference"/>. What it refers to stays alive while the host
/// holds the reference, or until its store ends. Dispose it to let go earlier.
/// </summary>
public abstract class GuestReference : IDisposable
{
    private const int NoCell = -1;

    private readonly StoreCore? _store;
    private readonly int _storeGeneration;
    private readonly HostRoots? _roots;
    private readonly int _rootsGeneration;
    private int _cell = NoCell;

    private protected GuestReference()
    {
#pragma warning disable CA1816 // It holds nothing: there is nothing to finalize from the start.
        GC.SuppressFinalize(this);
#pragma warning restore CA1816
    }

    private protected GuestReference(StoreCore store, uint raw)
    {
        _store = store;
        _storeGeneration = store.Generation;
        _roots = store.RequireHostRoots();
        _rootsGeneration = _roots.Generation;
        _cell = _roots.Take(raw);
    }

    /// <summary>Releases the cell of a reference that was forgotten.</summary>
    ~GuestReference() => Release();

    /// <summary>Gets whether two references refer to the same object, or are the same <c>i31</c>: what <c>ref.eq</c> says.</summary>
    /// <param name="other">The other reference.</param>
    /// <exception cref="ObjectDisposedException">One of them has been disposed, or its store has ended.</exception>
    public bool RefersToSame(GuestReference other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (_store is null || other._store is null)
            return this is I31Reference mine && other is I31Reference its && mine.Value == its.Value;
        using StoreUse use = Enter();
        return _store == other._store && _storeGeneration == other._storeGeneration && Raw() == other.Raw();
    }

    /// <summary>Releases what the reference refers to.</summary>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>A reference of a guest as the host sees it. Inside the store.</summary>
    internal static GuestReference Of(StoreCore store, ulong raw)
    {
        if ((raw & ObjectLayout.SmallIntegerBit) != 0)
            return new I31Reference((int)(uint)raw >> 1);
        return store.ManagedHeap!.ShapeAt((uint)raw).Kind == CompositeKind.Struct ? new StructReference(store, (uint)raw) : new ArrayReference(store, (uint)raw);
    }

    /// <summary>The reference as it is now, for a store that the caller is inside of.</summary>
    /// <exception cref="ArgumentException">It belongs to another store, or to an earlier life of this one.</exception>
    /// <exception cref="ObjectDisposedException">It has been disposed.</exception>
    internal virtual ulong RawIn(StoreCore store)
    {
        if (store != _store || store.Generation != _storeGeneration)
            throw new ArgumentException("The reference belongs to another store, or to one that has ended.");
        return Raw();
    }

    private protected StoreCore Store => _store!;

    private protected ManagedHeap Heap => _store!.ManagedHeap!;

    private protected StoreUse Enter() => StoreCore.Enter(_store, _storeGeneration);

    /// <summary>Where the object is now. Inside the store.</summary>
    private protected uint Raw()
    {
        int cell = _cell;
        ObjectDisposedException.ThrowIf(cell == NoCell || _roots!.Generation != _rootsGeneration, this);
        return (uint)_roots[cell];
    }

    /// <summary>The object's own type as the host sees it.</summary>
    private protected DefinedType OwnType()
    {
        using StoreUse use = Enter();
        return TypeDescriptions.Defined(Store.Engine.Types, Heap.TypeAt(Raw()));
    }

    /// <summary>The object's type. Inside the store.</summary>
    private protected TypeShape Shape => Heap.ShapeAt(Raw());

    /// <summary>Writes a field or element. The value is converted first, which may run code of the host.</summary>
    private protected void Write(FieldType field, int offset, Value value)
    {
        RawValue raw = Store.ToRaw(value, field.Storage.Unpacked);
        HeapOperations.Store(Heap, Raw() + (uint)offset, field.Storage, raw);
    }

    /// <summary>Reads a field or element.</summary>
    private protected Value Read(FieldType field, int offset) =>
        Store.ToValue(HeapOperations.Read(Heap, Raw() + (uint)offset, field.Storage), field.Storage.Unpacked);

    private void Release()
    {
        int cell = Interlocked.Exchange(ref _cell, NoCell);
        if (cell != NoCell)
            _roots!.Release(cell, _rootsGeneration);
    }
}

// A guest's reference that the host holds: a structure, an array, a small integer, or an object of the host that passed through the guest as anyref. What it refers to is kept alive and may
// move; the cell of HostRoots says where it is. One that nobody disposes gives its cell back when it is collected.
using System.Diagnostics;
using Tarn.Compiler.Abi;
using Tarn.Heaps;

namespace Tarn;

/// <summary>A reference to a managed object of a guest, which stays alive while the host holds the reference or until its store ends. Dispose it to let go earlier.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class GuestReference : IDisposable
{
    private const int NoCell = -1;

    private readonly StoreCore _store;
    private readonly int _storeGeneration;
    private readonly HostRoots? _roots;
    private readonly int _rootsGeneration;
    private readonly uint _bits;
    private int _cell;

    private GuestReference(StoreCore store, ulong raw)
    {
        _store = store;
        _storeGeneration = store.Generation;
        _cell = NoCell;
        if ((raw & ObjectLayout.SmallIntegerBit) != 0)
        {
            _bits = (uint)raw;
            GC.SuppressFinalize(this);
        }
        else
        {
            _roots = store.ManagedHeap!.HostRoots;
            _rootsGeneration = _roots.Generation;
            _cell = _roots.Take(raw);
        }
    }

    /// <summary>Gives the cell back of a reference that was forgotten.</summary>
    ~GuestReference() => Release();

    /// <summary>Whether this is a small integer, an <c>i31</c>.</summary>
    public bool IsI31 => _bits != 0;

    /// <summary>Gets the value of an <c>i31</c>, sign-extended.</summary>
    /// <exception cref="InvalidOperationException">The reference is not one.</exception>
    public int AsI31() => IsI31 ? (int)_bits >> 1 : throw new InvalidOperationException("the reference is not an i31");

    /// <summary>Whether this is a structure.</summary>
    /// <exception cref="ObjectDisposedException">The reference has been disposed, or its store has ended.</exception>
    public bool IsStruct => Is(CompositeKind.Struct);

    /// <summary>Whether this is an array.</summary>
    /// <exception cref="ObjectDisposedException">The reference has been disposed, or its store has ended.</exception>
    public bool IsArray => Is(CompositeKind.Array);

    /// <summary>Lets go of what it refers to.</summary>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc/>
    public override string ToString() => IsI31 ? $"i31 {AsI31()}" : "reference";

    internal static GuestReference Of(StoreCore store, ulong raw) => new(store, raw);

    internal StoreCore Store => _store;

    /// <summary>The reference as it is now, for a store that the caller is inside of.</summary>
    /// <exception cref="ArgumentException">It belongs to another store, or to an earlier life of this one.</exception>
    internal ulong RawIn(StoreCore store)
    {
        if (store != _store || store.Generation != _storeGeneration)
            throw new ArgumentException("the reference belongs to another store, or to one that has ended");
        return Raw();
    }

    private ulong Raw()
    {
        if (IsI31)
            return _bits;
        int cell = _cell;
        ObjectDisposedException.ThrowIf(cell == NoCell || _roots!.Generation != _rootsGeneration, this);
        return _roots[cell];
    }

    private unsafe bool Is(CompositeKind kind)
    {
        if (IsI31)
            return false;
        using StoreUse use = StoreCore.Enter(_store, _storeGeneration);
        ulong raw = Raw();
        return (raw & ObjectLayout.TagMask) == 0 && _store.ManagedHeap!.ShapeAt((uint)raw).Kind == kind;
    }

    private void Release()
    {
        int cell = Interlocked.Exchange(ref _cell, NoCell);
        if (cell != NoCell)
            _roots!.Release(cell, _rootsGeneration);
    }
}

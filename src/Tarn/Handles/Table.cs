// The host's view of a table. A handle that checks on each use that its store still lives.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Tarn.Handles;
using Tarn.Linking;
using Tarn.Tables;

namespace Tarn;

/// <summary>A table of references.</summary>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public readonly unsafe struct Table : IEquatable<Table>
{
    private readonly StoreCore? _store;
    private readonly int _generation;
    private readonly TableInstance? _table;

    internal Table(StoreCore store, int generation, TableInstance table)
    {
        _store = store;
        _generation = generation;
        _table = table;
    }

    /// <summary>Gets the table's type, with the current length as its minimum.</summary>
    /// <exception cref="ObjectDisposedException">The instance has been disposed.</exception>
    public TableType Type
    {
        get
        {
            using StoreUse use = Enter();
            return _table!.Describe(_store!.Engine.Types);
        }
    }

    /// <summary>Gets the number of elements.</summary>
    public long Length
    {
        get
        {
            using StoreUse use = Enter();
            return (long)_table!.Length;
        }
    }

    /// <summary>Gets the number of elements that the table was declared with.</summary>
    public long Minimum => (long)Instance.Type.Limits.Minimum;

    /// <summary>Gets the number of elements to which the table was declared to grow; <see langword="null"/> for no bound of its own.</summary>
    public long? Maximum => Instance.Type.Limits.HasMaximum ? (long)Math.Min(Instance.Type.Limits.Maximum, long.MaxValue) : null;

    /// <summary>Gets the number of elements to which the table can grow: the least of its own maximum and the engine's limits.</summary>
    public long GrowthLimit => (long)Instance.Capacity;

    /// <summary>Gets whether indices have 64 bits.</summary>
    public bool Is64 => Instance.Type.Limits.Is64;

    internal StoreCore? Store => _store;

    internal int Generation => _generation;

    internal TableInstance Instance
    {
        get
        {
            StoreCore.ThrowIfStale(_store, _generation);
            return _table!;
        }
    }

    /// <summary>Whether two handles are of the same table.</summary>
    public static bool operator ==(Table left, Table right) => left.Equals(right);

    /// <summary>Whether two handles are of different tables.</summary>
    public static bool operator !=(Table left, Table right) => !left.Equals(right);

    /// <summary>Reads an element.</summary>
    public Value Get(long index)
    {
        using StoreUse use = Enter();
        return _store!.ToValue(new RawValue { Low = *At(index) }, _table!.Type.Element);
    }

    /// <summary>Writes an element; the value must be a reference of the table's type.</summary>
    public void Set(long index, Value value)
    {
        using StoreUse use = Enter();
        ulong* element = At(index);
        *element = _store!.ToRaw(value, _table!.Type.Element).Low;
        _table.IsDirty = true;
    }

    /// <summary>Grows the table; new elements are <paramref name="initial"/>.</summary>
    /// <returns>The length before.</returns>
    /// <exception cref="InvalidOperationException">The table may not grow that much; the message says what limits it.</exception>
    public long Grow(long count, Value initial)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        using StoreUse use = Enter();
        TableInstance table = _table!;
        long before = StoreQuota.Grow(_store!, table, (ulong)count, _store!.ToRaw(initial, table.Type.Element).Low);
        return before >= 0 ? before : throw new InvalidOperationException(StoreQuota.DescribeRefusal(_store!, table, (ulong)count));
    }

    /// <inheritdoc/>
    public bool Equals(Table other) => ReferenceEquals(_table, other._table) && _generation == other._generation;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Table other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _table is null ? 0 : RuntimeHelpers.GetHashCode(_table);

    private StoreUse Enter() => StoreCore.Enter(_store, _generation);

    private ulong* At(long index)
    {
        TableInstance table = _table!;
        if ((ulong)index >= table.Length)
            throw new ArgumentOutOfRangeException(nameof(index), $"Element {index} does not exist in a table of {table.Length}.");
        return table.Elements + index;
    }

    /// <summary>What an import that is bound to the table refers to.</summary>
    internal Definition ToDefinition() => Definition.Of(_store!, _generation, Instance);

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private string DebuggerDisplay => _store is null || _store.Generation != _generation ? "Table, disposed" : $"Table, {_table!.Length} elements";
}

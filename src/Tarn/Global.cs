// The host's view of a global. A handle that checks on each use that its store still lives.
using Tarn.Scheduling;

namespace Tarn;

/// <summary>A global variable.</summary>
public readonly unsafe struct Global : IEquatable<Global>
{
    private readonly Store? _store;
    private readonly int _generation;
    private readonly RawValue* _cell;
    private readonly GlobalType _type;

    internal Global(Store store, int generation, RawValue* cell, GlobalType type)
    {
        _store = store;
        _generation = generation;
        _cell = cell;
        _type = type;
    }

    /// <summary>Whether the guest and the host may change it.</summary>
    public bool IsMutable => _type.IsMutable;

    /// <summary>The kind of its value.</summary>
    public ValueKind Kind
    {
        get
        {
            Store.ThrowIfStale(_store, _generation);
            return ValueKinds.Of(_type.Type, _store!.Engine.Types);
        }
    }

    /// <summary>The value.</summary>
    /// <exception cref="InvalidOperationException">Set: the global is immutable.</exception>
    /// <exception cref="ArgumentException">Set: the value is not of the global's type.</exception>
    public Value Value
    {
        get
        {
            using StoreUse use = Store.Enter(_store, _generation);
            return _store.ToValue(*_cell, _type.Type);
        }
        set
        {
            using StoreUse use = Store.Enter(_store, _generation);
            if (!_type.IsMutable)
                throw new InvalidOperationException("the global is immutable");
            *_cell = _store.ToRaw(value, _type.Type);
        }
    }

    internal Store? Store => _store;

    internal int Generation => _generation;

    internal GlobalType Type => _type;

    internal RawValue* Cell
    {
        get
        {
            Store.ThrowIfStale(_store, _generation);
            return _cell;
        }
    }

    /// <summary>Whether two handles are of the same global.</summary>
    public static bool operator ==(Global left, Global right) => left.Equals(right);

    /// <summary>Whether two handles are of different globals.</summary>
    public static bool operator !=(Global left, Global right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(Global other) => _cell == other._cell && _generation == other._generation;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Global other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => ((nint)_cell).GetHashCode();
}

// The host's view of a global. A handle that checks on each use that its store still lives.
using System.Diagnostics;
using Tarn.Handles;
using Tarn.Linking;

namespace Tarn;

/// <summary>A global variable.</summary>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public readonly unsafe struct Global : IEquatable<Global>
{
    private readonly StoreCore? _store;
    private readonly int _generation;
    private readonly RawValue* _cell;
    private readonly CoreGlobalType _type;

    internal Global(StoreCore store, int generation, RawValue* cell, CoreGlobalType type)
    {
        _store = store;
        _generation = generation;
        _cell = cell;
        _type = type;
    }

    /// <summary>Gets the global's type.</summary>
    /// <exception cref="ObjectDisposedException">The instance has been disposed.</exception>
    public GlobalType Type
    {
        get
        {
            using StoreUse use = StoreCore.Enter(_store, _generation);
            return TypeDescriptions.Global(_store.Engine.Types, _type);
        }
    }

    /// <summary>Gets whether the value can be changed, by guests and by the host.</summary>
    public bool IsMutable => _type.IsMutable;

    /// <summary>Gets or sets the value.</summary>
    /// <exception cref="InvalidOperationException">Set: the global is immutable.</exception>
    /// <exception cref="ArgumentException">Set: the value is not of the global's type.</exception>
    public Value Value
    {
        get
        {
            using StoreUse use = StoreCore.Enter(_store, _generation);
            return _store.ToValue(*_cell, _type.Type);
        }
        set
        {
            using StoreUse use = StoreCore.Enter(_store, _generation);
            if (!_type.IsMutable)
                throw new InvalidOperationException("The global is immutable.");
            *_cell = _store.ToRaw(value, _type.Type);
        }
    }

    internal StoreCore? Store => _store;

    internal int Generation => _generation;

    internal CoreGlobalType CoreType => _type;

    internal RawValue* Cell
    {
        get
        {
            StoreCore.ThrowIfStale(_store, _generation);
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

    /// <summary>What an import that is bound to the global refers to.</summary>
    internal Definition ToDefinition() => Definition.Of(_store!, _generation, Cell, _type);

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private string DebuggerDisplay => _store is null || _store.Generation != _generation ? "Global, disposed" : TypeDescriptions.Global(_store.Engine.Types, _type).ToString();
}

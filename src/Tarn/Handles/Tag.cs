// The host's view of an exception tag. A handle that checks on each use that its store still lives.
using System.Diagnostics;
using Tarn.Linking;

namespace Tarn;

/// <summary>An exception tag: what distinguishes one kind of exception from another, and says which values they carry.</summary>
[DebuggerDisplay("{DebuggerDisplay,nq}")]
public readonly struct Tag : IEquatable<Tag>
{
    private readonly StoreCore? _store;
    private readonly TagInstance? _instance;

    internal Tag(StoreCore store, int generation, TagInstance instance)
    {
        _store = store;
        _instance = instance;
        Generation = generation;
    }

    /// <summary>Gets the tag's type.</summary>
    /// <exception cref="ObjectDisposedException">The store has been disposed.</exception>
    public TagType Type
    {
        get
        {
            using StoreUse use = StoreCore.Enter(_store, Generation);
            return new TagType(TypeDescriptions.Function(_store.Engine.Types, _instance!.TypeId));
        }
    }

    internal StoreCore Store
    {
        get
        {
            StoreCore.ThrowIfStale(_store, Generation);
            return _store;
        }
    }

    internal int Generation { get; }

    internal Definition ToDefinition() => Definition.Of(Store, Generation, Instance);

    internal TagInstance Instance => _instance!;

    /// <summary>Whether two handles are of the same tag.</summary>
    public static bool operator ==(Tag left, Tag right) => left.Equals(right);

    /// <summary>Whether two handles are of different tags.</summary>
    public static bool operator !=(Tag left, Tag right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(Tag other) => ReferenceEquals(_instance, other._instance) && Generation == other.Generation;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Tag other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_instance, Generation);

    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private string DebuggerDisplay => _store is null || _store.Generation != Generation ? "Tag, disposed" : Type.ToString();
}

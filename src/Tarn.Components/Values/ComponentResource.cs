// A resource in the hands of the host: one that a guest gave away or lent, or one of the host's own that guests hold handles of.
//
// Invariants: an owned resource is dropped exactly once, by Dispose or by whoever it was passed to as owned; one that is lent cannot be given away, and one that was borrowed is of no use
// after the call that it was borrowed for.
using Tarn.Components.Runtime;

namespace Tarn.Components;

/// <summary>Represents a resource that the host holds.</summary>
public sealed class ComponentResource : IDisposable
{
    private readonly ResourceRuntime _type;
    private ResourceState _state;
    private int _lends;

    internal ComponentResource(ResourceRuntime type, uint representation, bool isOwned)
    {
        _type = type;
        Representation = representation;
        _state = isOwned ? ResourceState.Owned : ResourceState.Borrowed;
    }

    private enum ResourceState : byte
    {
        Owned,
        Borrowed,
        Gone,
    }

    /// <summary>Gets a value that indicates whether the host owns the resource.</summary>
    public bool IsOwned => _state == ResourceState.Owned;

    /// <summary>Gets the object behind a resource of the host, or <see langword="null"/> for a resource of a guest.</summary>
    /// <exception cref="ObjectDisposedException">The resource is no longer the host's.</exception>
    public object? Target
    {
        get
        {
            ThrowIfGone();
            return _type.Host?.Find(Representation);
        }
    }

    internal ResourceRuntime Type => _type;

    internal uint Representation { get; }

    /// <summary>Drops a resource that the host owns; its destructor is called. Does nothing for one that is borrowed or was given away.</summary>
    public void Dispose()
    {
        if (_state != ResourceState.Owned || _lends > 0)
            return;
        _state = ResourceState.Gone;
        // Where the instance that implements the resource is gone, or trapped and cannot be entered, so is the resource.
        if (_type.Owner is null || !(_type.Owner.Root.IsDisposed || _type.Owner.Root.IsPoisoned))
            _type.Destroy(Representation, null);
    }

    /// <summary>Lets go of an owned resource of the host without destroying the object behind it.</summary>
    internal void Release()
    {
        Check(_type, asOwned: true);
        _state = ResourceState.Gone;
        _type.Host!.Forget(Representation);
    }

    /// <summary>Refuses a resource that cannot be passed.</summary>
    internal void Check(ResourceRuntime expected, bool asOwned)
    {
        ThrowIfGone();
        if (expected != _type)
            throw new ArgumentException("The resource is of another type than the parameter.");
        if (asOwned && _state != ResourceState.Owned)
            throw new InvalidOperationException("The resource is borrowed, and ownership of it cannot be passed on.");
        if (asOwned && _lends > 0)
            throw new InvalidOperationException("The resource is lent at the moment, and ownership of it cannot be passed on.");
    }

    internal uint Lend(ResourceRuntime expected)
    {
        Check(expected, asOwned: false);
        _lends++;
        return Representation;
    }

    internal void EndLend() => _lends--;

    internal uint Take(ResourceRuntime expected)
    {
        Check(expected, asOwned: true);
        _state = ResourceState.Gone;
        return Representation;
    }

    /// <summary>Ends a borrow.</summary>
    internal void Expire()
    {
        if (_state == ResourceState.Borrowed)
            _state = ResourceState.Gone;
    }

    private void ThrowIfGone() => ObjectDisposedException.ThrowIf(_state == ResourceState.Gone, this);
}

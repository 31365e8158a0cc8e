// What one call across a border has borrowed: the caller's handles that are lent while it lasts, and how many borrowed handles the callee still holds; and how much of the host's memory its
// values take. A guest can describe a value of any size with few bytes, since the strings of a list may all be the same bytes of its memory: values are charged for before they are made.
using Tarn.Components.Handles;

namespace Tarn.Components.Runtime;

/// <summary>The borrows of a call.</summary>
/// <param name="budget">Bytes of the host's memory that the values of the call may take.</param>
internal sealed class CallScope(long budget)
{
    private long _budget = budget;
    private List<(HandleTable Table, uint Index)>? _lent;
    private List<ComponentResource>? _resources;
    private List<ComponentResource>? _borrowed;

    /// <summary>Borrowed handles that the callee holds.</summary>
    public int Borrows { get; set; }

    /// <summary>Charges the call for memory of the host.</summary>
    /// <exception cref="ComponentTrapException">The values of the call take more than they may.</exception>
    public void Charge(long bytes)
    {
        _budget -= bytes;
        if (_budget < 0)
            throw new ComponentTrapException(ComponentTrapCode.LimitReached, "the values of the call take more of the host's memory than they may; ComponentOptions.ValueBytes is the limit");
    }

    /// <summary>Notes that a handle is lent.</summary>
    public void Lend(HandleTable table, uint index) => (_lent ??= []).Add((table, index));

    /// <summary>Notes that a resource of the host is lent.</summary>
    public void Lend(ComponentResource resource) => (_resources ??= []).Add(resource);

    /// <summary>Notes a borrowed resource that was made for the call and is of no use after it.</summary>
    public ComponentResource Borrow(ComponentResource resource)
    {
        (_borrowed ??= []).Add(resource);
        return resource;
    }

    /// <summary>Refuses that the callee returns while it holds borrowed handles.</summary>
    public void CheckReturn()
    {
        if (Borrows > 0)
            throw new ComponentTrapException(ComponentTrapCode.BorrowsRemain, "borrow handles still remain at the end of the call");
    }

    /// <summary>Ends all borrows.</summary>
    public void End()
    {
        if (_lent is not null)
        {
            foreach ((HandleTable table, uint index) in _lent)
                table.EndLend(index);
        }

        if (_borrowed is not null)
        {
            foreach (ComponentResource resource in _borrowed)
                resource.Expire();
        }

        if (_resources is not null)
        {
            foreach (ComponentResource resource in _resources)
                resource.EndLend();
        }
    }
}

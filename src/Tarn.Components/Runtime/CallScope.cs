// What one call across a border has borrowed: the caller's handles that are lent while it lasts, and how many borrowed handles the callee still holds.
using Tarn.Components.Handles;

namespace Tarn.Components.Runtime;

/// <summary>The borrows of a call.</summary>
internal sealed class CallScope
{
    private List<(HandleTable Table, uint Index)>? _lent;
    private List<ComponentResource>? _resources;
    private List<ComponentResource>? _borrowed;

    /// <summary>Borrowed handles that the callee holds.</summary>
    public int Borrows { get; set; }

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

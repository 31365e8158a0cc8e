// The handles of one component instance (CanonicalABI.md, "Table State"): indices from 1, freed ones used again, last first. All resource types share the table, and an entry remembers its
// type, so that a handle cannot be used as one of another.
//
//   entry  what            free            owned                     borrowed
//          Type            null            the resource type         the resource type
//          Representation  next free       representation            representation
//          Lends           0               borrows that are open     0
//          Scope           null            null                      the call that it was borrowed for
//
// Invariant: an owned entry with open borrows is not removed. The table grows as it is used, to its limit and no further.
using Tarn.Components.Runtime;

namespace Tarn.Components.Handles;

/// <summary>An entry of a table.</summary>
internal struct HandleEntry
{
    public ResourceRuntime? Type;
    public uint Representation;
    public int Lends;
    public CallScope? Scope;
}

/// <summary>A table of handles.</summary>
internal sealed class HandleTable(int limit)
{
    private HandleEntry[] _entries = [];
    private int _count = 1;
    private uint _free;

    /// <summary>How many handles there are.</summary>
    public int Used { get; private set; }

    /// <summary>Adds a handle.</summary>
    /// <exception cref="ComponentTrapException">The table is full.</exception>
    public uint Add(ResourceRuntime type, uint representation, CallScope? scope)
    {
        uint index = _free;
        if (index != 0)
        {
            _free = _entries[index].Representation;
        }
        else
        {
            if (_count > limit)
                throw new ComponentTrapException(ComponentTrapCode.LimitReached, $"resource table has no free keys: the instance has {limit} handles, which is as many as it may have");
            if (_count >= _entries.Length)
                Array.Resize(ref _entries, Math.Min(Math.Max(_entries.Length * 2, 8), limit + 1));
            index = (uint)_count++;
        }

        _entries[index] = new HandleEntry { Type = type, Representation = representation, Scope = scope };
        Used++;
        return index;
    }

    /// <summary>The entry of a handle of a type.</summary>
    /// <exception cref="ComponentTrapException">There is no such handle.</exception>
    public ref HandleEntry Find(uint index, ResourceRuntime type)
    {
        if (index >= (uint)_entries.Length || _entries[index].Type is not ResourceRuntime found)
            throw new ComponentTrapException(ComponentTrapCode.InvalidHandle, $"unknown handle index {index}");
        if (found != type)
        {
            throw new ComponentTrapException(
                ComponentTrapCode.InvalidHandle,
                $"handle index {index} used with the wrong type, expected {type.Description} but found {(found.Host is null && type.Host is null ? "a different guest-defined resource" : found.Description)}");
        }

        return ref _entries[index];
    }

    /// <summary>Removes a handle.</summary>
    /// <exception cref="ComponentTrapException">There is no such handle, or it is lent.</exception>
    public HandleEntry Remove(uint index, ResourceRuntime type)
    {
        HandleEntry entry = Find(index, type);
        if (entry.Lends > 0)
            throw new ComponentTrapException(ComponentTrapCode.InvalidHandle, "cannot remove owned resource while borrowed");
        _entries[index] = new HandleEntry { Representation = _free };
        _free = index;
        Used--;
        return entry;
    }

    /// <summary>Destroys the resources of the host that the instance still owns: the instance has ended. What one destructor throws does not keep the others from being called.</summary>
    public void DropHostResources()
    {
        List<Exception>? problems = null;
        for (int i = 1; i < _count; i++)
        {
            HandleEntry entry = _entries[i];
            if (entry is not { Type.Host: not null, Scope: null })
                continue;
            _entries[i] = default;
            try
            {
                entry.Type.Host.Destroy(entry.Representation);
            }
            catch (Exception e)
            {
                (problems ??= []).Add(e);
            }
        }

        if (problems is not null)
            throw new AggregateException(problems);
    }

    /// <summary>Ends a borrow of a handle that is still there, since it was lent.</summary>
    public void EndLend(uint index) => _entries[index].Lends--;
}

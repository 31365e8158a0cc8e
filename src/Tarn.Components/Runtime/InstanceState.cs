// A component instance at run time: its handles, and whether it may be entered and left (CanonicalABI.md, "Component Instance State").
//
// An instance is entered by one call at a time, and neither the component around it nor one within it is entered meanwhile: what is on the stack of calls is asked. After a trap nothing of
// the component is entered again, since its memory may be in any state.
using Tarn.Components.Handles;

namespace Tarn.Components.Runtime;

/// <summary>A component instance.</summary>
internal sealed class InstanceState(ComponentStore root, InstanceState? parent)
{
    public ComponentStore Root { get; } = root;

    public InstanceState? Parent { get; } = parent;

    public HandleTable Handles => field ??= CreateTable(Root);

    /// <summary>Whether the instance may call out.</summary>
    public bool MayLeave { get; set; } = true;

    /// <summary>The slots that a call's functions share (<c>context.get</c> and <c>context.set</c>); zero when the call begins.</summary>
    public (ulong First, ulong Second) Context { get; set; }

    /// <summary>Enters the instance for a call.</summary>
    /// <exception cref="ComponentTrapException">It cannot be entered.</exception>
    /// <exception cref="ObjectDisposedException">The component's instance has been disposed.</exception>
    public CallEntry Enter()
    {
        ObjectDisposedException.ThrowIf(Root.IsDisposed, typeof(ComponentInstance));
        if (Root.IsPoisoned)
            throw new ComponentTrapException(ComponentTrapCode.CannotEnter, "cannot enter component instance: it trapped before");
        for (CallEntry? active = Root.Active; active is not null; active = active.Outer)
        {
            if (active.Instance.IsWithin(this) || IsWithin(active.Instance))
                throw Root.Poison(new ComponentTrapException(ComponentTrapCode.CannotEnter, "cannot enter component instance"));
        }

        Context = default;
        CallEntry entry = new(this, Root.Active);
        Root.Active = entry;
        return entry;
    }

    /// <summary>Refuses a call out of an instance that may not leave.</summary>
    public void CheckLeave()
    {
        if (!MayLeave)
            throw new ComponentTrapException(ComponentTrapCode.CannotLeave, "cannot leave component instance");
    }

    private static HandleTable CreateTable(ComponentStore root)
    {
        HandleTable table = new(root.HandleLimit);
        (root.Tables ??= []).Add(table);
        return table;
    }

    private bool IsWithin(InstanceState other)
    {
        for (InstanceState? state = this; state is not null; state = state.Parent)
        {
            if (state == other)
                return true;
        }

        return false;
    }
}

/// <summary>A call that is in an instance. One that is not completed has trapped.</summary>
/// <param name="instance">The instance.</param>
/// <param name="outer">The call that was innermost before.</param>
internal sealed class CallEntry(InstanceState instance, CallEntry? outer) : IDisposable
{
    private bool _isComplete;

    public InstanceState Instance => instance;

    public CallEntry? Outer => outer;

    public void Complete() => _isComplete = true;

    public void Dispose()
    {
        instance.Root.Active = outer;
        if (!_isComplete)
            instance.Root.IsPoisoned = true;
    }
}

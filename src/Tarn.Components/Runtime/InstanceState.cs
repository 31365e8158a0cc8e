// A component instance at run time: its handles, and whether it may be entered and left (CanonicalABI.md, "Component Instance State").
//
// An instance is entered by one call at a time, and neither the component around it nor one within it is entered meanwhile: each entry counts in all of them. After a trap nothing of the
// component is entered again, since its memory may be in any state.
//
// Where adapters pass calls between components without the host, the two states are globals of a core instance that the adapters import (StateModule), and the host reads and writes them there.
using Tarn.Components.Handles;

namespace Tarn.Components.Runtime;

/// <summary>A component instance.</summary>
/// <param name="root">What all instances share.</param>
/// <param name="related">The numbers of the instances that an entry counts in: this one, those around it and those within it.</param>
internal sealed class InstanceState(ComponentStore root, int[] related)
{
    /// <summary>What is added to the entries of each instance after a trap; more than there are entries.</summary>
    public const int Poisoned = 1 << 30;

    private Global? _mayLeave;
    private Global? _entries;

    public ComponentStore Root { get; } = root;

    public HandleTable Handles => field ??= CreateTable(Root);

    /// <summary>Whether the instance may call out.</summary>
    public bool MayLeave
    {
        get => _mayLeave is Global global ? global.Value.AsInt32() != 0 : field;
        set
        {
            if (_mayLeave is Global global)
                global.Value = Value.FromInt32(value ? 1 : 0);
            else
                field = value;
        }
    } = true;

    /// <summary>The calls in progress that are in the instance, in one around it or in one within it.</summary>
    public int Entries
    {
        get => _entries is Global global ? global.Value.AsInt32() : field;
        set
        {
            if (_entries is Global global)
                global.Value = Value.FromInt32(value);
            else
                field = value;
        }
    }

    /// <summary>The slots that a call's functions share (<c>context.get</c> and <c>context.set</c>); zero when the call begins.</summary>
    public (ulong First, ulong Second) Context { get; set; }

    /// <summary>Keeps the states in globals from now on, which have the values of an instance that is not entered.</summary>
    public void Bind(Global mayLeave, Global entries)
    {
        _mayLeave = mayLeave;
        _entries = entries;
    }

    /// <summary>Enters the instance for a call.</summary>
    /// <exception cref="ComponentTrapException">It cannot be entered.</exception>
    /// <exception cref="ObjectDisposedException">The component's instance has been disposed.</exception>
    public CallEntry Enter()
    {
        ObjectDisposedException.ThrowIf(Root.IsDisposed, typeof(ComponentInstance));
        if (Root.IsPoisoned)
            throw CannotEnter(isPoisoned: true);
        if (Entries != 0)
            throw Root.Poison(CannotEnter(isPoisoned: false));
        Context = default;
        Count(1);
        return new CallEntry(this);
    }

    /// <summary>Ends the entry of a call that has returned.</summary>
    public void Leave() => Count(-1);

    /// <summary>The trap of an instance that cannot be entered.</summary>
    public static ComponentTrapException CannotEnter(bool isPoisoned) =>
        new(ComponentTrapCode.CannotEnter, isPoisoned ? "cannot enter component instance: it trapped before" : "cannot enter component instance");

    /// <summary>Refuses a call out of an instance that may not leave.</summary>
    public void CheckLeave()
    {
        if (!MayLeave)
            throw new ComponentTrapException(ComponentTrapCode.CannotLeave, "cannot leave component instance");
    }

    private void Count(int change)
    {
        foreach (int number in related)
            Root.Instances[number].Entries += change;
    }

    private static HandleTable CreateTable(ComponentStore root)
    {
        HandleTable table = new(root.HandleLimit);
        (root.Tables ??= []).Add(table);
        return table;
    }
}

/// <summary>A call that is in an instance. One that is not completed has trapped.</summary>
/// <param name="instance">The instance.</param>
internal sealed class CallEntry(InstanceState instance) : IDisposable
{
    private bool _isComplete;

    public void Complete() => _isComplete = true;

    public void Dispose()
    {
        if (!_isComplete)
            instance.Root.Poison();
        else if (!instance.Root.IsDisposed)
            instance.Leave();
    }
}

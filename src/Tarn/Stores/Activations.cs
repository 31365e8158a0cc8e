// The calls in progress in a store. They are nested: what is called while another call is suspended runs on the stack below that one's frames, and ends before that
// one continues. This is the bookkeeping alone, without threads: the scheduler decides when it changes (ActivationScheduler).
//
// Invariants:
//  - the calls in progress are numbered 1 to Count from the outermost; those that were suspended once are listed, innermost first, each with its number;
//  - of the listed ones exactly _suspended are suspended, and a listed call's number is at most Count;
//  - calls that are suspended are either outside or inside of the running one. Those inside were made by an asynchronous host function of it that has not returned yet, and
//    the running call cannot end before them.
namespace Tarn.Stores;

internal struct Activations
{
    private AsyncCall? _innermost;
    private int _count;
    private int _suspended;

    // The number of the call whose asynchronous host function's synchronous part is running; 0 for none.
    private int _asyncBody;

    /// <summary>Gets how many calls are in progress, running or suspended.</summary>
    public readonly int Count => _count;

    /// <summary>Gets the innermost call that was suspended once.</summary>
    public readonly AsyncCall? Innermost => _innermost;

    /// <summary>Gets what the calls in progress do.</summary>
    public readonly ActivationState State =>
        _count == 0 ? ActivationState.None : _suspended == _count ? ActivationState.Suspended : ActivationState.Running;

    /// <summary>Gets whether a call was suspended once and has not ended.</summary>
    public readonly bool HasListed => _innermost is not null;

    /// <summary>Gets whether an asynchronous host function's synchronous part is running.</summary>
    public readonly bool IsInAsyncBody => _asyncBody != 0;

    /// <summary>Gets whether the call that runs may be suspended: otherwise frames of a running call outside of it would wait on the thread's own stack. An asynchronous host function's
    /// synchronous part may be outside of it, since that one's guest will be suspended next.</summary>
    public readonly bool MaySuspend
    {
        get
        {
            int depth = RunningDepth();
            int suspendedOutside = _suspended - (_count - depth);
            return suspendedOutside == depth - 1 || _asyncBody == depth - 1;
        }
    }

    /// <summary>Gets the number of the innermost call that is running. All further in are suspended.</summary>
    public readonly int RunningDepth()
    {
        int depth = _count;
        for (AsyncCall? call = _innermost; call is not null && call.IsSuspended && call.Depth == depth; call = call.Outer)
            depth--;
        return depth;
    }

    /// <summary>Whether a listed call is still in progress.</summary>
    public readonly bool Contains(AsyncCall wanted)
    {
        for (AsyncCall? call = _innermost; call is not null; call = call.Outer)
        {
            if (call == wanted)
                return true;
        }
        return false;
    }

    /// <summary>Finds the outermost suspended call whose token was cancelled.</summary>
    public readonly AsyncCall? FindCancelled()
    {
        AsyncCall? cancelled = null;
        for (AsyncCall? call = _innermost; call is not null; call = call.Outer)
        {
            if (call.IsCancelled)
                cancelled = call;
        }
        return cancelled;
    }

    /// <summary>Counts a call in that no other is around.</summary>
    public void BeginOutermost() => _count = 1;

    /// <summary>Counts a call in.</summary>
    public void Begin() => _count++;

    /// <summary>Counts the innermost call out, when none was suspended.</summary>
    /// <returns>How many are left.</returns>
    public int End() => --_count;

    /// <summary>Counts out the call of a number. All further in have ended, and of those outside nothing changes.</summary>
    public void EndAt(int depth) => _count = depth - 1;

    /// <summary>An asynchronous host function of the innermost call begins its synchronous part.</summary>
    /// <returns>For <see cref="EndAsyncBody"/>.</returns>
    public int BeginAsyncBody()
    {
        int outer = _asyncBody;
        _asyncBody = _count;
        return outer;
    }

    /// <summary>The synchronous part has ended.</summary>
    public void EndAsyncBody(int outer) => _asyncBody = outer;

    /// <summary>Lists the running call, which is suspended for the first time.</summary>
    public void List(AsyncCall call)
    {
        call.Depth = RunningDepth();
        AsyncCall? inner = null;
        AsyncCall? outer = _innermost;
        while (outer is not null && outer.Depth > call.Depth)
            (inner, outer) = (outer, outer.Outer);
        call.Outer = outer;
        if (inner is null)
            _innermost = call;
        else
            inner.Outer = call;
    }

    /// <summary>Ends a listed call that was running; all further in have ended.</summary>
    public void EndListed(AsyncCall call)
    {
        _innermost = call.Outer;
        EndAt(call.Depth);
    }

    /// <summary>Marks a listed call as suspended.</summary>
    public void Suspend(AsyncCall call)
    {
        call.State = CallState.Waiting;
        _suspended++;
    }

    /// <summary>Marks a listed call as running again.</summary>
    public void Continue(AsyncCall call)
    {
        call.State = CallState.Running;
        _suspended--;
    }

    /// <summary>Removes the innermost call if it is listed and its number is at least <paramref name="depth"/>. From there on all calls are suspended.</summary>
    /// <returns>The call, whose state is unchanged; or <see langword="null"/>.</returns>
    public AsyncCall? TryDrop(int depth)
    {
        if (_innermost is not AsyncCall call || call.Depth < depth)
            return null;
        _innermost = call.Outer;
        _suspended--;
        _count--;
        return call;
    }
}

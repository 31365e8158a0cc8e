// Calls that are suspended while an asynchronous host function works on for them: how a thread leaves its guest, how any thread continues it, and how it is dropped. See the
// scheduler's own file for the states, and for what _lock protects.
using Tarn.Execution;
using Tarn.Scheduling;

namespace Tarn.Stores;

internal abstract unsafe partial class ActivationScheduler
{
    /// <summary>An asynchronous host function's synchronous part begins.</summary>
    internal int BeginAsyncBody()
    {
        _leavingThread = GateSteps.Thread;
        return _activations.BeginAsyncBody();
    }

    /// <summary>It is over.</summary>
    /// <param name="outer">What <see cref="BeginAsyncBody"/> gave.</param>
    /// <param name="isPending">Whether the guest will be suspended, or <see cref="Stay"/> called.</param>
    internal void EndAsyncBody(int outer, bool isPending)
    {
        _activations.EndAsyncBody(outer);
        if (!isPending)
            Stay();
    }

    /// <summary>This thread is no longer about to suspend a guest.</summary>
    internal void Stay()
    {
        if (!_activations.IsInAsyncBody)
            _leavingThread = 0;
    }

    /// <summary>Lets other threads in while this one, which runs a guest, blocks until its asynchronous host function has completed.</summary>
    internal void WaitOutside(PendingHostCall pending)
    {
        Stay();
        // Before others are let in, who exchange the scope.
        CancellationToken token = CurrentToken;
        Aftermath aftermath = default;
        Tenure tenure;
        int depth;
        int activations;
        lock (_lock)
        {
            activations = _activations.Count;
            tenure = _gate.Lend(out depth);
            Idle(ref aftermath);
        }
        Settle(aftermath);
        aftermath = default;
        try
        {
            pending.Wait(token);
        }
        finally
        {
            SpinWait spin = default;
            while (!TryReclaim(tenure, depth, activations, ref aftermath))
                spin.SpinOnce();
            Settle(aftermath);
        }
    }

    // Guests that were entered meanwhile are below this one on the guest stack, also while their threads wait: they end first. A gate that is lent is watched, so whoever
    // leaves makes it vacant.
    private bool TryReclaim(Tenure tenure, int depth, int activations, ref Aftermath aftermath)
    {
        lock (_lock)
        {
            if (!_gate.IsVacant || _activations.RunningDepth() > activations || !_gate.TryReclaim(tenure, depth))
                return false;
            // Those that are suspended were not waited for by the host function that has ended.
            DropNested(activations, ref aftermath);
            return true;
        }
    }

    /// <summary>A pending host function has completed, on any thread.</summary>
    internal void OnCompleted(AsyncCall call, PendingHostCall pending)
    {
        bool wanted;
        bool claimed = false;
        lock (_lock)
        {
            wanted = call.IsSuspended && ReferenceEquals(call.Pending, pending);
            if (wanted)
            {
                call.State = CallState.Ready;
                claimed = TryClaim(call);
            }
        }
        if (!wanted)
            pending.Discard();
        else if (claimed)
            call.Wake();
    }

    /// <summary>Goes on with a call for which the store was claimed.</summary>
    /// <returns>Whether it has ended; otherwise it is suspended again.</returns>
    internal bool Resume(AsyncCall call)
    {
        lock (_lock)
            _gate.TakeClaim();
        PendingHostCall pending = call.Pending!;
        call.Pending = null;
        Execution->GuestStackPointer = call.SuspendedAt;
        SetScope(call.Scope);
        try
        {
            Driver.Finish(pending);
            ThrowIfInterrupted();
            RawResult ignored = default;
            if (Driver.Continue(call.EntryStackPointer, ref ignored))
                call.ReadResult();
            else
                pending = null!;
        }
        catch (TrapException e) when (ReferenceEquals(e.Store, this))
        {
            End(call);
            throw StoreCalls.Raise(e.Trap, call.OwnScope?.CallerToken ?? default);
        }
        catch
        {
            End(call);
            throw;
        }
        if (pending is null)
        {
            Suspend(call, isFirst: false);
            return false;
        }
        End(call);
        return true;
    }

    /// <summary>A token was cancelled: ends the call that it belongs to if that is suspended.</summary>
    internal void CancelSuspended(CallScope scope)
    {
        Aftermath aftermath = default;
        lock (_lock)
        {
            if (scope.Call is not AsyncCall call || !_activations.Contains(call))
                return;
            call.IsCancelled = true;
            if (_gate.IsVacant)
                Idle(ref aftermath);
        }
        Settle(aftermath);
    }

    // Ends all calls if every guest is suspended. Their host functions may never complete, and nothing is left in the store that looks at a request. Under the lock.
    private bool TryInterruptSuspended(ref Aftermath aftermath)
    {
        if (_activations.State != ActivationState.Suspended || !_gate.IsVacant)
            return false;
        DropInterrupted(ref aftermath);
        Idle(ref aftermath);
        return true;
    }

    private void DropInterrupted(ref Aftermath aftermath) =>
        Drop(1, _ => new TrapException(new Trap(TrapCode.Interrupted, [], detail: "the store was asked to stop while the guest was suspended"), this), ref aftermath);

    // The call that ran on this thread has left its guest because a host function is pending.
    internal void Suspend(AsyncCall call, bool isFirst)
    {
        PendingHostCall pending = Driver.TakePending();
        pending.Owner = call;
        call.Pending = pending;
        call.PrepareToWait();
        Aftermath aftermath = default;
        lock (_lock)
        {
            call.SuspendedAt = Execution->GuestStackPointer;
            if (isFirst)
                List(call);
            _activations.Suspend(call);
            // Otherwise an asynchronous host function of the call around it still runs on this thread.
            if (_activations.State == ActivationState.Running)
                SetScope(call.OuterScope);
            if (_gate.Suspend())
                Idle(ref aftermath);
            Stay();
        }
        Settle(aftermath);
#pragma warning disable CA1031 // The task of a host function is the embedder's code.
        try
        {
            pending.OnCompleted(pending.NotifyOwner);
        }
        catch
        {
            // It will not come. The guest continues, and Finish throws what is wrong.
            pending.NotifyOwner();
        }
#pragma warning restore CA1031
    }

    // A call that had been suspended has ended on this thread.
    private void End(AsyncCall call)
    {
        Aftermath aftermath = default;
        lock (_lock)
        {
            DropNested(call.Depth, ref aftermath);
            _activations.EndListed(call);
            UpdateWatch();
            Execution->GuestStackPointer = call.EntryStackPointer;
            SetScope(call.OuterScope);
            if (_gate.Suspend())
                Idle(ref aftermath);
        }
        Settle(aftermath);
    }

    private void LeaveNested(CallScope? outer)
    {
        Aftermath aftermath = default;
        lock (_lock)
        {
            int depth = _activations.RunningDepth();
            DropNested(depth, ref aftermath);
            _activations.EndAt(depth);
            SetScope(outer);
        }
        Settle(aftermath);
    }

    private void DropNested(int depth, ref Aftermath aftermath) =>
        Drop(depth + 1, static _ => new InvalidOperationException("The call that this one was made in has ended without waiting for it."), ref aftermath);

    /// <summary>Ends the calls that the host function now running has made and not waited for.</summary>
    internal void EndNestedCalls()
    {
        if (!HasNestedCalls)
            return;
        Aftermath aftermath = default;
        lock (_lock)
            DropNested(_activations.RunningDepth(), ref aftermath);
        Settle(aftermath);
    }

    // Ends the suspended calls from a depth on; everything from there on is suspended.
    private void Drop(int depth, Func<AsyncCall, Exception> reason, ref Aftermath aftermath)
    {
        while (_activations.TryDrop(depth) is AsyncCall call)
        {
            Execution->GuestStackPointer = call.EntryStackPointer;
            SetScope(call.OuterScope);
            // Not here: it is the embedder's code.
            if (call.State == CallState.Ready)
                (aftermath.Discarded ??= []).Add(call.Pending!);
            else
                call.Pending?.Abandon();
            call.Pending = null;
            call.State = CallState.Dropped;
            call.Failure = reason(call);
            (aftermath.Woken ??= []).Add(call);
        }
        UpdateWatch();
    }
}

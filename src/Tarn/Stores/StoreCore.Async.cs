// Calls that can be suspended. A guest that called an asynchronous host function leaves its frames on the guest stack and its thread
// goes away; when the result is there, any thread goes on with it. Calls in one store are nested: what is called while another
// call is suspended runs on the stack below that one's frames, and has to end before that one goes on.
//
// Invariants, for as long as any call of the store has been suspended and has not ended (_calls is not null):
//  - the calls in progress are numbered 1 to _activations from the outermost; those that were suspended once are in _calls, innermost first;
//  - a guest runs, or managed code on its behalf, if and only if _suspended != _activations; then its thread is inside the gate, or has lent it, and no other
//    runs a guest. Suspended calls lie above or below the running one, but those below it were made by an asynchronous host function of it that has not
//    come back yet, and it cannot return before they have ended;
//  - if nothing runs, GuestStackPointer is the innermost suspended guest's exit frame and _scope is its scope;
//  - everything of the above changes under _lock, by a thread that is inside the gate or has found it vacant; and the gate is watched, so that whoever
//    leaves comes by Idle. A store in which nothing was suspended has none of it and takes no lock.
//
// An asynchronous host function may go on on another thread, and call its guest there, before the thread that the guest ran on has come to suspend it. So from a host
// function's first instruction until its guest is suspended _leavingThread is the thread that is on its way, and others wait for it before they enter.
//
// A call can be suspended only if nothing outside of it is running, or only an asynchronous host function's synchronous part (_asyncBody): that one
// will be suspended next. Otherwise somebody's frames on the thread's stack would wait for it.
using System.Runtime.CompilerServices;
using Tarn.Execution;
using Tarn.Scheduling;

namespace Tarn.Stores;

internal sealed unsafe partial class StoreCore
{
    private AsyncCall? _calls;
    private int _suspended;
    private int _asyncBody;
    private volatile int _leavingThread;

    /// <summary>Guests that the host function now running has called are still suspended.</summary>
    internal bool HasNestedCalls => _calls is not null && RunningDepth() != _activations;

    /// <summary>An asynchronous host function's synchronous part begins.</summary>
    internal int BeginAsyncBody()
    {
        int outer = _asyncBody;
        _asyncBody = _activations;
        _leavingThread = GateSteps.Thread;
        return outer;
    }

    /// <summary>It is over.</summary>
    /// <param name="outer">What <see cref="BeginAsyncBody"/> gave.</param>
    /// <param name="isPending">Whether the guest will be suspended, or <see cref="Stay"/> called.</param>
    internal void EndAsyncBody(int outer, bool isPending)
    {
        _asyncBody = outer;
        if (!isPending)
            Stay();
    }

    /// <summary>This thread is no longer on its way to suspend a guest.</summary>
    internal void Stay()
    {
        if (_asyncBody == 0)
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
            activations = _activations;
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

    // Guests that were entered meanwhile lie below this one on the guest stack, also while their threads wait: they end first. A gate that is lent is watched, so whoever
    // leaves makes it vacant.
    private bool TryReclaim(Tenure tenure, int depth, int activations, ref Aftermath aftermath)
    {
        lock (_lock)
        {
            if (!_gate.IsVacant || RunningDepth() > activations || !_gate.TryReclaim(tenure, depth))
                return false;
            // Those that are suspended were not waited for by the host function that has ended.
            DropNested(activations, ref aftermath);
            return true;
        }
    }

    /// <summary>Calls a function in a way that lets the guest be suspended.</summary>
    /// <param name="generation">The life of the store that the function's handle was made in.</param>
    /// <param name="entry">The array entry of its signature.</param>
    /// <param name="function">Its reference record; of this store.</param>
    /// <param name="arguments">Its arguments; they may be changed when this returns.</param>
    /// <param name="slots">The larger of the counts of arguments and results.</param>
    /// <param name="reader">Reads the results.</param>
    /// <param name="cancellationToken">Stops the guest, running or suspended.</param>
    internal ValueTask<TResult> CallAsync<TResult, TReader>(
        int generation, nint entry, FunctionReference* function, RawValue* arguments, int slots, TReader reader, CancellationToken cancellationToken)
        where TReader : struct, IResultReader<TResult>
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<TResult>(cancellationToken);
        if (cancellationToken.CanBeCanceled)
            RequireInterruption("A cancellation token");
        CallScope? scope = BeginAsync(generation, cancellationToken, out CallScope? outer, out Tenure tenure);
        ExecutionRecord* record = Execution;
        nint stackPointer = record->GuestStackPointer;
        // Arguments and results live on the guest stack: the thread's own may be another one when the guest returns.
        var values = (RawValue*)((stackPointer - (slots * sizeof(RawValue))) & ~(nint)15);
        ActivationLink* link = (ActivationLink*)values - 1;
        if ((nint)link < _stack!.Limit)
        {
            EndAsync(scope, outer, tenure);
            return ValueTask.FromException<TResult>(new TrapException(TrapCode.StackExhausted));
        }
        Unsafe.CopyBlockUnaligned(values, arguments, (uint)(slots * sizeof(RawValue)));
        *link = new ActivationLink { OuterStackPointer = stackPointer };
        record->GuestStackPointer = (nint)link;
        ((delegate* unmanaged<FunctionReference*, RawValue*, void>)entry)(function, values);
        if (record->ExitCode != Compiler.Abi.ExitCode.Returned)
            return FinishAsync<TResult, TReader>(stackPointer, values, reader, scope, outer, tenure);
        return Returned<TResult, TReader>(stackPointer, values, reader, scope, outer, tenure);
    }

    // A guest may return an object of another type than its caller asked for. No try block around the call itself: see Enter.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ValueTask<TResult> Returned<TResult, TReader>(nint stackPointer, RawValue* values, TReader reader, CallScope? scope, CallScope? outer, Tenure tenure)
        where TReader : struct, IResultReader<TResult>
    {
#pragma warning disable CA1031 // It goes where the caller awaits it.
        try
        {
            return new ValueTask<TResult>(reader.Read(this, values));
        }
        catch (Exception e)
        {
            return ValueTask.FromException<TResult>(e);
        }
        finally
        {
            Execution->GuestStackPointer = stackPointer;
            EndAsync(scope, outer, tenure);
        }
#pragma warning restore CA1031
    }

    /// <summary>As the other one, for functions without results.</summary>
    internal ValueTask CallAsync(int generation, nint entry, FunctionReference* function, RawValue* arguments, int slots, CancellationToken cancellationToken)
    {
        ValueTask<NoResult> call = CallAsync<NoResult, NoResult>(generation, entry, function, arguments, slots, default, cancellationToken);
        return call.IsCompletedSuccessfully ? default : new ValueTask(call.AsTask());
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
            _driver.Finish(pending);
            ThrowIfInterrupted();
            RawResult ignored = default;
            if (_driver.Continue(call.EntryStackPointer, ref ignored))
                call.ReadResult();
            else
                pending = null!;
        }
        catch (TrapException e) when (ReferenceEquals(e.Store, this))
        {
            End(call);
            throw Raise(e.Trap, call.OwnScope?.CallerToken ?? default);
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
            if (scope.Call is not AsyncCall call || !IsInProgress(call))
                return;
            call.IsCancelled = true;
            if (_gate.IsVacant)
                Idle(ref aftermath);
        }
        Settle(aftermath);
    }

    // Ends all calls if every guest is suspended. Their host functions may take for ever, and nothing is left in the store that looks at a request. Under the lock.
    private bool TryInterruptSuspended(ref Aftermath aftermath)
    {
        if (_calls is null || _suspended != _activations || !_gate.IsVacant)
            return false;
        DropInterrupted(ref aftermath);
        Idle(ref aftermath);
        return true;
    }

    private void DropInterrupted(ref Aftermath aftermath) =>
        Drop(1, _ => new TrapException(new Trap(TrapCode.Interrupted, [], detail: "the store was asked to stop while the guest was suspended"), this), ref aftermath);

    private CallScope? BeginAsync(int generation, CancellationToken cancellationToken, out CallScope? outer, out Tenure tenure)
    {
        tenure = EnterGate(generation);
        CallScope? scope = cancellationToken.CanBeCanceled || _timeoutMilliseconds != 0 ? MakeScope(tenure, cancellationToken) : null;
        try
        {
            CountIn(tenure);
        }
        catch
        {
            scope?.Dispose();
            throw;
        }
        outer = _scope;
        if (scope is not null)
        {
            scope.Outer = outer;
            _scope = scope;
        }
        return scope;
    }

    private void EndAsync(CallScope? scope, CallScope? outer, Tenure tenure)
    {
        LeaveCall(outer, tenure);
        scope?.Dispose();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ValueTask<TResult> FinishAsync<TResult, TReader>(nint stackPointer, RawValue* values, TReader reader, CallScope? scope, CallScope? outer, Tenure tenure)
        where TReader : struct, IResultReader<TResult>
    {
#pragma warning disable CA1031 // They go where the caller awaits them.
        try
        {
            RawResult ignored = default;
            if (!MaySuspend())
            {
                _driver.Finish(stackPointer);
            }
            else if (!_driver.TryFinish(stackPointer, ref ignored))
            {
                var call = new AsyncCall<TResult, TReader>(this, stackPointer, (nint)values, reader, scope, outer);
                Suspend(call, isFirst: true);
                return call.RunAsync();
            }
            TResult result = reader.Read(this, values);
            EndAsync(scope, outer, tenure);
            return new ValueTask<TResult>(result);
        }
        catch (TrapException e) when (ReferenceEquals(e.Store, this))
        {
            EndAsync(scope, outer, tenure);
            return ValueTask.FromException<TResult>(Raise(e.Trap, scope?.CallerToken ?? default));
        }
        catch (Exception e)
        {
            EndAsync(scope, outer, tenure);
            return ValueTask.FromException<TResult>(e);
        }
#pragma warning restore CA1031
    }

    // Whether the running call may be: nothing outside of it runs, or only a host function that will come back with a pending result.
    private bool MaySuspend()
    {
        int depth = RunningDepth();
        int suspendedOutside = _suspended - (_activations - depth);
        return suspendedOutside == depth - 1 || _asyncBody == depth - 1;
    }

    // The call that ran on this thread has left its guest because a host function is pending.
    private void Suspend(AsyncCall call, bool isFirst)
    {
        PendingHostCall pending = _driver.TakePending();
        pending.Owner = call;
        call.Pending = pending;
        call.PrepareToWait();
        Aftermath aftermath = default;
        lock (_lock)
        {
            call.SuspendedAt = Execution->GuestStackPointer;
            if (isFirst)
                Insert(call);
            call.State = CallState.Waiting;
            _suspended++;
            // Otherwise an asynchronous host function of the call around it still runs on this thread.
            if (_suspended != _activations)
                SetScope(call.OuterScope);
            if (_gate.Suspend())
                Idle(ref aftermath);
            Stay();
        }
        Settle(aftermath);
#pragma warning disable CA1031 // The task of a host function is anybody's code.
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

    private void Insert(AsyncCall call)
    {
        call.Depth = RunningDepth();
        AsyncCall? inner = null;
        AsyncCall? outer = _calls;
        while (outer is not null && outer.Depth > call.Depth)
            (inner, outer) = (outer, outer.Outer);
        call.Outer = outer;
        if (inner is null)
            SetCalls(call);
        else
            inner.Outer = call;
        if (call.OwnScope is CallScope scope)
        {
            scope.Call = call;
            // Cancelled before there was a call to cancel.
            call.IsCancelled = scope.Token.IsCancellationRequested;
        }
    }

    // A call that had been suspended has ended on this thread.
    private void End(AsyncCall call)
    {
        Aftermath aftermath = default;
        lock (_lock)
        {
            DropNested(call.Depth, ref aftermath);
            SetCalls(call.Outer);
            _activations = call.Depth - 1;
            Execution->GuestStackPointer = call.EntryStackPointer;
            SetScope(call.OuterScope);
            if (_gate.Suspend())
                Idle(ref aftermath);
        }
        Settle(aftermath);
    }

    private void BeginNested()
    {
        lock (_lock)
            _activations++;
    }

    private void LeaveNested(CallScope? outer)
    {
        Aftermath aftermath = default;
        lock (_lock)
        {
            int depth = RunningDepth();
            DropNested(depth, ref aftermath);
            _activations = depth - 1;
            SetScope(outer);
        }
        Settle(aftermath);
    }

    // Leaving goes through the lock for as long as there are any.
    private void SetCalls(AsyncCall? calls)
    {
        _calls = calls;
        _gate.Watch(calls is not null || _keepsRequest);
    }

    // The number of the innermost call that is running. All further in are suspended.
    private int RunningDepth()
    {
        int depth = _activations;
        for (AsyncCall? call = _calls; call is not null && call.IsSuspended && call.Depth == depth; call = call.Outer)
            depth--;
        return depth;
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
            DropNested(RunningDepth(), ref aftermath);
        Settle(aftermath);
    }

    // Ends the suspended calls from a depth on; everything from there on is suspended.
    private void Drop(int depth, Func<AsyncCall, Exception> reason, ref Aftermath aftermath)
    {
        while (_calls is AsyncCall call && call.Depth >= depth)
        {
            SetCalls(call.Outer);
            _suspended--;
            _activations--;
            Execution->GuestStackPointer = call.EntryStackPointer;
            SetScope(call.OuterScope);
            // Not here: it is anybody's code.
            if (call.State == CallState.Ready)
                (aftermath.Discarded ??= []).Add(call.Pending!);
            else
                call.Pending?.Abandon();
            call.Pending = null;
            call.State = CallState.Dropped;
            call.Failure = reason(call);
            (aftermath.Woken ??= []).Add(call);
        }
    }

    // The gate is vacant. If nothing runs any more: ends the store if that was asked for, ends what was cancelled meanwhile, and continues the innermost call if
    // its host function has completed. Under the lock.
    private void Idle(ref Aftermath aftermath)
    {
        if (IsRunning)
            return;
        if (_gate.IsEnding)
        {
            End(ref aftermath);
            return;
        }
        // The guest was asked to stop while it ran, and has been suspended before it looked.
        if (_calls is not null && _stopRequested == Generation)
        {
            DropInterrupted(ref aftermath);
            Volatile.Write(ref _stopRequested, NoStop);
        }
        AsyncCall? cancelled = null;
        for (AsyncCall? call = _calls; call is not null; call = call.Outer)
        {
            if (call.IsCancelled)
                cancelled = call;
        }
        if (cancelled is not null)
        {
            CancellationToken token = cancelled.OwnScope!.CallerToken;
            Drop(
                cancelled.Depth,
                token.IsCancellationRequested
                    ? _ => new OperationCanceledException("the call was cancelled while the guest was suspended", token)
                    : _ => new TrapException(new Trap(TrapCode.Interrupted, [], detail: "the call's time ran out while the guest was suspended"), this),
                ref aftermath);
        }
        if (_calls is not AsyncCall top)
        {
            if (_keepsRequest)
            {
                Volatile.Write(ref _stopRequested, NoStop);
                KeepRequest(false);
            }
            if (!_keepsStack && _stack is not null)
                DetachStack();
            return;
        }
        Execution->GuestStackPointer = top.SuspendedAt;
        SetScope(top.Scope);
        if (TryClaim(top))
            (aftermath.Woken ??= []).Add(top);
    }

    private bool TryClaim(AsyncCall call)
    {
        if (call.State != CallState.Ready || _calls != call || _suspended != _activations || !_gate.IsVacant)
            return false;
        call.State = CallState.Running;
        _suspended--;
        _gate.Claim();
        return true;
    }

    private bool IsInProgress(AsyncCall wanted)
    {
        for (AsyncCall? call = _calls; call is not null; call = call.Outer)
        {
            if (call == wanted)
                return true;
        }
        return false;
    }
}

// Who uses a store, which of its guests runs, and which are suspended: entering and leaving, calls that are suspended and continue on other threads, requests to stop, and the end of a
// life. The gate says which thread is inside (StoreGate), Activations counts the calls, StopRequests holds the reasons to stop; here they change together. What the store
// holds is the derived class's (StoreCore): a base and not a field, since each call of a guest passes here and would pay for one more indirection.
//
// States, of all calls in progress together (ActivationState):
//   None       the store waits for a caller;
//   Running    a guest runs, or managed code on its behalf: its thread is inside the gate, or has lent it, and no other runs a guest;
//   Suspended  every guest waits for its host function: the gate is vacant, or about to be. GuestStackPointer is the innermost guest's exit frame and the scope its scope.
// A call enters (None or Suspended -> Running, Begin), is suspended (Running -> Suspended, Suspend), is claimed when what it waits for has come (Suspended -> Running, TryClaim),
// and ends (LeaveCall, End) or is dropped while it is suspended (Drop). The thread that makes the gate vacant looks for what can happen next (Idle).
//
// Suspension (ActivationScheduler.Suspension.cs). A guest that called an asynchronous host function leaves its frames on the guest stack and its thread goes away; when the result is there, any thread continues
// it. A call can be suspended only if Activations.MaySuspend. For as long as a call is listed there, everything of the above changes under _lock, by a thread
// that is inside the gate or has found it vacant, and the gate is watched, so that leaving goes by Idle. A store in which no call was suspended takes no lock.
// An asynchronous host function may continue on another thread, and call its guest there, before the thread that the guest ran on has suspended it. So from a host
// function's first instruction until its guest is suspended _leavingThread is the thread that is about to leave, and others wait for it before they enter.
//
// Waiting. A thread that finds another one inside waits for it if that one only reads or writes something (it leaves by itself), or is about to suspend its guest; if it
// runs a guest, the thread that comes is refused.
//
// Interruption. A request sets a word in every VM context of the store, which compiled code reads at loop back edges and function entries, and one in the execution record, which
// host calls read. Code that reads them then decides by the reasons whether the request is meant for a call in progress. So the words may be set without a reason,
// but never the other way round: reasons come first, a word is cleared before they are looked at, and it is set again for as long as there is one, since a
// host function may swallow the trap of the guest that it called while the guest around it has to stop as well.
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Tarn.Execution;
using Tarn.Memories;
using Tarn.Scheduling;

namespace Tarn.Stores;

/// <param name="keepsStack">Whether the store holds its guest stack between calls. Many instances idle; one stack for each running call is enough for those.</param>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "Scopes are the calls', which dispose of them.")]
internal abstract unsafe partial class ActivationScheduler(bool keepsStack)
{
    // How long others wait for a thread that is about to leave. A host function's synchronous part that blocks on what they are to do would never end.
    private const int MillisecondsToLeave = 10_000;

    // How long Dispose waits for a guest that was asked to stop.
    internal const int MillisecondsToEnd = 1000;

    private readonly Lock _lock = new();
    private StoreGate<GateSteps> _gate = new();
    private Activations _activations;
    private StopRequests _stops = new();
    private GuestStack? _stack;
    private volatile int _leavingThread;

    // Completes when an end that had to wait has come. Under the lock.
    private TaskCompletionSource? _ended;

    internal ExecutionRecord* Execution { get; private protected set; }

    /// <summary>Gets the number of the store's current life.</summary>
    internal int Generation => _gate.Generation;

    /// <summary>Gets the token that stops the call in progress.</summary>
    internal CancellationToken CurrentToken => _stops.Scope?.Token ?? default;

    /// <summary>Gets or sets the innermost scope in effect. Inside the store.</summary>
    internal CallScope? Scope
    {
        get => _stops.Scope;
        set => _stops.Scope = value;
    }

    /// <summary>Gets whether calls have a deadline, which only <see cref="StoreCalls.Call(StoreCore, int, nint, FunctionReference*, RawValue*, CancellationToken)"/> keeps.</summary>
    internal bool HasDeadline => _stops.TimeoutMilliseconds != 0;

    /// <summary>Gets whether guests that the host function now running has called are still suspended.</summary>
    internal bool HasNestedCalls => _activations.HasListed && _activations.RunningDepth() != _activations.Count;

    /// <summary>Gets whether there are guests in the store and all of them are suspended.</summary>
    internal bool IsSuspended => _activations.State == ActivationState.Suspended;

    /// <summary>Gets whether the running call can be suspended.</summary>
    internal bool MaySuspend => _activations.MaySuspend;

    /// <summary>Gets the guest stack, if the store has one now.</summary>
    internal GuestStack? Stack => _stack;

    /// <summary>Gets or sets how long a call from outside may take, in milliseconds; 0 for no limit.</summary>
    internal long TimeoutMilliseconds
    {
        get => _stops.TimeoutMilliseconds;
        set => _stops.TimeoutMilliseconds = value;
    }

    /// <summary>Gets whether calls are in progress.</summary>
    internal bool HasCalls => _activations.Count != 0;

    /// <summary>Gets what runs guests and finishes what they left for.</summary>
    internal abstract StoreExecution Driver { get; }

    /// <summary>Gets or sets what the store is there for.</summary>
    private protected StoreState LifeState { get; set; }

    private bool KeepsStack { get; } = keepsStack;

    // Whether calls are in progress that are not suspended: exact if the gate is vacant or the current thread is inside.
    private bool IsRunning => _activations.State == ActivationState.Running;

    /// <summary>Takes a guest stack from where the store has its storage, and tells the instances its limit.</summary>
    private protected abstract GuestStack AttachStack();

    /// <summary>Gives a guest stack back.</summary>
    private protected abstract void DetachStack(GuestStack stack);

    /// <summary>Writes the word that compiled code reads in every VM context of the store.</summary>
    private protected abstract void SetInterrupt(uint value);

    /// <summary>Takes apart what the store held in a life that has ended, without the lock: no other thread enters. <see cref="LeaveEnded"/> is part of it.</summary>
    private protected abstract void TakeApart(Tenure tenure);

    /// <summary>Begins a life of the store, in the state <see cref="StoreState.Live"/>, whose guests have no reason to stop.</summary>
    private protected void BeginLife()
    {
        _stops.Reset();
        _leavingThread = 0;
        LifeState = StoreState.Live;
        if (!_gate.IsMine)
        {
            lock (_lock)
                _gate.Begin();
        }
    }

    /// <summary>Lists what a request to stop has to reach; a reason that came before is passed on to it.</summary>
    /// <param name="list">The list.</param>
    /// <param name="instance">An instance that is new in the store.</param>
    private protected void AddTo(List<InstanceData> list, InstanceData instance)
    {
        lock (_lock)
        {
            list.Add(instance);
            // A guest that was asked to stop before the instance came is asked with its words too; it looks for the reason.
            if (_stops.IsAny)
                Volatile.Write(ref instance.Header->InterruptRequested, 1);
        }
    }

    /// <summary>Ends the store for good.</summary>
    /// <param name="stack">The guest stack that it held.</param>
    /// <returns>Whether it had not ended.</returns>
    private protected bool TryRelease(out GuestStack? stack)
    {
        lock (_lock)
        {
            stack = _stack;
            if (LifeState == StoreState.Released)
                return false;
            LifeState = StoreState.Released;
            _stack = null;
            return true;
        }
    }

    /// <summary>Asks the guest that runs in a life of the store to stop. Any thread may call it.</summary>
    internal void Interrupt(int generation)
    {
        Aftermath aftermath = default;
        lock (_lock)
        {
            // A pooled store may belong to another instance before this is done: the request names the one that is meant, and the flag alone
            // only makes compiled code look.
            if (LifeState == StoreState.Live && generation == Generation && !TryInterruptSuspended(ref aftermath))
                RequestStop(generation);
        }
        Settle(aftermath);
    }

    // Under the lock.
    private void RequestStop(int generation)
    {
        _stops.Request(generation);
        SetInterrupt(1);
        Volatile.Write(ref Execution->StopRequested, 1);
        _stops.Sleeper?.Poke();
    }

    // Leaving goes through the lock for as long as calls are listed or a request is kept.
    private void UpdateWatch() => _gate.Watch(_activations.HasListed || _stops.IsKept);

    private void List(AsyncCall call)
    {
        _activations.List(call);
        UpdateWatch();
        if (call.OwnScope is CallScope scope)
        {
            scope.Call = call;
            // Cancelled before there was a call to cancel.
            call.IsCancelled = scope.Token.IsCancellationRequested;
        }
    }

    private void EndHere(Tenure tenure)
    {
        TaskCompletionSource? ended = _ended;
        _ended = null;
        TakeApart(tenure);
        ended?.SetResult();
    }

    private void ReturnStack()
    {
        GuestStack stack = _stack!;
        _stack = null;
        DetachStack(stack);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Tenure EnterGate(int generation) => _gate.TryEnter(generation, out Tenure tenure) ? tenure : EnterLocked(generation);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Tenure EnterLocked(int generation)
    {
        long start = 0;
        SpinWait spin = default;
        Aftermath aftermath = default;
        lock (_lock)
        {
            if (_gate.TryVacate())
                Idle(ref aftermath);
        }
        Settle(aftermath);
        while (true)
        {
            lock (_lock)
            {
                switch (_gate.Enter(generation, out Tenure tenure))
                {
                    case GateEntry.Entered:
                        return tenure;
                    case GateEntry.Stale:
                        StoreCore.ThrowStale(this as StoreCore);
                        break;
                    default:
                        int occupant = _gate.Occupant;
                        if (occupant != _leavingThread && IsRunning)
                            throw OtherThread();
                        break;
                }
            }
            long now = Environment.TickCount64;
            if (start == 0)
                start = now;
            else if (now - start > MillisecondsToLeave)
                throw OtherThread();
            spin.SpinOnce();
        }
    }

    /// <summary>Leaves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Leave(Tenure tenure)
    {
        if (!_gate.TryLeave(tenure))
            LeaveLocked(tenure);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void LeaveLocked(Tenure tenure)
    {
        Aftermath aftermath = default;
        lock (_lock)
        {
            if (_gate.Leave(tenure))
                Idle(ref aftermath);
        }
        Settle(aftermath);
    }

    // Enters and counts a call in. Every call of it that returns is followed by one of LeaveCall.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Tenure Begin(int generation)
    {
        Tenure tenure = EnterGate(generation);
        CountIn(tenure);
        return tenure;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void CountIn(Tenure tenure)
    {
        if (_stack is null || _activations.Count != 0)
            Prepare(tenure);
        else
            _activations.BeginOutermost();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Prepare(Tenure tenure)
    {
        try
        {
            if (_stack is null)
            {
                _stack = AttachStack();
            }
            else if (_activations.Count != 0 && !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            {
                // A guest that comes back to itself by way of a host function uses up the thread's stack along with its own, and the end of that one is the end of the process.
                throw Driver.Trap(TrapCode.StackExhausted, "the thread's own stack is used up by host functions and the guests that they call in turn");
            }
            if (!_activations.HasListed)
            {
                _activations.Begin();
            }
            else
            {
                lock (_lock)
                    _activations.Begin();
            }
        }
        catch
        {
            Leave(tenure);
            throw;
        }
    }

    /// <summary>Counts out a call whose guest is back, and leaves the store.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void LeaveCall(CallScope? outer, Tenure tenure)
    {
        if (!_activations.HasListed && ReferenceEquals(_stops.Scope, outer) && (_activations.End() != 0 || KeepsStack))
            Leave(tenure);
        else
            LeaveCallSlow(outer, tenure);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void LeaveCallSlow(CallScope? outer, Tenure tenure)
    {
        if (_activations.HasListed)
        {
            LeaveNested(outer);
        }
        else if (!ReferenceEquals(_stops.Scope, outer))
        {
            SetScope(outer);
            if (_activations.End() == 0 && !KeepsStack)
                ReturnStack();
        }
        else
        {
            ReturnStack();
        }
        Leave(tenure);
    }

    /// <summary>Called when compiled code noticed a request to stop: throws if it is so, returns if the reason has gone.</summary>
    internal void OnInterrupt()
    {
        lock (_lock)
            SetInterrupt(0);
        // The reason is set before the words are, so nothing is missed by looking now.
        ThrowIfInterruptedCore();
    }

    /// <summary>Throws if a call in progress was cancelled or the store was asked to stop.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void ThrowIfInterrupted()
    {
        if (Volatile.Read(ref Execution->StopRequested) != 0)
            ThrowIfInterruptedCore();
    }

    /// <summary>Makes compiled code come to <see cref="OnInterrupt"/>, which then looks for reasons.</summary>
    internal void RequestCheck()
    {
        lock (_lock)
        {
            if (LifeState != StoreState.Live)
                return;
            SetInterrupt(1);
            Volatile.Write(ref Execution->StopRequested, 1);
            _stops.Sleeper?.Poke();
        }
    }

    /// <summary>Says which thread sleeps on behalf of the running guest, to be poked when it may have to stop; <see langword="null"/> when it has woken.</summary>
    internal void SetSleeper(ThreadWaiter? waiter)
    {
        lock (_lock)
            _stops.Sleeper = waiter;
    }

    private void ThrowIfInterruptedCore()
    {
        // Cleared before looking: the reason is set before the word is.
        Volatile.Write(ref Execution->StopRequested, 0);
        Interlocked.MemoryBarrier();
        bool isAsked = _stops.IsRequested(Generation);
        CallScope? cancelled = _stops.FindCancelled();
        if (!isAsked && cancelled is null)
            return;
        lock (_lock)
        {
            SetInterrupt(1);
            // The request has been met when the outermost call ends, not before: Idle.
            if (isAsked && _activations.RunningDepth() > 1)
                KeepRequest(true);
            else if (isAsked)
                _stops.Withdraw();
        }
        Volatile.Write(ref Execution->StopRequested, 1);
        throw Driver.Trap(TrapCode.Interrupted, _gate.IsEnding ? "the instance was disposed while its guest ran" : cancelled?.DescribeDeadline());
    }

    // Under the lock. While a request is kept, leaving goes through the lock.
    private void KeepRequest(bool keeps)
    {
        _stops.IsKept = keeps;
        UpdateWatch();
    }

    // Back to a scope whose token may have been cancelled while another one was looked at.
    private void SetScope(CallScope? scope)
    {
        _stops.Scope = scope;
        if (scope is not null)
            Volatile.Write(ref Execution->StopRequested, 1);
    }

    // The gate is vacant. If nothing runs: ends the store if that was asked for, ends what was cancelled meanwhile, and continues the innermost call if
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
        if (_activations.HasListed && _stops.IsRequested(Generation))
        {
            DropInterrupted(ref aftermath);
            _stops.Withdraw();
        }
        if (_activations.FindCancelled() is AsyncCall cancelled)
        {
            CancellationToken token = cancelled.OwnScope!.CallerToken;
            Drop(
                cancelled.Depth,
                token.IsCancellationRequested
                    ? _ => new OperationCanceledException("the call was cancelled while the guest was suspended", token)
                    : _ => new TrapException(new Trap(TrapCode.Interrupted, [], detail: "the call's time ran out while the guest was suspended"), this),
                ref aftermath);
        }
        if (_activations.Innermost is not AsyncCall top)
        {
            if (_stops.IsKept)
            {
                _stops.Withdraw();
                KeepRequest(false);
            }
            if (!KeepsStack && _stack is not null)
                ReturnStack();
            return;
        }
        Execution->GuestStackPointer = top.SuspendedAt;
        SetScope(top.Scope);
        if (TryClaim(top))
            (aftermath.Woken ??= []).Add(top);
    }

    private bool TryClaim(AsyncCall call)
    {
        if (call.State != CallState.Ready || _activations.Innermost != call || _activations.State != ActivationState.Suspended || !_gate.IsVacant)
            return false;
        _activations.Continue(call);
        _gate.Claim();
        return true;
    }

    /// <summary>Ends a life of the store, once for each generation: a slot must never be returned twice.</summary>
    /// <returns>What completes when the end has come, if that is later.</returns>
    internal Task? EndLife(int generation)
    {
        if (_gate.TryEnd(generation, out Tenure tenure, out bool hasBegun))
        {
            EndHere(tenure);
            return null;
        }
        Aftermath aftermath = default;
        Task? later = null;
        lock (_lock)
        {
            if (!hasBegun && _gate.TryVacate())
                Idle(ref aftermath);
            if (hasBegun)
            {
                if (_gate.ContinueEnd(tenure))
                    Idle(ref aftermath);
            }
            else if (!_gate.BeginEnd(generation, out bool isVacant))
            {
                // Another thread may be about to end it.
                if (_gate.IsEnding && _gate.Generation == generation + 1 && _gate.Occupant != GateSteps.Thread)
                    later = _ended?.Task;
            }
            else if (isVacant && !IsRunning)
            {
                End(ref aftermath);
            }
            else
            {
                _gate.Defer();
                _ended ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                if (LifeState == StoreState.Live)
                    RequestStop(_gate.Generation);
                // Waiting for its own call would never end.
                if (_gate.Occupant != GateSteps.Thread)
                    later = _ended.Task;
            }
        }
        Settle(aftermath);
        return later;
    }

    // With the gate vacant and no call running, under the lock.
    private void End(ref Aftermath aftermath)
    {
        Drop(1, static _ => new ObjectDisposedException(nameof(Instance), "The instance was disposed while its guest was suspended."), ref aftermath);
        if (!KeepsStack && _stack is not null)
            ReturnStack();
        _stops.IsKept = false;
        aftermath.Ended = _gate.EndNow();
    }

    // Leaves a store whose life the thread has ended. An end that was asked for meanwhile has come with this one.
    private protected void LeaveEnded(Tenure tenure)
    {
        if (_gate.TryLeave(tenure))
            return;
        TaskCompletionSource? later;
        lock (_lock)
        {
            _gate.DropEnd();
            later = _ended;
            _ended = null;
        }
        later?.SetResult();
    }

    // What is left to do when the lock has been left.
    private void Settle(in Aftermath aftermath)
    {
        aftermath.Notify();
        if (aftermath.Ended is Tenure tenure)
            EndHere(tenure);
    }

    private static InvalidOperationException OtherThread() =>
        new("Another thread runs a guest of this store. A store is for one thread at a time, and a call that was not awaited may continue at any time.");
}

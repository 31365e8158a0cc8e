// Entering guest code from the host, and stopping it. A call enters through the stub of its signature on the store's guest
// stack; whatever makes the guest leave before it returns is StoreExecution's business, and the stub's next word to us is
// a result or an exception. Calls that may be suspended are in StoreCore.Async.
//
// Interruption: a request sets a word in every VM context of the store, which compiled code reads at loop back edges and
// function entries, and one in the execution record, which host calls read. Whoever reads them then decides by the reasons (a generation that
// was asked to stop, the tokens of the scopes) whether the request is meant for a call in progress. So the words may be set without a reason,
// but never the other way round: reasons come first, a word is cleared before they are looked at, and it is set again for as long as there is one, since a
// host function may swallow the trap of the guest that it called while the guest around it has to stop as well.
using System.Runtime.CompilerServices;
using Tarn.Execution;
using Tarn.Scheduling;

namespace Tarn.Stores;

internal sealed unsafe partial class StoreCore
{
    // Calls in progress, running or suspended.
    private int _activations;
    // The generation that has been asked to stop.
    private const int NoStop = -1;
    private int _stopRequested = NoStop;
    // Whether a guest that others run around has met the request, which holds until the outermost of them has ended.
    private bool _keepsRequest;
    private CallScope? _scope;

    internal CancellationToken CurrentToken => _scope?.Token ?? default;

    /// <summary>Calls a function.</summary>
    /// <param name="generation">The life of the store that the function's handle was made in.</param>
    /// <param name="function">Its reference record; of this store.</param>
    /// <param name="slots">The arguments; afterwards the results. As many as the larger of the two counts.</param>
    /// <param name="cancellationToken">Stops the guest.</param>
    /// <returns>The trap that stopped the guest, or <see langword="null"/>. Exceptions of host functions pass through.</returns>
    internal Trap? Call(int generation, FunctionReference* function, RawValue* slots, CancellationToken cancellationToken)
    {
        return Call(generation, Engine.StubsFor(function->TypeId).ArrayEntry, function, slots, cancellationToken);
    }

    /// <inheritdoc cref="Call(int, FunctionReference*, RawValue*, CancellationToken)"/>
    internal Trap? Call(int generation, nint entry, FunctionReference* function, RawValue* slots, CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled || _timeoutMilliseconds != 0)
            return CallCancellable(generation, entry, function, slots, cancellationToken);
        Tenure tenure = Begin(generation);
        return Enter(entry, function, slots, _scope, tenure);
    }

    /// <summary>Whether calls have to be watched, which only <see cref="Call(int, nint, FunctionReference*, RawValue*, CancellationToken)"/> does.</summary>
    internal bool HasDeadline => _timeoutMilliseconds != 0;

    /// <summary>
    /// Enters the store for a call through a typed stub and counts it in. For typed handles, which enter the guest themselves: the JIT makes such a call a call and
    /// nothing else only where it knows the types.
    /// </summary>
    /// <param name="generation">The life of the store that the handle was made in.</param>
    /// <param name="outer">The scope around the call; for <see cref="LeaveCall"/>, which follows when the guest is back.</param>
    /// <returns>For <see cref="LeaveCall"/> too.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Tenure BeginTyped(int generation, out CallScope? outer)
    {
        Tenure tenure = Begin(generation);
        outer = _scope;
        return tenure;
    }

    /// <summary>Runs a guest to its end that left a typed stub for another reason than returning. If it does not end by returning, the call has been counted out.</summary>
    /// <exception cref="TrapException">The guest trapped. Exceptions of host functions pass through.</exception>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal RawResult FinishTyped(nint stackPointer, CallScope? outer, Tenure tenure)
    {
        Trap? trap = Finish(stackPointer, outer, tenure, out RawResult result);
        if (trap is null)
            return result;
        LeaveCall(outer, tenure);
        throw Raise(trap, default);
    }

    /// <summary>The exception for a trap: that of the token where its cancellation was the reason.</summary>
    internal Exception Raise(Trap trap, CancellationToken cancellationToken)
    {
        TrapException exception = trap.ToException();
        return trap.Code == TrapCode.Interrupted && cancellationToken.IsCancellationRequested
            ? new OperationCanceledException("the guest was stopped because its call was cancelled", exception, cancellationToken)
            : exception;
    }

    /// <summary>Called when compiled code noticed a request to stop: throws if it is so, returns if the reason has gone.</summary>
    internal void OnInterrupt()
    {
        lock (_lock)
            SetInterrupt(0);
        // Whoever has a reason gives it first and sets the words afterwards, so nothing is missed by looking now.
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
            if (_state != StoreState.Live)
                return;
            SetInterrupt(1);
            Volatile.Write(ref Execution->StopRequested, 1);
            WakeSleeper();
        }
    }

    private void ThrowIfInterruptedCore()
    {
        // Cleared before looking: whoever has a reason gives it first and sets the word afterwards.
        Volatile.Write(ref Execution->StopRequested, 0);
        Interlocked.MemoryBarrier();
        bool isAsked = Volatile.Read(ref _stopRequested) == Generation;
        CallScope? cancelled = null;
        for (CallScope? scope = _scope; scope is not null; scope = scope.Outer)
        {
            // The outermost says for how long the reason lasts.
            if (scope.Token.IsCancellationRequested)
                cancelled = scope;
        }
        if (!isAsked && cancelled is null)
            return;
        lock (_lock)
        {
            SetInterrupt(1);
            // The request has been met when the outermost call ends, not before: Idle.
            if (isAsked && RunningDepth() > 1)
                KeepRequest(true);
            else if (isAsked)
                Volatile.Write(ref _stopRequested, NoStop);
        }
        Volatile.Write(ref Execution->StopRequested, 1);
        throw _driver.Trap(TrapCode.Interrupted, _gate.IsEnding ? "the instance was disposed while its guest ran" : cancelled?.DescribeDeadline());
    }

    // Under the lock. While a request is kept, leaving goes through the lock.
    private void KeepRequest(bool keeps)
    {
        _keepsRequest = keeps;
        _gate.Watch(_calls is not null || keeps);
    }

    // Back to a scope whose token may have been cancelled while another one was looked at.
    private void SetScope(CallScope? scope)
    {
        _scope = scope;
        if (scope is not null)
            Volatile.Write(ref Execution->StopRequested, 1);
    }

    private Trap? CallCancellable(int generation, nint entry, FunctionReference* function, RawValue* slots, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (cancellationToken.CanBeCanceled)
            RequireInterruption("A cancellation token");
        // Before the scope, which depends on what is in progress.
        Tenure tenure = EnterGate(generation);
        using CallScope scope = MakeScope(tenure, cancellationToken);
        CountIn(tenure);
        CallScope? outer = _scope;
        scope.Outer = outer;
        _scope = scope;
        return Enter(entry, function, slots, outer, tenure);
    }

    private CallScope MakeScope(Tenure tenure, CancellationToken cancellationToken)
    {
        try
        {
            return new CallScope(this, _activations == 0 ? _timeoutMilliseconds : 0, cancellationToken);
        }
        catch
        {
            Leave(tenure);
            throw;
        }
    }

    // Enters and counts a call in. Every call of it that returns is followed by one of LeaveCall.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Tenure Begin(int generation)
    {
        Tenure tenure = EnterGate(generation);
        CountIn(tenure);
        return tenure;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountIn(Tenure tenure)
    {
        if (_stack is null || _activations != 0 || _calls is not null)
            Prepare(tenure);
        else
            _activations = 1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Prepare(Tenure tenure)
    {
        try
        {
            if (_stack is null)
            {
                AttachStack();
            }
            else if (_activations != 0 && !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            {
                // A guest that comes back to itself by way of a host function uses up the thread's stack along with its own, and the end of that one is the end of the process.
                throw _driver.Trap(TrapCode.StackExhausted, "the thread's own stack is used up by host functions and the guests that they call in turn");
            }
            if (_calls is null)
                _activations++;
            else
                BeginNested();
        }
        catch
        {
            Leave(tenure);
            throw;
        }
    }

    // No try block around the call into the guest: the JIT does not inline such calls there, and no exception comes out of one.
    private Trap? Enter(nint entry, FunctionReference* function, RawValue* slots, CallScope? outer, Tenure tenure)
    {
        ExecutionRecord* record = Execution;
        nint stackPointer = record->GuestStackPointer;
        ((delegate* unmanaged<FunctionReference*, RawValue*, void>)entry)(function, slots);
        Trap? trap = record->ExitCode == Compiler.Abi.ExitCode.Returned ? null : Finish(stackPointer, outer, tenure, out _);
        LeaveCall(outer, tenure);
        return trap;
    }

    /// <summary>Counts out a call whose guest is back, and leaves the store.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void LeaveCall(CallScope? outer, Tenure tenure)
    {
        if (_calls is null && ReferenceEquals(_scope, outer) && (--_activations != 0 || _keepsStack))
            Leave(tenure);
        else
            LeaveCallSlow(outer, tenure);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void LeaveCallSlow(CallScope? outer, Tenure tenure)
    {
        if (_calls is not null)
        {
            LeaveNested(outer);
        }
        else if (!ReferenceEquals(_scope, outer))
        {
            SetScope(outer);
            if (--_activations == 0 && !_keepsStack)
                DetachStack();
        }
        else
        {
            DetachStack();
        }
        Leave(tenure);
    }

    // The guest left for another reason than returning: runs it to its end.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Trap? Finish(nint stackPointer, CallScope? outer, Tenure tenure, out RawResult result)
    {
        result = default;
        try
        {
            result = _driver.Finish(stackPointer, out Exception? trap);
            return ((TrapException?)trap)?.Trap;
        }
        catch (TrapException e) when (ReferenceEquals(e.Store, this))
        {
            return e.Trap;
        }
        catch
        {
            LeaveCall(outer, tenure);
            throw;
        }
    }
}

// Entering guest code from the host, and stopping it. A call enters through the stub of its signature on the store's guest
// stack; whatever makes the guest leave before it returns is StoreExecution's business, and the stub's next word to us is
// a result or an exception. Calls that may be suspended are in Store.Async.
//
// Interruption: a request sets a word in every VM context of the store, which compiled code reads at loop back edges and
// function entries, and one in the execution record, which host calls read. Whoever reads them then decides by the reasons (a generation that
// was asked to stop, the tokens of the scopes) whether the request is meant for a call in progress. So the words may be set without a reason,
// but never the other way round: reasons come first, and a word is put out before they are looked at.
using System.Runtime.CompilerServices;
using Tarn.Execution;
using Tarn.Instances;

namespace Tarn;

public sealed unsafe partial class Store
{
    // Calls in progress, running or suspended.
    private int _activations;
    // The generation that has been asked to stop.
    private const int NoStop = -1;
    private int _stopRequested = NoStop;
    private CallScope? _scope;

    internal CancellationToken CurrentToken => _scope?.Token ?? default;

    /// <summary>Calls a function.</summary>
    /// <param name="function">Its reference record; of this store.</param>
    /// <param name="slots">The arguments; afterwards the results. As many as the larger of the two counts.</param>
    /// <param name="cancellationToken">Stops the guest.</param>
    /// <returns>The trap that stopped the guest, or <see langword="null"/>. Exceptions of host functions pass through.</returns>
    internal Trap? Call(FunctionReference* function, RawValue* slots, CancellationToken cancellationToken)
    {
        return Call(Engine.StubsFor(function->TypeId).ArrayEntry, function, slots, cancellationToken);
    }

    /// <inheritdoc cref="Call(FunctionReference*, RawValue*, CancellationToken)"/>
    internal Trap? Call(nint entry, FunctionReference* function, RawValue* slots, CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled || _timeoutMilliseconds != 0)
            return CallCancellable(entry, function, slots, cancellationToken);
        Begin();
        return Enter(entry, function, slots, _scope);
    }

    /// <summary>Whether calls have to be watched, which only <see cref="Call(nint, FunctionReference*, RawValue*, CancellationToken)"/> does.</summary>
    internal bool HasDeadline => _timeoutMilliseconds != 0;

    /// <summary>
    /// Counts in a call through a typed stub. For typed handles, which enter themselves: the JIT makes such a call a call and nothing else only where it knows the types.
    /// </summary>
    /// <returns>The scope around the call; for <see cref="Leave"/>, which follows when the guest is back.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal CallScope? BeginTyped()
    {
        Begin();
        return _scope;
    }

    /// <summary>Runs a guest to its end that left a typed stub for another reason than returning. If it does not end by returning, the call has been counted out.</summary>
    /// <exception cref="TrapException">The guest trapped. Exceptions of host functions pass through.</exception>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal RawResult FinishTyped(nint stackPointer, CallScope? outer)
    {
        Trap? trap = Finish(stackPointer, outer, out RawResult result);
        if (trap is null)
            return result;
        Leave(outer);
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

    /// <summary>Called when compiled code noticed that it shall stop: throws if it is so, returns if the reason has gone.</summary>
    internal void OnInterrupt()
    {
        lock (_lock)
            SetInterrupt(0);
        ThrowIfInterrupted();
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
            if (_disposed)
                return;
            SetInterrupt(1);
            Volatile.Write(ref Execution->StopRequested, 1);
        }
    }

    private void ThrowIfInterruptedCore()
    {
        // Put out before looking: whoever has a reason gives it first and puts the word up afterwards.
        Volatile.Write(ref Execution->StopRequested, 0);
        Interlocked.MemoryBarrier();
        bool stop = Volatile.Read(ref _stopRequested) == _generation;
        for (CallScope? scope = _scope; scope is not null && !stop; scope = scope.Outer)
            stop = scope.Token.IsCancellationRequested;
        if (!stop)
            return;
        // A cancelled token remains a reason.
        Volatile.Write(ref Execution->StopRequested, 1);
        Volatile.Write(ref _stopRequested, NoStop);
        throw _driver.Trap(TrapCode.Interrupted);
    }

    // Back to a scope whose token may have been cancelled while another one was looked at.
    private void SetScope(CallScope? scope)
    {
        _scope = scope;
        if (scope is not null)
            Volatile.Write(ref Execution->StopRequested, 1);
    }

    private Trap? CallCancellable(nint entry, FunctionReference* function, RawValue* slots, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var scope = new CallScope(this, _activations == 0 ? _timeoutMilliseconds : 0, cancellationToken);
        Begin();
        CallScope? outer = _scope;
        scope.Outer = outer;
        _scope = scope;
        return Enter(entry, function, slots, outer);
    }

    // Counts a call in. Every call of it that returns is followed by one of Leave.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Begin()
    {
        if (_stack is null)
            AttachStack();
        else if (_activations != 0)
            PrepareNested();
        if (_calls is null)
            _activations++;
        else
            BeginNested();
    }

    // A guest that comes back to itself by way of a host function uses up the thread's stack along with its own, and the end of that one is the end of the process.
    private void PrepareNested()
    {
        if (_leavingThread != 0)
            WaitForLeaving();
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw _driver.Trap(TrapCode.StackExhausted, "the thread's own stack is used up by host functions and the guests that they call in turn");
    }

    // No try block around the call into the guest: the JIT does not inline such calls there, and no exception comes out of one.
    private Trap? Enter(nint entry, FunctionReference* function, RawValue* slots, CallScope? outer)
    {
        ExecutionRecord* record = Execution;
        nint stackPointer = record->GuestStackPointer;
        ((delegate* unmanaged<FunctionReference*, RawValue*, void>)entry)(function, slots);
        Trap? trap = record->ExitCode == Compiler.Abi.ExitCode.Returned ? null : Finish(stackPointer, outer, out _);
        Leave(outer);
        return trap;
    }

    /// <summary>Counts out a call whose guest is back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Leave(CallScope? outer)
    {
        if (_calls is not null)
        {
            LeaveNested(outer);
            return;
        }
        if (!ReferenceEquals(_scope, outer))
            SetScope(outer);
        if (--_activations == 0 && !_keepsStack)
            DetachStack();
    }

    // The guest left for another reason than returning: runs it to its end.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Trap? Finish(nint stackPointer, CallScope? outer, out RawResult result)
    {
        result = default;
        try
        {
            result = _driver.Finish(stackPointer, out Exception? trap);
            return trap is null ? null : ((TrapException)trap).Trap;
        }
        catch (TrapException e) when (e.Store == this)
        {
            return e.Trap;
        }
        catch
        {
            Leave(outer);
            throw;
        }
    }
}

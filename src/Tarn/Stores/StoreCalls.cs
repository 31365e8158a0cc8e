// Entering guest code from the host. A call enters through the stub of its signature on the store's guest stack; what makes the guest leave before it returns is StoreExecution's
// business, and the stub's next word to us is a result or an exception. Who may enter, and what happens to a call that is suspended, is ActivationScheduler's.
//
// Every call that was counted in is counted out once, on each path: by LeaveCall, or by the scheduler if the call is suspended and ends there.
using System.Runtime.CompilerServices;
using Tarn.Execution;
using Tarn.Scheduling;

namespace Tarn.Stores;

internal static unsafe class StoreCalls
{
    /// <summary>Calls a function.</summary>
    /// <param name="store">The store.</param>
    /// <param name="generation">The life of the store that the function's handle was made in.</param>
    /// <param name="function">Its reference record; of this store.</param>
    /// <param name="slots">The arguments; afterwards the results. As many as the larger of the two counts.</param>
    /// <param name="cancellationToken">Stops the guest.</param>
    /// <returns>The trap that stopped the guest, or <see langword="null"/>. Exceptions of host functions pass through.</returns>
    internal static Trap? Call(this StoreCore store, int generation, FunctionReference* function, RawValue* slots, CancellationToken cancellationToken)
    {
        return store.Call(generation, store.Engine.StubsFor(function->TypeId).ArrayEntry, function, slots, cancellationToken);
    }

    /// <inheritdoc cref="Call(StoreCore, int, FunctionReference*, RawValue*, CancellationToken)"/>
    internal static Trap? Call(this StoreCore store, int generation, nint entry, FunctionReference* function, RawValue* slots, CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled || store.HasDeadline)
            return store.CallCancellable(generation, entry, function, slots, cancellationToken);
        Tenure tenure = store.Begin(generation);
        return store.Enter(entry, function, slots, store.Scope, tenure);
    }

    /// <summary>
    /// Enters the store for a call through a typed stub and counts it in. For typed handles, which enter the guest themselves: the JIT makes such a call a call and
    /// nothing else only where it knows the types.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="generation">The life of the store that the handle was made in.</param>
    /// <param name="outer">The scope around the call; for <see cref="ActivationScheduler.LeaveCall"/>, which follows when the guest is back.</param>
    /// <returns>For <see cref="ActivationScheduler.LeaveCall"/> too.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Tenure BeginTyped(this StoreCore store, int generation, out CallScope? outer)
    {
        Tenure tenure = store.Begin(generation);
        outer = store.Scope;
        return tenure;
    }

    /// <summary>Runs a guest to its end that left a typed stub for another reason than returning. If it does not end by returning, the call has been counted out.</summary>
    /// <exception cref="TrapException">The guest trapped. Exceptions of host functions pass through.</exception>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static RawResult FinishTyped(this StoreCore store, nint stackPointer, CallScope? outer, Tenure tenure)
    {
        Trap? trap = store.Finish(stackPointer, outer, tenure, out RawResult result);
        if (trap is null)
            return result;
        store.LeaveCall(outer, tenure);
        throw Raise(trap, default);
    }

    private static Trap? CallCancellable(this StoreCore store, int generation, nint entry, FunctionReference* function, RawValue* slots, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (cancellationToken.CanBeCanceled)
            store.RequireInterruption("A cancellation token");
        // Before the scope, which depends on what is in progress.
        Tenure tenure = store.EnterGate(generation);
        using CallScope scope = store.MakeScope(tenure, cancellationToken);
        store.CountIn(tenure);
        CallScope? outer = store.Scope;
        scope.Outer = outer;
        store.Scope = scope;
        return store.Enter(entry, function, slots, outer, tenure);
    }

    internal static CallScope MakeScope(this StoreCore store, Tenure tenure, CancellationToken cancellationToken)
    {
        try
        {
            return new CallScope(store, store.HasCalls ? 0 : store.TimeoutMilliseconds, cancellationToken);
        }
        catch
        {
            store.Leave(tenure);
            throw;
        }
    }

    // No try block around the call into the guest: the JIT does not inline such calls there, and no exception comes out of one.
    private static Trap? Enter(this StoreCore store, nint entry, FunctionReference* function, RawValue* slots, CallScope? outer, Tenure tenure)
    {
        ExecutionRecord* record = store.Execution;
        nint stackPointer = record->GuestStackPointer;
        ((delegate* unmanaged<FunctionReference*, RawValue*, void>)entry)(function, slots);
        Trap? trap = record->ExitCode == Compiler.Abi.ExitCode.Returned ? null : store.Finish(stackPointer, outer, tenure, out _);
        store.LeaveCall(outer, tenure);
        return trap;
    }

    // The guest left for another reason than returning: runs it to its end.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Trap? Finish(this StoreCore store, nint stackPointer, CallScope? outer, Tenure tenure, out RawResult result)
    {
        result = default;
        try
        {
            result = store.Driver.Finish(stackPointer, out Exception? trap);
            return ((TrapException?)trap)?.Trap;
        }
        catch (TrapException e) when (ReferenceEquals(e.Store, store))
        {
            return e.Trap;
        }
        catch
        {
            store.LeaveCall(outer, tenure);
            throw;
        }
    }

    /// <summary>Calls a function in a way that lets the guest be suspended.</summary>
    /// <param name="store">The store.</param>
    /// <param name="generation">The life of the store that the function's handle was made in.</param>
    /// <param name="entry">The array entry of its signature.</param>
    /// <param name="function">Its reference record; of this store.</param>
    /// <param name="arguments">Its arguments; they may be changed when this returns.</param>
    /// <param name="slots">The larger of the counts of arguments and results.</param>
    /// <param name="reader">Reads the results.</param>
    /// <param name="cancellationToken">Stops the guest, running or suspended.</param>
    internal static ValueTask<TResult> CallAsync<TResult, TReader>(this StoreCore store, int generation, nint entry, FunctionReference* function, RawValue* arguments, int slots, TReader reader, CancellationToken cancellationToken)
        where TReader : struct, IResultReader<TResult>
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<TResult>(cancellationToken);
        if (cancellationToken.CanBeCanceled)
            store.RequireInterruption("A cancellation token");
        CallScope? scope = store.BeginAsync(generation, cancellationToken, out CallScope? outer, out Tenure tenure);
        ExecutionRecord* record = store.Execution;
        nint stackPointer = record->GuestStackPointer;
        // Arguments and results live on the guest stack: the thread's own may be another one when the guest returns.
        var values = (RawValue*)((stackPointer - (slots * sizeof(RawValue))) & ~(nint)15);
        ActivationLink* link = (ActivationLink*)values - 1;
        if ((nint)link < store.StackLimit)
        {
            store.EndAsync(scope, outer, tenure);
            return ValueTask.FromException<TResult>(new TrapException(TrapCode.StackExhausted));
        }
        Unsafe.CopyBlockUnaligned(values, arguments, (uint)(slots * sizeof(RawValue)));
        *link = new ActivationLink { OuterStackPointer = stackPointer };
        record->GuestStackPointer = (nint)link;
        ((delegate* unmanaged<FunctionReference*, RawValue*, void>)entry)(function, values);
        if (record->ExitCode != Compiler.Abi.ExitCode.Returned)
            return store.FinishAsync<TResult, TReader>(stackPointer, values, reader, scope, outer, tenure);
        return store.Returned<TResult, TReader>(stackPointer, values, reader, scope, outer, tenure);
    }

    /// <summary>As the other one, for functions without results.</summary>
    internal static ValueTask CallAsync(this StoreCore store, int generation, nint entry, FunctionReference* function, RawValue* arguments, int slots, CancellationToken cancellationToken)
    {
        ValueTask<NoResult> call = store.CallAsync<NoResult, NoResult>(generation, entry, function, arguments, slots, default, cancellationToken);
        return call.IsCompletedSuccessfully ? default : new ValueTask(call.AsTask());
    }

    // A guest may return an object of another type than its caller asked for. No try block around the call itself: see Enter.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ValueTask<TResult> Returned<TResult, TReader>(this StoreCore store, nint stackPointer, RawValue* values, TReader reader, CallScope? scope, CallScope? outer, Tenure tenure)
        where TReader : struct, IResultReader<TResult>
    {
#pragma warning disable CA1031 // It goes where the caller awaits it.
        try
        {
            return new ValueTask<TResult>(reader.Read(store, values));
        }
        catch (Exception e)
        {
            return ValueTask.FromException<TResult>(e);
        }
        finally
        {
            store.Execution->GuestStackPointer = stackPointer;
            store.EndAsync(scope, outer, tenure);
        }
#pragma warning restore CA1031
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ValueTask<TResult> FinishAsync<TResult, TReader>(this StoreCore store, nint stackPointer, RawValue* values, TReader reader, CallScope? scope, CallScope? outer, Tenure tenure)
        where TReader : struct, IResultReader<TResult>
    {
#pragma warning disable CA1031 // They go where the caller awaits them.
        try
        {
            RawResult ignored = default;
            if (!store.MaySuspend)
            {
                store.Driver.Finish(stackPointer);
            }
            else if (!store.Driver.TryFinish(stackPointer, ref ignored))
            {
                var call = new AsyncCall<TResult, TReader>(store, stackPointer, (nint)values, reader, scope, outer);
                store.Suspend(call, isFirst: true);
                return call.RunAsync();
            }
            TResult result = reader.Read(store, values);
            store.EndAsync(scope, outer, tenure);
            return new ValueTask<TResult>(result);
        }
        catch (TrapException e) when (ReferenceEquals(e.Store, store))
        {
            store.EndAsync(scope, outer, tenure);
            return ValueTask.FromException<TResult>(Raise(e.Trap, scope?.CallerToken ?? default));
        }
        catch (Exception e)
        {
            store.EndAsync(scope, outer, tenure);
            return ValueTask.FromException<TResult>(e);
        }
#pragma warning restore CA1031
    }

    private static CallScope? BeginAsync(this StoreCore store, int generation, CancellationToken cancellationToken, out CallScope? outer, out Tenure tenure)
    {
        tenure = store.EnterGate(generation);
        CallScope? scope = cancellationToken.CanBeCanceled || store.HasDeadline ? store.MakeScope(tenure, cancellationToken) : null;
        try
        {
            store.CountIn(tenure);
        }
        catch
        {
            scope?.Dispose();
            throw;
        }
        outer = store.Scope;
        if (scope is not null)
        {
            scope.Outer = outer;
            store.Scope = scope;
        }
        return scope;
    }

    private static void EndAsync(this StoreCore store, CallScope? scope, CallScope? outer, Tenure tenure)
    {
        store.LeaveCall(outer, tenure);
        scope?.Dispose();
    }

    /// <summary>The exception for a trap: that of the token where its cancellation was the reason.</summary>
    internal static Exception Raise(Trap trap, CancellationToken cancellationToken)
    {
        TrapException exception = trap.ToException();
        return trap.Code == TrapCode.Interrupted && cancellationToken.IsCancellationRequested
            ? new OperationCanceledException("the guest was stopped because its call was cancelled", exception, cancellationToken)
            : exception;
    }
}

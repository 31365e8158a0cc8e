// A host function that may complete later. If it completes at once, it is a host function like any other. If not, the guest leaves and stays
// suspended on its stack (GuestExecution), and the store continues it when the result is there (ActivationScheduler).
//
// While the body's synchronous part runs, it may call guests of the same store, and those may be suspended too: they are on the guest
// stack below this call, so that this call is pending for as long as one of them is, whatever its own result says.
using Tarn.Execution;

namespace Tarn.Handles;

internal abstract unsafe class AsyncHostFunction : DefinedHostFunction
{
    protected AsyncHostFunction(ValType[] parameters, ValType[] results)
        : base(parameters, results)
    {
    }

    public sealed override HostCallStatus Invoke(GuestExecution execution, VmContext* context, ulong* values)
    {
        StoreCore store = Begin(execution);
        int outer = store.BeginAsyncBody();
        PendingHostCall? pending = null;
        try
        {
            pending = Start(Caller.Of(store, context), (RawValue*)values);
        }
        finally
        {
            store.EndAsyncBody(outer, pending is not null);
        }
        if (pending is null)
            return HostCallStatus.Completed;
        ((StoreExecution)execution).Pending = pending;
        return HostCallStatus.Pending;
    }

    /// <summary>Starts the host's code; gives null if it has completed and the results are in the slots.</summary>
    protected abstract PendingHostCall? Start(Caller caller, RawValue* slots);

    protected static PendingHostCall? Complete<TResult>(StoreCore store, RawValue* slots, ValueTask<TResult> task)
    {
        if (!task.IsCompleted || store.HasNestedCalls)
            return new PendingResult<TResult>(task);
        ResultCodec<TResult>.Write(store, slots, task.GetAwaiter().GetResult());
        return null;
    }

    protected static PendingHostCall? Complete(StoreCore store, ValueTask task)
    {
        if (!task.IsCompleted || store.HasNestedCalls)
            return new PendingAction(task);
        task.GetAwaiter().GetResult();
        return null;
    }
}

// A host function that has not completed: what the store waits for while the guest is suspended. Each is awaited once and its result is taken
// exactly once, also when nobody wants it any more, since a ValueTask may stand for an object that is used again.

namespace Tarn.Stores;

internal abstract unsafe class PendingHostCall
{
    /// <summary>The suspended call that waits for it.</summary>
    public AsyncCall? Owner { get; set; }

    /// <summary>Runs a continuation when the result is there, at once if it is there already.</summary>
    public abstract void OnCompleted(Action continuation);

    /// <summary>Takes the result and puts it where the guest finds it; throws what the host function threw.</summary>
    public abstract void Finish(StoreCore store, RawValue* slots);

    /// <summary>Takes the result of a call that has completed and drops it, exceptions included: the guest that asked for it is gone.</summary>
    public abstract void Discard();

    /// <summary>
    /// Says that its result is no longer waited for, so that it can give up what it occupies until then; the result may come all the same. Called under the store's lock: runs no foreign
    /// code.
    /// </summary>
    public virtual void Abandon()
    {
    }

    /// <summary>Tells the owner that the result is there.</summary>
    public void NotifyOwner() => Owner!.Store.OnCompleted(Owner, this);

    /// <summary>Drops the result whenever it comes.</summary>
    public void Forget() => OnCompleted(Discard);

    /// <summary>Blocks the thread until the result is there.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; the result will be dropped.</exception>
    public void Wait(CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource();
        OnCompleted(done.SetResult);
        try
        {
            done.Task.Wait(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            _ = done.Task.ContinueWith(
                static (_, pending) => ((PendingHostCall)pending!).Discard(), this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            throw;
        }
    }
}

// A call that was suspended at least once: where its frames are, what it waits for, and whom to tell. All state is the store's to
// change, under its lock (ActivationScheduler); this is the part that awaits. Waking happens once for each suspension: either whoever
// wakes has claimed the store for the call, which then continues, or Failure says why it ends.
using System.Threading.Tasks.Sources;

namespace Tarn.Stores;

internal abstract class AsyncCall(StoreCore store, nint entryStackPointer, CallScope? scope, CallScope? outerScope) : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _wake;

    public StoreCore Store { get; } = store;

    /// <summary>Which call in progress it is, counted from the outermost, which is 1.</summary>
    public int Depth { get; set; }

    /// <summary>The next call further out that was suspended.</summary>
    public AsyncCall? Outer { get; set; }

    /// <summary>GuestStackPointer before the call.</summary>
    public nint EntryStackPointer { get; } = entryStackPointer;

    /// <summary>The exit frame of the guest while it is suspended.</summary>
    public nint SuspendedAt { get; set; }

    /// <summary>The call's own scope, if it has a token.</summary>
    public CallScope? OwnScope { get; } = scope;

    /// <summary>The scope in effect before the call.</summary>
    public CallScope? OuterScope { get; } = outerScope;

    /// <summary>The scope in effect in the call.</summary>
    public CallScope? Scope => OwnScope ?? OuterScope;

    /// <summary>What it waits for.</summary>
    public PendingHostCall? Pending { get; set; }

    /// <summary>Where it is.</summary>
    public CallState State { get; set; }

    /// <summary>Whether its guest is suspended.</summary>
    public bool IsSuspended => State is CallState.Waiting or CallState.Ready;

    /// <summary>Its token was cancelled while a call inside of it ran.</summary>
    public bool IsCancelled { get; set; }

    /// <summary>Why it was ended while it was suspended.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Takes the results from the guest stack.</summary>
    public abstract void ReadResult();

    /// <summary>To be called before each suspension.</summary>
    public void PrepareToWait() => _wake.Reset();

    /// <summary>Goes on with the call on this thread.</summary>
    public void Wake() => _wake.SetResult(true);

    /// <summary>Goes on with the call on another thread.</summary>
    public void WakeElsewhere() => ThreadPool.UnsafeQueueUserWorkItem(static call => call.Wake(), this, preferLocal: false);

    void IValueTaskSource.GetResult(short token) => _wake.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _wake.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wake.OnCompleted(continuation, state, token, flags);

    /// <summary>Completes when the call is woken.</summary>
    protected ValueTask Woken => new(this, _wake.Version);
}

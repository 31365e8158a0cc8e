// A call that a token can stop, from before it enters the guest until it has ended. Cancelling asks a running guest to look for reasons to
// stop, and wakes one that is suspended.
namespace Tarn.Stores;

internal sealed class CallScope : IDisposable
{
    private readonly StoreCore _store;
    private readonly CancellationTokenRegistration _registration;
    private readonly CancellationTokenSource? _deadline;
    private readonly long _timeoutMilliseconds;

    /// <param name="store">The store.</param>
    /// <param name="timeoutMilliseconds">How long the call may take; 0 for no limit.</param>
    /// <param name="token">The caller's.</param>
    /// <exception cref="ObjectDisposedException">The token's source has been disposed.</exception>
    public CallScope(StoreCore store, long timeoutMilliseconds, CancellationToken token)
    {
        _store = store;
        _timeoutMilliseconds = timeoutMilliseconds;
        CallerToken = token;
        Token = token;
        if (timeoutMilliseconds != 0)
        {
            _deadline = CancellationTokenSource.CreateLinkedTokenSource(token);
            _deadline.CancelAfter(TimeSpan.FromMilliseconds(timeoutMilliseconds));
            Token = _deadline.Token;
        }
        _registration = Token.UnsafeRegister(static scope => ((CallScope)scope!).OnCancelled(), this);
    }

    /// <summary>Cancelled when the call has to stop, for whatever reason.</summary>
    public CancellationToken Token { get; }

    /// <summary>What the caller gave.</summary>
    public CancellationToken CallerToken { get; }

    /// <summary>The scope around it: its token stops this call too.</summary>
    public CallScope? Outer { get; set; }

    /// <summary>The call, from its first suspension on; written under the store's lock.</summary>
    public AsyncCall? Call { get; set; }

    /// <summary>Gets why the call has to stop, in words, if its time ran out.</summary>
    public string? DescribeDeadline() =>
        _deadline is not null && !CallerToken.IsCancellationRequested ? $"the call's time of {_timeoutMilliseconds} ms ran out" : null;

    /// <summary>Ends the interest in the token; waits for a cancellation in progress on another thread.</summary>
    public void Dispose()
    {
        _registration.Dispose();
        _deadline?.Dispose();
    }

    private void OnCancelled()
    {
        _store.RequestCheck();
        _store.CancelSuspended(this);
    }
}

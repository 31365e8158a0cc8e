// A call that a token can stop, from before it enters the guest until it has ended. Cancelling asks a running guest to look for reasons to
// stop, and wakes one that is suspended.
namespace Tarn.Instances;

internal sealed class CallScope : IDisposable
{
    private readonly Store _store;
    private readonly CancellationTokenRegistration _registration;

    /// <exception cref="ObjectDisposedException">The token's source has been disposed.</exception>
    public CallScope(Store store, CancellationToken token)
    {
        _store = store;
        Token = token;
        _registration = token.UnsafeRegister(static scope => ((CallScope)scope!).OnCancelled(), this);
    }

    public CancellationToken Token { get; }

    /// <summary>The scope around it: its token stops this call too.</summary>
    public CallScope? Outer { get; set; }

    /// <summary>The call, from its first suspension on; written under the store's lock.</summary>
    public AsyncCall? Call { get; set; }

    /// <summary>Ends the interest in the token; waits for a cancellation in progress on another thread.</summary>
    public void Dispose() => _registration.Dispose();

    private void OnCancelled()
    {
        _store.RequestCheck();
        _store.CancelSuspended(this);
    }
}

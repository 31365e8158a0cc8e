// Why a guest of a store may have to stop: the tokens and deadlines of the calls in progress, and a request that names a life of the store. This is what is known; when it is looked at,
// and what makes compiled code come and look, is the scheduler's business (ActivationScheduler, "Interruption").
using Tarn.Memories;

namespace Tarn.Stores;

internal struct StopRequests
{
    private const int NoGeneration = -1;

    private int _generation = NoGeneration;

    public StopRequests()
    {
    }

    /// <summary>Gets or sets how long a call from outside may take, in milliseconds; 0 for no limit.</summary>
    public long TimeoutMilliseconds { get; set; }

    /// <summary>Gets or sets the innermost scope in effect: its token and those of the scopes around it stop the guest.</summary>
    public CallScope? Scope { get; set; }

    /// <summary>Gets or sets the thread that runs the guest, while it sleeps (<see cref="GuestWait"/>). Under the scheduler's lock.</summary>
    public ThreadWaiter? Sleeper { get; set; }

    /// <summary>Gets or sets whether a guest has met the request while others ran around it: it holds until the outermost of them has ended.</summary>
    public bool IsKept { get; set; }

    /// <summary>Gets whether there may be a reason to stop.</summary>
    public readonly bool IsAny => Scope is not null || _generation != NoGeneration;

    /// <summary>Asks the guests of a life of the store to stop. Any thread may do so.</summary>
    public void Request(int generation) => Volatile.Write(ref _generation, generation);

    /// <summary>Whether a life of the store was asked to stop.</summary>
    public bool IsRequested(int generation) => Volatile.Read(ref _generation) == generation;

    /// <summary>Forgets the request.</summary>
    public void Withdraw() => Volatile.Write(ref _generation, NoGeneration);

    /// <summary>Begins a life: without a deadline and a request. Its store has no call in progress.</summary>
    public void Reset()
    {
        TimeoutMilliseconds = 0;
        _generation = NoGeneration;
    }

    /// <summary>Finds the outermost scope in effect whose token was cancelled. The outermost says for how long the reason lasts.</summary>
    public readonly CallScope? FindCancelled()
    {
        CallScope? cancelled = null;
        for (CallScope? scope = Scope; scope is not null; scope = scope.Outer)
        {
            if (scope.Token.IsCancellationRequested)
                cancelled = scope;
        }
        return cancelled;
    }
}

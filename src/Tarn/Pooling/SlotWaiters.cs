// Those who wait for a slot, first come, first served. A slot is never handed to a waiter: whenever something comes back to the pool, the one who has
// waited longest tries to take what it needs, and whoever is done (served, cancelled or failed) passes the word on. So a wait that is cancelled
// has nothing to give back, and nothing can be lost between a giver and a taker.
//
// Why no wake-up is missed: a waiter is counted before it tries, by an interlocked operation; a giver looks at the count after it has put the slot
// where it can be taken, which is an interlocked operation or the end of a lock followed by a barrier. One of the two sees the other.
//
// An attempt that needs several slots may find the first and not the second, and returns what it has. That must not wake the waiter that attempts, which would never stop trying.
namespace Tarn.Pooling;

internal sealed class SlotWaiters
{
    [ThreadStatic]
    private static Waiter? t_attempting;

    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _queue = new();
    private int _count;
    private long _waits;

    /// <summary>Whether there are waiters: a free slot is then promised.</summary>
    public bool Any => Volatile.Read(ref _count) != 0;

    /// <summary>How many wait now.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>How many have had to wait.</summary>
    public long Waits => Interlocked.Read(ref _waits);

    /// <summary>Something came back to the pool.</summary>
    public void Signal()
    {
        if (Volatile.Read(ref _count) != 0)
            SignalFirst();
    }

    /// <summary>Waits until an attempt succeeds that is made whenever it might and no other waiter is first.</summary>
    /// <typeparam name="TState">What the attempt needs.</typeparam>
    /// <typeparam name="TResult">What it gives.</typeparam>
    /// <param name="attempt">Gives null if there is still nothing; an exception of its ends the wait.</param>
    /// <param name="state">For the attempt.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<TResult> WaitAsync<TState, TResult>(Func<TState, TResult?> attempt, TState state, CancellationToken cancellationToken)
        where TResult : class
    {
        var waiter = new Waiter();
        lock (_lock)
            _queue.AddLast(waiter.Node);
        Interlocked.Increment(ref _count);
        bool waited = false;
        try
        {
            while (true)
            {
                Task signal = waiter.NextSignal();
                if (IsFirst(waiter) && Attempt(waiter, attempt, state) is TResult result)
                    return result;
                if (!waited)
                {
                    waited = true;
                    Interlocked.Increment(ref _waits);
                }
                await signal.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            lock (_lock)
                _queue.Remove(waiter.Node);
            Interlocked.Decrement(ref _count);
            Signal();
        }
    }

    private static TResult? Attempt<TState, TResult>(Waiter waiter, Func<TState, TResult?> attempt, TState state)
        where TResult : class
    {
        Waiter? outer = t_attempting;
        t_attempting = waiter;
        try
        {
            return attempt(state);
        }
        finally
        {
            t_attempting = outer;
        }
    }

    private bool IsFirst(Waiter waiter)
    {
        lock (_lock)
            return _queue.First == waiter.Node;
    }

    private void SignalFirst()
    {
        Waiter? first;
        lock (_lock)
            first = _queue.First?.Value;
        if (first != t_attempting)
            first?.Signal();
    }

    private sealed class Waiter
    {
        private volatile TaskCompletionSource _signal = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Waiter() => Node = new LinkedListNode<Waiter>(this);

        public LinkedListNode<Waiter> Node { get; }

        /// <summary>Completes at the first signal from now on.</summary>
        public Task NextSignal()
        {
            if (_signal.Task.IsCompleted)
                _signal = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _signal.Task;
        }

        public void Signal() => _signal.TrySetResult();
    }
}

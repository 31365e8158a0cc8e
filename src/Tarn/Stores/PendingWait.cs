// A guest that waits on a location of a shared memory in a call that can be suspended: it is suspended, like one whose host function is pending, and holds no thread.
//
// It completes once: a notification, the timer and the store, which drops a call that has to end, all take it out of its queue first (ParkingTable.TryLeave), and one of them succeeds. A
// notification that came before the call was dropped has woken a guest that then was stopped.
// The thread that notifies does not run the guest: it may be inside its own store, and has its own guest to go on with.
using Tarn.Memories;

namespace Tarn.Stores;

internal sealed unsafe class PendingWait : PendingHostCall
{
    private static readonly Action s_completed = static () => { };

    private readonly SharedMemoryCore _memory;
    private readonly Node _node;
    private AtomicWaitResult _result;
    private Timer? _timer;
    private Action? _continuation;

    private PendingWait(SharedMemoryCore memory)
    {
        _memory = memory;
        _node = new Node(this);
    }

    /// <summary>Begins to wait.</summary>
    /// <param name="memory">The memory.</param>
    /// <param name="address">An address within it, aligned to the size of what is there.</param>
    /// <param name="expected">What has to be there.</param>
    /// <param name="is64">Whether it has 8 bytes; otherwise 4.</param>
    /// <param name="nanoseconds">How long to wait; negative for no bound.</param>
    /// <returns>What is waited for, or <see langword="null"/> if something else is there.</returns>
    public static PendingWait? TryBegin(SharedMemoryCore memory, ulong address, ulong expected, bool is64, long nanoseconds)
    {
        var wait = new PendingWait(memory);
        if (!memory.Waiters.TryPark(wait._node, address, memory.Memory.Base + address, expected, is64))
            return null;
        if (nanoseconds >= 0)
            wait.StartTimer(nanoseconds);
        return wait;
    }

    /// <inheritdoc/>
    public override void OnCompleted(Action continuation)
    {
        if (Interlocked.CompareExchange(ref _continuation, continuation, null) is not null)
            continuation();
    }

    /// <inheritdoc/>
    public override void Finish(StoreCore store, RawValue* slots) => slots[0].Low = (uint)_result;

    /// <inheritdoc/>
    public override void Discard()
    {
    }

    /// <inheritdoc/>
    public override void Abandon()
    {
        _memory.Waiters.TryLeave(_node);
        _timer?.Dispose();
    }

    // The timer may end the wait before the field is set; then it has nothing left to do, and goes with the next collection.
    private void StartTimer(long nanoseconds)
    {
        // Timers count milliseconds and may come up to one early.
        long milliseconds = Math.Min((nanoseconds / 1_000_000) + 2, uint.MaxValue - 1);
        var timer = new Timer(static wait => ((PendingWait)wait!).OnTimer(), this, Timeout.Infinite, Timeout.Infinite);
        Volatile.Write(ref _timer, timer);
        timer.Change(milliseconds, Timeout.Infinite);
    }

    private void OnTimer()
    {
        if (!_memory.Waiters.TryLeave(_node))
            return;
        _timer!.Dispose();
        _result = AtomicWaitResult.TimedOut;
        if (Interlocked.Exchange(ref _continuation, s_completed) is Action continuation)
            continuation();
    }

    private void OnNotified()
    {
        Volatile.Read(ref _timer)?.Dispose();
        if (Interlocked.Exchange(ref _continuation, s_completed) is Action continuation)
            ThreadPool.UnsafeQueueUserWorkItem(static run => run(), continuation, preferLocal: false);
    }

    private sealed class Node(PendingWait wait) : Waiter
    {
        public override void Wake() => wait.OnNotified();
    }
}

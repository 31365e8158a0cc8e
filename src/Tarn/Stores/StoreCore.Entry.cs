// Entering a store and leaving it, and the end of its life: the store's side of StoreGate. What the gate calls "looking for what waited" is Idle in StoreCore.Async.
//
// Who waits for whom: a thread that finds another one inside waits for it if that one only reads or writes something (it leaves by itself), or is on its
// way to suspend its guest; if it runs a guest, the thread that comes is refused.
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Tarn.Scheduling;

namespace Tarn.Stores;

internal sealed unsafe partial class StoreCore
{
    // How long others wait for a thread that is about to leave. A host function's synchronous part that blocks on what they are to do would wait for ever.
    private const int MillisecondsToLeave = 10_000;

    // How long Dispose waits for a guest that was asked to stop.
    internal const int MillisecondsToEnd = 1000;

    private StoreGate<GateSteps> _gate = new();

    // Completes when an end that had to wait has come. Under the lock.
    private TaskCompletionSource? _ended;

    /// <summary>Enters a store for what a handle is asked to do.</summary>
    /// <exception cref="ObjectDisposedException">The handle's instance has been disposed.</exception>
    /// <exception cref="InvalidOperationException">The handle is none, or another thread runs a guest of the store.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static StoreUse Enter([NotNull] StoreCore? store, int generation)
    {
        if (store is null)
            ThrowStale(store);
        return new StoreUse(store, store.EnterGate(generation));
    }

    /// <summary>As <see cref="Enter(StoreCore, int)"/>, until the access is closed on the same thread.</summary>
    internal static OpenAccess Open([NotNull] StoreCore? store, int generation)
    {
        if (store is null)
            ThrowStale(store);
        return new OpenAccess(store, store.EnterGate(generation));
    }

    /// <summary>Enters on behalf of the store itself.</summary>
    /// <exception cref="ObjectDisposedException">It has been disposed.</exception>
    /// <exception cref="InvalidOperationException">Another thread runs a guest of the store.</exception>
    internal StoreUse Enter()
    {
        var use = new StoreUse(this, EnterGate(Generation));
        if (_state == StoreState.Live)
            return use;
        use.Dispose();
        throw new ObjectDisposedException(nameof(Tarn.Store));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Tenure EnterGate(int generation) => _gate.TryEnter(generation, out Tenure tenure) ? tenure : EnterLocked(generation);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Tenure EnterLocked(int generation)
    {
        long start = 0;
        SpinWait spin = default;
        Aftermath aftermath = default;
        lock (_lock)
        {
            if (_gate.TryVacate())
                Idle(ref aftermath);
        }
        Settle(aftermath);
        while (true)
        {
            lock (_lock)
            {
                switch (_gate.Enter(generation, out Tenure tenure))
                {
                    case GateEntry.Entered:
                        return tenure;
                    case GateEntry.Stale:
                        ThrowStale(this);
                        break;
                    default:
                        int occupant = _gate.Occupant;
                        if (occupant != _leavingThread && IsRunning)
                            throw OtherThread();
                        break;
                }
            }
            long now = Environment.TickCount64;
            if (start == 0)
                start = now;
            else if (now - start > MillisecondsToLeave)
                throw OtherThread();
            spin.SpinOnce();
        }
    }

    /// <summary>Leaves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Leave(Tenure tenure)
    {
        if (!_gate.TryLeave(tenure))
            LeaveLocked(tenure);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void LeaveLocked(Tenure tenure)
    {
        Aftermath aftermath = default;
        lock (_lock)
        {
            if (_gate.Leave(tenure))
                Idle(ref aftermath);
        }
        Settle(aftermath);
    }

    // Whether calls are in progress that are not suspended: exact if the gate is vacant or the current thread is inside.
    private bool IsRunning => _activations != _suspended;

    /// <summary>Ends a life of the store, once for each generation: a slot must never be returned twice.</summary>
    /// <returns>What completes when the end has come, if that is later.</returns>
    internal Task? EndLife(int generation)
    {
        if (_gate.TryEnd(generation, out Tenure tenure, out bool hasBegun))
        {
            TakeApart(tenure);
            return null;
        }
        Aftermath aftermath = default;
        Task? later = null;
        lock (_lock)
        {
            if (!hasBegun && _gate.TryVacate())
                Idle(ref aftermath);
            if (hasBegun)
            {
                if (_gate.ContinueEnd(tenure))
                    Idle(ref aftermath);
            }
            else if (!_gate.BeginEnd(generation, out bool isVacant))
            {
                // Somebody else's end may be on its way.
                if (_gate.IsEnding && _gate.Generation == generation + 1 && _gate.Occupant != GateSteps.Thread)
                    later = _ended?.Task;
            }
            else if (isVacant && !IsRunning)
            {
                End(ref aftermath);
            }
            else
            {
                _gate.Defer();
                _ended ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                if (_state == StoreState.Live)
                    RequestStop(_gate.Generation);
                // Waiting for the own call would be waiting for ever.
                if (_gate.Occupant != GateSteps.Thread)
                    later = _ended.Task;
            }
        }
        Settle(aftermath);
        return later;
    }

    // With the gate vacant and no call running, under the lock.
    private void End(ref Aftermath aftermath)
    {
        Drop(1, static _ => new ObjectDisposedException(nameof(Instance), "The instance was disposed while its guest was suspended."), ref aftermath);
        if (!_keepsStack && _stack is not null)
            DetachStack();
        _keepsRequest = false;
        aftermath.Ended = _gate.EndNow();
    }

    // Whoever has ended the store's life takes what it held apart, without the lock: nobody else gets in any more.
    private void TakeApart(Tenure tenure)
    {
        TaskCompletionSource? ended = _ended;
        _ended = null;
        if (_slot is null)
        {
#pragma warning disable CA1816 // It is the end that Dispose asked for.
            GC.SuppressFinalize(this);
#pragma warning restore CA1816
            Release();
            LeaveEnded(tenure);
        }
        else if (_state != StoreState.Live)
        {
            LeaveEnded(tenure);
        }
        else
        {
            _state = StoreState.Idle;
            if (References.Count != 0)
                References.Clear();
            Exceptions.Clear();
            if (HostRoots is { Count: > 0 })
                HostRoots.Clear();
            if (State is not null)
                State = null;
            if (Limits is not null)
                Limits = null;
            // Whatever was made beside the slot's own instance may be entangled with it: such a slot starts from scratch. So does one whose generations are used up, since a
            // handle that was kept from an earlier life must never be of the current one.
            bool isClean = _heap.IsAsPooled && Generation < int.MaxValue;
            LeaveEnded(tenure);
            if (isClean)
                _slot.Return();
            else
                EndPooling();
        }
        ended?.SetResult();
    }

    // Leaves a store whose life the thread has ended. An end that was asked for meanwhile has come with this one.
    private void LeaveEnded(Tenure tenure)
    {
        if (_gate.TryLeave(tenure))
            return;
        TaskCompletionSource? later;
        lock (_lock)
        {
            _gate.DropEnd();
            later = _ended;
            _ended = null;
        }
        later?.SetResult();
    }

    // What is left to do when the lock has been left.
    private void Settle(in Aftermath aftermath)
    {
        if (aftermath.Discarded is not null)
        {
            foreach (PendingHostCall pending in aftermath.Discarded)
                pending.Discard();
        }
        if (aftermath.Woken is not null)
        {
            foreach (AsyncCall call in aftermath.Woken)
                call.WakeElsewhere();
        }
        if (aftermath.Ended is Tenure tenure)
            TakeApart(tenure);
    }

    private static InvalidOperationException OtherThread() =>
        new("Another thread runs a guest of this store. A store is for one thread at a time, and a call that was not awaited may continue at any time.");

    // Filled under the lock, carried out after it.
    private struct Aftermath
    {
        public List<AsyncCall>? Woken;

        public List<PendingHostCall>? Discarded;

        public Tenure? Ended;
    }
}

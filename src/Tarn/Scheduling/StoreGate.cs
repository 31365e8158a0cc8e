// Who is inside a store. Everything that touches what a store owns (calls of its guests, access to its memories, tables and globals, growth, linking,
// its end) enters here first and leaves here afterwards, so that safe code on several threads cannot corrupt the process: a thread that comes while
// another one is inside is refused or waits. Isolation hangs on this file; GateExplorerTests run its code through all interleavings.
//
// States. The gate names one tenure:
//   Vacant       nobody may enter without the lock. What is suspended may be claimed, dropped or ended by the thread that has the lock;
//   Claimed      a suspended call will continue: its thread comes with TakeClaim;
//   T, Depth 0   thread T used the store last, and enters again without lock or atomic operation;
//   T, Depth > 0 T is inside.
// Beside it stand the generation (handles carry the one they were made in), Watched (leaving has to go through the lock, since suspended calls, a
// lender or an end wait for it) and Ending (somebody asked for the end while it was impossible).
//
// The argument, for any two threads T and U:
//  1. T enters by counting itself in (Depth + 1) and looking at tenure and generation afterwards. U takes T's place under the lock: it puts Vacant in place of the
//     tenure, fences all threads, and looks at Depth afterwards. Because of the fence either U sees the count and puts the tenure back, or T sees that its
//     tenure has gone and counts itself out again: never do both continue. It may be that neither does: then T comes to the lock, where one of them is first.
//  2. Depth is written by T alone, so that counting needs no atomic operation, also while U decides. A tenure is never handed over (Tenure).
//  3. The generation changes by the thread whose tenure it is (TryEnd), or under the lock after 1. So a thread whose tenure was current when the generation
//     changed either made the change itself, or has lost its tenure under a fence. In both cases it finds its old handles stale. Therefore the next life of a
//     pooled store begins without a fence, and without the lock if the same thread begins it (Begin): the old tenure's thread fails on the generation,
//     whatever it sees of the tenure, and one that has a handle of the new life has received it after the new tenure was in place.
//     TryEnd changes the generation without the lock, so the thread that has the lock looks at the generation again after its fence; and TryEnd looks at Watched
//     again after its change, by the same reasoning as in 1: either it sees the end that was asked for under the lock, or that one sees its change.
//  4. A thread that suspends its guest gives up its tenure itself, under the lock. So what is suspended is only touched in Vacant, under the lock, without fences.
//     A thread that counted itself in and out again in 1 may have been taken for somebody inside, whom an end was left to. It comes to the lock next, and
//     gives up its tenure there as one that leaves does (TryVacate).
//  5. The thread that makes the gate vacant looks for what waited for it (the store's Idle): calls that are ready, that were cancelled, and the end. A thread that finds
//     the gate not vacant leaves that to the one who is inside, who goes through the lock because Watched was set before the fence of 1.
using System.Runtime.CompilerServices;

namespace Tarn.Scheduling;

/// <typeparam name="TSteps">How shared fields are accessed.</typeparam>
internal struct StoreGate<TSteps>
    where TSteps : struct, IGateSteps
{
    private Tenure _tenure;

    // The tenure that was given up last; its thread may use it again.
    private Tenure? _last;
    private int _generation;
    private int _watched;
    private int _ending;
    private int _lent;
    private bool _hasWaiting;

    public StoreGate()
    {
        _tenure = Tenure.Vacant;
    }

    /// <summary>Gets the number of the store's current life.</summary>
    public int Generation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TSteps.Read(ref _generation, GateField.Generation);
    }

    /// <summary>Gets whether an end was asked for that has not come yet.</summary>
    public bool IsEnding => TSteps.Read(ref _ending, GateField.Ending) != 0;

    /// <summary>Gets whether no thread is inside and none enters without the lock. Under the lock.</summary>
    public bool IsVacant => TSteps.ReadTenure(ref _tenure) == Tenure.Vacant;

    /// <summary>Gets the thread that is inside, or was last. Under the lock.</summary>
    public int Occupant => TSteps.ReadTenure(ref _tenure).Thread;

    /// <summary>Gets whether the current thread, which begins a life of a store that no other thread has a handle of, used the store last. Otherwise <see cref="Begin"/> follows.</summary>
    public bool IsMine => TSteps.ReadTenure(ref _tenure).Thread == TSteps.Thread;

    /// <summary>Begins a life: the current thread enters without the lock from now on. Under the lock.</summary>
    public void Begin() => Occupy(0);

    /// <summary>Enters if the current thread used the store last and the handle is of the current life.</summary>
    /// <param name="generation">The life that the handle was made in.</param>
    /// <param name="tenure">For <see cref="TryLeave"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnter(int generation, out Tenure tenure)
    {
        tenure = TSteps.ReadTenure(ref _tenure);
        if (tenure.Thread != TSteps.Thread)
            return false;
        // Counts in first and looks afterwards: 1. above.
        TSteps.WriteDepth(tenure, tenure.Depth + 1);
        if (TSteps.ReadTenure(ref _tenure) == tenure && TSteps.Read(ref _generation, GateField.Generation) == generation)
            return true;
        TSteps.WriteDepth(tenure, tenure.Depth - 1);
        return false;
    }

    /// <summary>Enters, taking the place of the thread that used the store last if that one is not inside. Under the lock.</summary>
    /// <param name="generation">The life that the handle was made in.</param>
    /// <param name="tenure">For <see cref="TryLeave"/>.</param>
    public GateEntry Enter(int generation, out Tenure tenure)
    {
        tenure = TSteps.ReadTenure(ref _tenure);
        if (TSteps.Read(ref _generation, GateField.Generation) != generation)
            return GateEntry.Stale;
        if (tenure.Thread == TSteps.Thread)
        {
            TSteps.WriteDepth(tenure, tenure.Depth + 1);
            return GateEntry.Entered;
        }
        bool isVacant = TryDisplace(tenure);
        // The thread whose tenure it was may have ended the life meanwhile: 3. above.
        if (TSteps.Read(ref _generation, GateField.Generation) != generation)
            return GateEntry.Stale;
        if (!isVacant)
            return GateEntry.Busy;
        tenure = Occupy(1);
        return GateEntry.Entered;
    }

    /// <summary>Leaves.</summary>
    /// <returns>Whether that is all; otherwise <see cref="Leave"/> follows, under the lock.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryLeave(Tenure tenure)
    {
        int depth = tenure.Depth - 1;
        TSteps.WriteDepth(tenure, depth);
        return depth != 0 || TSteps.Read(ref _watched, GateField.Watched) == 0;
    }

    /// <summary>Gives up the tenure of a thread that <see cref="TryLeave"/> has counted out, so that what waited for it may continue. Under the lock.</summary>
    /// <returns>Whether the gate is vacant on account of it and the caller has to look for what waited.</returns>
    public bool Leave(Tenure tenure)
    {
        // Counted out without the lock, others may have come since, or the thread itself once more.
        if (TSteps.ReadTenure(ref _tenure) != tenure || tenure.Depth != 0 || TSteps.Read(ref _watched, GateField.Watched) == 0)
            return false;
        Vacate(tenure);
        return true;
    }

    /// <summary>Gives up the tenure of the current thread, which is not inside, if something waits for the gate to be vacant. Under the lock, before anything else.</summary>
    /// <returns>Whether the gate is vacant on account of it and the caller has to look for what waited.</returns>
    public bool TryVacate()
    {
        Tenure tenure = TSteps.ReadTenure(ref _tenure);
        return tenure.Thread == TSteps.Thread && Leave(tenure);
    }

    /// <summary>Leaves with a guest that is suspended. Under the lock, by the thread that is inside.</summary>
    /// <returns>Whether the gate is vacant; otherwise the thread is still inside, further out.</returns>
    public bool Suspend()
    {
        Tenure tenure = TSteps.ReadTenure(ref _tenure);
        TSteps.WriteDepth(tenure, tenure.Depth - 1);
        if (tenure.Depth != 0)
            return false;
        Vacate(tenure);
        return true;
    }

    /// <summary>Says whether something waits for the gate to be vacant. Under the lock, by a thread that is inside or has found the gate vacant.</summary>
    public void Watch(bool isWatched)
    {
        _hasWaiting = isWatched;
        UpdateWatched();
    }

    /// <summary>Promises the vacant gate to a suspended call. Under the lock.</summary>
    public void Claim() => TSteps.WriteTenure(ref _tenure, Tenure.Claimed);

    /// <summary>Enters for the call that the gate was promised to. Under the lock.</summary>
    public Tenure TakeClaim() => Occupy(1);

    /// <summary>Lets others in while the current thread, which is inside, waits for them. Under the lock; the gate is vacant afterwards.</summary>
    /// <param name="depth">How often the thread is inside.</param>
    /// <returns>The thread's tenure, which its frames continue to hold; both for <see cref="TryReclaim"/>.</returns>
    public Tenure Lend(out int depth)
    {
        Tenure tenure = TSteps.ReadTenure(ref _tenure);
        depth = tenure.Depth;
        TSteps.WriteDepth(tenure, 0);
        _lent++;
        UpdateWatched();
        Vacate(tenure);
        return tenure;
    }

    /// <summary>Is inside again, unless another thread is. Under the lock.</summary>
    public bool TryReclaim(Tenure tenure, int depth)
    {
        if (!TryDisplace(TSteps.ReadTenure(ref _tenure)))
            return false;
        TSteps.WriteDepth(tenure, depth);
        TSteps.WriteTenure(ref _tenure, tenure);
        _lent--;
        UpdateWatched();
        return true;
    }

    /// <summary>Ends the store's life if the current thread used it last, no thread is inside and nothing waits: the usual case, without the lock.</summary>
    /// <param name="generation">The life that is meant.</param>
    /// <param name="tenure">For <see cref="TryLeave"/>, when the store has been taken apart, or for <see cref="ContinueEnd"/>.</param>
    /// <param name="hasBegun">Whether the life ends by this call although not yet: <see cref="ContinueEnd"/> follows, under the lock. Otherwise <see cref="BeginEnd"/>.</param>
    public bool TryEnd(int generation, out Tenure tenure, out bool hasBegun)
    {
        hasBegun = false;
        if (!TryEnter(generation, out tenure))
            return false;
        if (tenure.Depth == 1 && TSteps.Read(ref _watched, GateField.Watched) == 0)
        {
            TSteps.Write(ref _generation, generation + 1, GateField.Generation);
            if (TSteps.Read(ref _watched, GateField.Watched) == 0)
                return true;
            hasBegun = true;
            return false;
        }
        // Nothing is missed by not looking at Watched on the way out: BeginEnd follows, under the lock.
        TSteps.WriteDepth(tenure, tenure.Depth - 1);
        return false;
    }

    /// <summary>Leaves the end that <see cref="TryEnd"/> has begun to the thread that finds the gate vacant. Under the lock.</summary>
    /// <returns>Whether the gate is vacant and the caller has to look for what waited.</returns>
    public bool ContinueEnd(Tenure tenure)
    {
        TSteps.Write(ref _ending, 1, GateField.Ending);
        UpdateWatched();
        TSteps.WriteDepth(tenure, tenure.Depth - 1);
        return Leave(tenure);
    }

    /// <summary>Begins to end the store's life. Under the lock; <see cref="EndNow"/> or <see cref="Defer"/> follows.</summary>
    /// <param name="generation">The life that is meant.</param>
    /// <param name="isVacant">Whether no thread is inside, or will be before the lock is left.</param>
    /// <returns>Whether the life has not ended yet.</returns>
    public bool BeginEnd(int generation, out bool isVacant)
    {
        isVacant = false;
        if (TSteps.Read(ref _generation, GateField.Generation) != generation)
            return false;
        // Before the fence, so that whoever is found inside sees it when it leaves.
        TSteps.Write(ref _ending, 1, GateField.Ending);
        UpdateWatched();
        Tenure tenure = TSteps.ReadTenure(ref _tenure);
        if (tenure.Thread == TSteps.Thread)
        {
            isVacant = tenure.Depth == 0;
            if (isVacant)
                Vacate(tenure);
        }
        else
        {
            isVacant = TryDisplace(tenure);
        }
        if (TSteps.Read(ref _generation, GateField.Generation) == generation)
            return true;
        // The thread whose tenure it was has ended the life meanwhile, or is about to and comes for the lock: 3. above.
        TSteps.Write(ref _ending, 0, GateField.Ending);
        UpdateWatched();
        return false;
    }

    /// <summary>Makes all handles stale; the thread that leaves the gate vacant, with no call running, ends the store.</summary>
    public void Defer() => TSteps.Write(ref _generation, TSteps.Read(ref _generation, GateField.Generation) + 1, GateField.Generation);

    /// <summary>Ends the store's life: no thread enters again. Under the lock, with the gate vacant and no call running.</summary>
    /// <returns>For <see cref="TryLeave"/>, when the store has been taken apart.</returns>
    public Tenure EndNow()
    {
        _hasWaiting = false;
        TSteps.Write(ref _ending, 0, GateField.Ending);
        UpdateWatched();
        TSteps.Write(ref _generation, TSteps.Read(ref _generation, GateField.Generation) + 1, GateField.Generation);
        return Occupy(1);
    }

    /// <summary>Forgets that an end was asked for: the life has ended already. Under the lock, by the thread that has ended it and left.</summary>
    public void DropEnd()
    {
        TSteps.Write(ref _ending, 0, GateField.Ending);
        UpdateWatched();
    }

    private void UpdateWatched() => TSteps.Write(ref _watched, _hasWaiting || _lent != 0 || TSteps.Read(ref _ending, GateField.Ending) != 0 ? 1 : 0, GateField.Watched);

    private void Vacate(Tenure tenure)
    {
        _last = tenure;
        TSteps.WriteTenure(ref _tenure, Tenure.Vacant);
    }

    // Under the lock. Afterwards the gate is vacant, or as it was.
    private bool TryDisplace(Tenure tenure)
    {
        if (tenure == Tenure.Vacant)
            return true;
        if (tenure == Tenure.Claimed)
            return false;
        TSteps.WriteTenure(ref _tenure, Tenure.Vacant);
        TSteps.FenceAllThreads();
        if (TSteps.ReadDepth(tenure) == 0)
            return true;
        TSteps.WriteTenure(ref _tenure, tenure);
        return false;
    }

    private Tenure Occupy(int depth)
    {
        Tenure mine = Mine();
        TSteps.WriteDepth(mine, depth);
        TSteps.WriteTenure(ref _tenure, mine);
        return mine;
    }

    // A thread that comes back to a store finds the tenure that it gave up last.
    private readonly Tenure Mine() => _last is Tenure last && last.Thread == TSteps.Thread ? last : new Tenure(TSteps.Thread);
}

// A store as far as its gate is concerned: what ActivationScheduler does with the gate, without guests, and what must hold of it. The gate is the product's own.
//
// Watched besides the gate: nobody is inside together with anybody else, nobody inside when a life ends, no use in another life than the handle's, each life ends
// once, and whatever waited has been looked for.
using Tarn.Scheduling;

namespace Tarn.Runtime.Tests.Scheduling;

internal sealed class World
{
    private readonly Dictionary<Tenure, int> _numbers = new() { [Tenure.Vacant] = 0, [Tenure.Claimed] = 1 };
    private StoreGate<ExplorerSteps> _gate = new();
    private Actor? _holder;
    private Actor? _lastHolder;
    private int _activations;
    private int _suspended;
    private bool _hasCall;
    private bool _isReady;
    private int _woken;
    private bool _isSlotFree;
    private bool _isCompleted;
    private int _life;
    private int _inside = -1;
    private int _insideDepth;

    public World() => _gate.Begin();

    public Actor[] Actors { get; set; } = [];

    /// <summary>Who has the lock.</summary>
    public Actor? Holder => _holder;

    public Action[] Programs { get; set; } = [];

    /// <summary>How many lives have to have ended in the end.</summary>
    public int ExpectedLives { get; set; }

    /// <summary>A handle of the current life.</summary>
    public (int Generation, int Life) Handle => (_gate.Generation, _life);

    public int Number(Tenure tenure)
    {
        if (!_numbers.TryGetValue(tenure, out int number))
        {
            number = (tenure.Thread * 1000) + _numbers.Keys.Count(t => t.Thread == tenure.Thread) + 2;
            _numbers.Add(tenure, number);
        }
        return number;
    }

    public void Describe(ref StateHash hash)
    {
        hash.Add(_holder?.Index ?? -1);
        hash.Add(_lastHolder?.Index ?? -1);
        hash.Add(_activations);
        hash.Add(_suspended);
        hash.Add((_hasCall ? 1 : 0) + (_isReady ? 2 : 0) + (_isSlotFree ? 4 : 0) + (_isCompleted ? 8 : 0));
        hash.Add(_woken);
        hash.Add(_life);
        hash.Add(_inside);
        hash.Add(_insideDepth);
        hash.Add(_gate.Generation);
        hash.Add(_gate.IsEnding ? 1 : 0);
        hash.Add(_gate.Occupant);
        foreach ((Tenure tenure, int number) in _numbers.OrderBy(n => n.Value))
        {
            hash.Add(number);
            hash.Add(tenure.Depth);
        }
    }

    public void Finished()
    {
        Require(_inside < 0, "somebody is still inside");
        Require(_life == ExpectedLives, $"{_life} lives have ended, not {ExpectedLives}");
        Require(_activations == 0 && _suspended == 0 && !_hasCall, "a call has not ended");
        Require(!_gate.IsEnding, "an end has not come");
    }

    /// <summary>Takes the slot when it is free and begins a life.</summary>
    public (int Generation, int Life) Rent()
    {
        Explorer.Current!.Point("rents", () => _isSlotFree);
        // Whoever gave the slot back did so with an atomic operation.
        foreach (Actor actor in Actors)
            actor.Flush();
        _isSlotFree = false;
        if (!_gate.IsMine)
        {
            Lock();
            _gate.Begin();
            Unlock();
        }
        return (_gate.Generation, _life);
    }

    /// <summary>Reads or writes something.</summary>
    public void Use((int Generation, int Life) handle)
    {
        if (Enter(handle.Generation) is not Tenure tenure)
            return;
        BeInside(handle.Life);
        Leave(tenure);
    }

    /// <summary>Calls a guest.</summary>
    public void Call((int Generation, int Life) handle, Action body)
    {
        if (Enter(handle.Generation) is not Tenure tenure)
        {
            _isCompleted = true;
            return;
        }
        ChangeActivations(1);
        BeInside(handle.Life, body);
        ChangeActivations(-1);
        Leave(tenure);
    }

    /// <summary>Calls a guest that is suspended.</summary>
    public void CallAndSuspend((int Generation, int Life) handle)
    {
        if (Enter(handle.Generation) is null)
        {
            _isCompleted = true;
            return;
        }
        ChangeActivations(1);
        BeInside(handle.Life);
        Lock();
        _suspended++;
        _hasCall = true;
        _isReady = false;
        _gate.Watch(true);
        if (_gate.Suspend())
            Idle();
        Settle(Unlock());
        _isCompleted = true;
    }

    /// <summary>Completes what the suspended guest waits for, and continues it.</summary>
    public void Complete()
    {
        Explorer.Current!.Point("awaits", () => _isCompleted);
        Lock();
        _isReady = _hasCall;
        bool claimed = TryClaim();
        Settle(Unlock());
        if (claimed)
            Resume();
    }

    /// <summary>Continues what others have woken, if they do before all of them are done.</summary>
    public void ContinueWoken()
    {
        Actor self = Explorer.Current!;
        self.Point("awaits a wake", () => _woken != 0 || Actors.All(a => a == self || a.IsDone));
        if (_woken == 0)
            return;
        _woken--;
        Resume();
    }

    /// <summary>Lets others in until one of them says so.</summary>
    public void LendUntilReturned()
    {
        Lock();
        Tenure tenure = _gate.Lend(out int depth);
        int inside = _insideDepth;
        (_inside, _insideDepth) = (-1, 0);
        Idle();
        Settle(Unlock());
        _isCompleted = true;
        Explorer.Current!.Point("lends", () => _isReady);
        while (true)
        {
            Lock();
            bool reclaimed = _gate.TryReclaim(tenure, depth);
            Settle(Unlock());
            if (reclaimed)
                break;
            WaitForOccupant();
        }
        Require(_inside < 0, "the lender is inside together with somebody");
        (_inside, _insideDepth) = (Explorer.Current!.Index, inside);
    }

    /// <summary>Waits for somebody to lend.</summary>
    public void AwaitLender() => Explorer.Current!.Point("awaits", () => _isCompleted);

    /// <summary>Ends lending.</summary>
    public void Return() => _isReady = true;

    /// <summary>Ends the handle's life.</summary>
    public void End((int Generation, int Life) handle)
    {
        if (_gate.TryEnd(handle.Generation, out Tenure tenure, out bool hasBegun))
        {
            TakeApart(tenure);
            return;
        }
        Lock();
        if (!hasBegun && _gate.TryVacate())
            Idle();
        if (hasBegun)
        {
            if (_gate.ContinueEnd(tenure))
                Idle();
        }
        else if (_gate.BeginEnd(handle.Generation, out bool isVacant))
        {
            if (isVacant && _activations == _suspended)
                EndNow();
            else
                _gate.Defer();
        }
        Settle(Unlock());
    }

    private Tenure? Enter(int generation)
    {
        if (_gate.TryEnter(generation, out Tenure tenure))
            return tenure;
        Lock();
        if (_gate.TryVacate())
            Idle();
        Settle(Unlock());
        while (true)
        {
            Lock();
            GateEntry entry = _gate.Enter(generation, out tenure);
            bool refused = _activations != _suspended;
            Settle(Unlock());
            if (entry == GateEntry.Entered)
                return tenure;
            if (entry == GateEntry.Stale || refused)
                return null;
            WaitForOccupant();
        }
    }

    // Instead of looking again and again.
    private void WaitForOccupant()
    {
        int thread = _gate.Occupant;
        Tenure occupant = _numbers.Keys.FirstOrDefault(t => t.Thread > 0 && t.Thread == thread && t.Depth > 0) ?? Tenure.Vacant;
        int generation = _gate.Generation;
        if (occupant != Tenure.Vacant)
            Explorer.Current!.Point("waits for the occupant", () => occupant.Depth == 0 || RawGeneration() != generation);
    }

    private int RawGeneration()
    {
        // Called by the explorer's own thread, which sees the fields as they are.
        return _gate.Generation;
    }

    private void Leave(Tenure tenure)
    {
        if (_gate.TryLeave(tenure))
            return;
        Lock();
        if (_gate.Leave(tenure))
            Idle();
        Settle(Unlock());
    }

    private void Resume()
    {
        Lock();
        _gate.TakeClaim();
        Settle(Unlock());
        BeInside(_life);
        Lock();
        _hasCall = false;
        _activations--;
        _gate.Watch(false);
        if (_gate.Suspend())
            Idle();
        Settle(Unlock());
    }

    private void Idle()
    {
        if (_activations != _suspended)
            return;
        if (_gate.IsEnding)
            EndNow();
        else if (TryClaim())
            _woken++;
    }

    private bool TryClaim()
    {
        if (!_isReady || !_hasCall || _suspended != _activations || _suspended == 0 || !_gate.IsVacant)
            return false;
        _suspended--;
        _isReady = false;
        _gate.Claim();
        return true;
    }

    private Tenure? _ended;

    private void EndNow()
    {
        if (_hasCall)
        {
            _hasCall = false;
            _suspended--;
            _activations--;
        }
        _ended = _gate.EndNow();
    }

    private void TakeApart(Tenure tenure)
    {
        Require(_inside < 0, "a life ends with somebody inside");
        Require(!_isSlotFree, "the slot is given back twice");
        _life++;
        if (!_gate.TryLeave(tenure))
        {
            Lock();
            _gate.DropEnd();
            Settle(Unlock());
        }
        // The pool takes it with an atomic operation.
        Explorer.Current!.Flush();
        _isSlotFree = true;
    }

    private void BeInside(int life, Action? body = null)
    {
        Actor self = Explorer.Current!;
        Require(_inside < 0 || _inside == self.Index, "two are inside");
        Require(_life == life, "a handle of another life got inside");
        _inside = self.Index;
        _insideDepth++;
        self.Point("is inside");
        body?.Invoke();
        Require(_inside == self.Index, "two were inside");
        if (--_insideDepth == 0)
            _inside = -1;
    }

    private void ChangeActivations(int change)
    {
        if (_hasCall)
        {
            Lock();
            _activations += change;
            Settle(Unlock());
        }
        else
        {
            _activations += change;
        }
    }

    private void Lock()
    {
        Actor self = Explorer.Current!;
        self.Point("locks", () => _holder is null);
        // An atomic operation; and whoever had the lock before has made its writes visible with it.
        self.Flush();
        _lastHolder?.Flush();
        _holder = self;
        self.History.Add(_activations);
        self.History.Add(_suspended);
        self.History.Add((_hasCall ? 1 : 0) + (_isReady ? 2 : 0));
    }

    private Tenure? Unlock()
    {
        _lastHolder = _holder;
        _holder = null;
        Tenure? ended = _ended;
        _ended = null;
        return ended;
    }

    private void Settle(Tenure? ended)
    {
        if (ended is not null)
            TakeApart(ended);
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
            throw new InvalidOperationException(what);
    }
}

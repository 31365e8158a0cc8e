// One of an explorer's threads. It waits before each step until it is told to take it.
using Tarn.Scheduling;

namespace Tarn.Runtime.Tests.Scheduling;

#pragma warning disable CA1001 // Semaphores hold nothing of the system's unless their handles are asked for.
internal sealed class Actor(World world, int index, Action program)
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _go = new(0);
    private readonly SemaphoreSlim _parked = new(0);
    private Func<bool>? _condition;
    private volatile bool _isAbandoned;

    public StateHash History = new();

    public World World => world;

    public int Index => index;

    public bool IsDone { get; private set; }

    /// <summary>The step that it waits before, in words.</summary>
    public string Waits { get; private set; } = "";

    /// <summary>Whether no other actor can tell whether it has taken that step, nor change what it does.</summary>
    public bool IsLocal { get; private set; }

    public Exception? Failure { get; private set; }

    public List<PendingWrite> Buffer { get; } = [];

    public bool CanStep => !IsDone && (_condition is null || _condition());

    public void Start(Action<Actor> enter)
    {
        var thread = new Thread(() =>
        {
            enter(this);
            try
            {
                Point("begins", isLocal: true);
                program();
            }
            catch (AbandonedException)
            {
            }
            catch (Exception e)
            {
                Failure = e;
            }
            IsDone = true;
            _parked.Release();
        }, 256 << 10)
        { IsBackground = true };
        thread.Start();
        _parked.Wait();
    }

    /// <summary>Lets it take the step that it waits before, up to the next one.</summary>
    public void Step()
    {
        _go.Release();
        _parked.Wait();
    }

    /// <summary>Ends it, wherever it is.</summary>
    public void Abandon()
    {
        if (IsDone)
            return;
        _isAbandoned = true;
        _go.Release();
        _parked.Wait();
    }

    /// <summary>Called by the actor: the next step comes when the explorer says so and the condition holds.</summary>
    public void Point(string what, Func<bool>? condition = null, bool isLocal = false)
    {
        Waits = what;
        IsLocal = isLocal;
        _condition = condition;
        _parked.Release();
        _go.Wait();
        if (_isAbandoned)
            throw new AbandonedException();
        _condition = null;
        // Where it is in its program.
        History.Add(1);
    }

    public int Read(Location location, int value)
    {
        foreach (Actor other in world.Actors)
        {
            if (other != this && other.Buffer.Find(w => w.Location == location) is PendingWrite pending)
            {
                value = pending.OldValue;
                break;
            }
        }
        History.Add(value);
        return value;
    }

    public Tenure Read(Location location, Tenure value)
    {
        foreach (Actor other in world.Actors)
        {
            if (other != this && other.Buffer.Find(w => w.Location == location) is PendingWrite pending)
            {
                value = pending.OldTenure!;
                break;
            }
        }
        History.Add(world.Number(value));
        return value;
    }

    /// <summary>Makes everything that it has written visible.</summary>
    public void Flush() => Buffer.Clear();

    private sealed class AbandonedException : Exception;
}

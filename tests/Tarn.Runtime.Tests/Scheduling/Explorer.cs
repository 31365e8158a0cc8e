// Runs a few actors, each a thread of its own, through every interleaving of the steps of StoreGate that they take, one step at a time. Writes wait in a buffer
// of their actor, as in a processor's, until the explorer lets them become visible: others read the old value until then.
//
// How it is exhaustive although each run starts anew: a run follows a list of choices and takes the first one beyond its end; where there were others, they are
// tried later. States that were seen are not continued. A state is what is shared, what waits in buffers, and what each actor has read so far, since an
// actor's program is determined by what it has read.
namespace Tarn.Runtime.Tests.Scheduling;

internal sealed class Explorer
{
    [ThreadStatic]
    private static Actor? t_actor;

    private readonly int _preemptions;
    private readonly HashSet<Int128> _seen = [];
    private readonly Stack<List<int>> _open = new();

    /// <param name="preemptions">How often a run may turn from an actor that could go on to another one, or to a write that becomes visible before its actor waits for that.</param>
    public Explorer(int preemptions = int.MaxValue) => _preemptions = preemptions;

    /// <summary>The actor that the current thread is, if any.</summary>
    public static Actor? Current => t_actor;

    /// <summary>How many states there were.</summary>
    public int States => _seen.Count;

    /// <summary>How many runs it took.</summary>
    public int Runs { get; private set; }

    /// <param name="make">Makes a fresh world.</param>
    public void Explore(Func<World> make)
    {
        _open.Push([]);
        while (_open.TryPop(out List<int>? choices))
        {
            Runs++;
            Run(make(), choices);
        }
    }

    private void Run(World world, List<int> prefix)
    {
        Actor[] actors = [.. world.Programs.Select((program, i) => new Actor(world, i, program))];
        world.Actors = actors;
        var choices = new List<int>(prefix);
        var trace = new List<(int Actor, string What)>();
        try
        {
            foreach (Actor actor in actors)
                actor.Start(static a => t_actor = a);
            Actor? last = null;
            int preemptions = 0;
            for (int step = 0; ; step++)
            {
                while (actors.FirstOrDefault(a => a.IsLocal && a.CanStep) is Actor local)
                {
                    trace.Add((local.Index, local.Waits));
                    local.Step();
                }
                List<(Actor Actor, bool Flushes)> moves = [];
                foreach (Actor actor in actors)
                {
                    if (actor.Failure is not null)
                        throw new InvalidOperationException($"actor {actor.Index} failed after {Describe(trace)}: {actor.Failure}", actor.Failure);
                    if (actor.CanStep)
                        moves.Add((actor, false));
                    if (actor.Buffer.Count != 0)
                        moves.Add((actor, true));
                }
                if (moves.Count == 0)
                    break;
                // The one that has just taken a step comes first: to go on with it is not a preemption.
                if (last is { CanStep: true })
                {
                    moves.Sort((a, b) => (a.Actor == last && !a.Flushes ? 0 : 1).CompareTo(b.Actor == last && !b.Flushes ? 0 : 1));
                    if (preemptions >= _preemptions)
                        moves.RemoveRange(1, moves.Count - 1);
                }
                int choice = 0;
                if (step < prefix.Count)
                {
                    choice = prefix[step];
                }
                else
                {
                    if (!_seen.Add(StateOf(world, last, preemptions)))
                        return;
                    for (int other = moves.Count - 1; other > 0; other--)
                        _open.Push([.. choices, other]);
                    choices.Add(0);
                }
                if (choice != 0 && last is { CanStep: true })
                    preemptions++;
                if (!moves[choice].Flushes)
                    last = moves[choice].Actor;
                trace.Add((moves[choice].Actor.Index, moves[choice].Flushes ? "'s write is seen" : moves[choice].Actor.Waits));
                if (moves[choice].Flushes)
                    moves[choice].Actor.Buffer.RemoveAt(0);
                else
                    moves[choice].Actor.Step();
            }
            if (actors.Any(a => !a.IsDone))
                throw new InvalidOperationException($"nobody can go on after {Describe(trace)}: {string.Join(", ", actors.Where(a => !a.IsDone).Select(a => $"{a.Index} {a.Waits}"))}");
            try
            {
                world.Finished();
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"wrong in the end, after {Describe(trace)}: {e.Message}", e);
            }
        }
        finally
        {
            foreach (Actor actor in actors)
                actor.Abandon();
        }
    }

    private static string Describe(List<(int Actor, string What)> trace) => string.Join("; ", trace.Select(t => $"{t.Actor} {t.What}"));

    private Int128 StateOf(World world, Actor? last, int preemptions)
    {
        var hash = new StateHash();
        if (_preemptions != int.MaxValue)
        {
            hash.Add(last?.Index ?? -1);
            hash.Add(preemptions);
        }
        world.Describe(ref hash);
        foreach (Actor actor in world.Actors)
        {
            hash.Add(actor.History.Value);
            hash.Add(actor.Buffer.Count);
            foreach (PendingWrite write in actor.Buffer)
            {
                hash.Add(write.Location.Number);
                hash.Add(write.Location.Depth is null ? -1 : world.Number(write.Location.Depth));
                hash.Add(write.OldNumber(world));
            }
        }
        return hash.Value;
    }
}

// The gate's steps as the explorer has them taken.
//
// Some are the actor's own affair, so that nothing is gained by taking others before them: writing, since others see a write when it leaves the buffer; and reading
// under the lock what is written under the lock alone (tenure, Watched, Ending; not the generation).
using Tarn.Scheduling;

namespace Tarn.Runtime.Tests.Scheduling;

internal readonly struct ExplorerSteps : IGateSteps
{
    private const int TenureField = 100;
    private const int DepthField = 101;

    private static Actor Actor => Explorer.Current!;

    public static int Thread => Explorer.Current is Actor actor ? actor.Index + 1 : 99;

    public static int Read(ref int location, GateField field)
    {
        if (Explorer.Current is null)
            return location;
        Actor.Point($"reads {field}", isLocal: field != GateField.Generation && Actor.World.Holder == Actor);
        return Actor.Read(new Location((int)field, null), location);
    }

    public static void Write(ref int location, int value, GateField field)
    {
        if (Explorer.Current is not null)
        {
            Actor.Point($"writes {field} {value}", isLocal: true);
            Buffer(new PendingWrite(new Location((int)field, null), location, null));
        }
        location = value;
    }

    public static Tenure ReadTenure(ref Tenure location)
    {
        if (Explorer.Current is null)
            return location;
        Actor.Point("reads tenure", isLocal: Actor.World.Holder == Actor);
        return Actor.Read(new Location(TenureField, null), location);
    }

    public static void WriteTenure(ref Tenure location, Tenure value)
    {
        if (Explorer.Current is not null)
        {
            Actor.Point($"writes tenure {Actor.World.Number(value)}", isLocal: true);
            Buffer(new PendingWrite(new Location(TenureField, null), 0, location));
        }
        location = value;
    }

    public static int ReadDepth(Tenure tenure)
    {
        Actor.Point($"reads depth of {Actor.World.Number(tenure)}");
        return Actor.Read(new Location(DepthField, tenure), tenure.Depth);
    }

    public static void WriteDepth(Tenure tenure, int value)
    {
        if (Explorer.Current is not null)
        {
            Actor.Point($"writes depth {value} of {Actor.World.Number(tenure)}", isLocal: true);
            Buffer(new PendingWrite(new Location(DepthField, tenure), tenure.Depth, null));
        }
        tenure.Depth = value;
    }

    public static void FenceAllThreads()
    {
        Actor.Point("fences");
        foreach (Actor actor in Actor.World.Actors)
            actor.Flush();
    }

    private static void Buffer(PendingWrite write)
    {
        // Two writers at once would need an order between them. The gate has only one at a time for each field, or this says so.
        foreach (Actor other in Actor.World.Actors)
        {
            if (other != Actor && other.Buffer.Exists(w => w.Location == write.Location))
                other.Flush();
        }
        Actor.Buffer.Add(write);
    }
}

// What a silo counts. Each silo is a process, so its figures are its own; exporters add the instance's name.
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Tarn.Orleans;

internal static class ClusterMetrics
{
    private static readonly Meter s_meter = new("Tarn.Orleans");
    private static readonly Histogram<double> s_duration = s_meter.CreateHistogram<double>("tarn.cluster.call.duration", "s", "Time of calls of guests, by kind, module and outcome.");
    private static readonly Histogram<long> s_saved = s_meter.CreateHistogram<long>("tarn.cluster.state.size", "By", "Bytes of states of actors that were written.");
    private static readonly Histogram<double> s_saving = s_meter.CreateHistogram<double>("tarn.cluster.state.duration", "s", "Time that it took to take and write the state of an actor.");
    private static readonly UpDownCounter<long> s_actors = s_meter.CreateUpDownCounter<long>("tarn.cluster.actors", "{actor}", "Actors that have a guest.");
    private static readonly Counter<long> s_released = s_meter.CreateCounter<long>("tarn.cluster.actors.released", "{actor}", "Idle actors that were released to make room.");
    private static readonly Counter<long> s_restored = s_meter.CreateCounter<long>("tarn.cluster.actors.restored", "{actor}", "Guests that were restored from storage.");

    /// <summary>Waits for a call that has begun and records it, whether it fails or not.</summary>
    public static async Task<GuestReply> RecordAsync(string kind, string name, long start, Task<GuestReply> call)
    {
        GuestFailure? failure = GuestFailure.HostFailed;
        try
        {
            GuestReply reply = await call;
            failure = null;
            return reply;
        }
        catch (GuestCallException e)
        {
            failure = e.Failure;
            throw;
        }
        finally
        {
            Record(kind, name, failure, start);
        }
    }

    public static void Record(string kind, string module, GuestFailure? failure, long start) => s_duration.Record(
        Stopwatch.GetElapsedTime(start).TotalSeconds,
        new KeyValuePair<string, object?>("tarn.call.kind", kind),
        new KeyValuePair<string, object?>("tarn.module.name", module),
        new KeyValuePair<string, object?>("tarn.call.outcome", failure is GuestFailure f ? NameOf(f) : "answered"));

    public static void Saved(long bytes, long start)
    {
        s_saved.Record(bytes);
        s_saving.Record(Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    public static void ActorBegan() => s_actors.Add(1);

    public static void ActorEnded() => s_actors.Add(-1);

    public static void Released(int count) => s_released.Add(count);

    public static void Restored() => s_restored.Add(1);

    // In snake case, as attributes of OpenTelemetry are.
    private static string NameOf(GuestFailure failure) => failure switch
    {
        GuestFailure.UnknownModule => "unknown_module",
        GuestFailure.UnknownFunction => "unknown_function",
        GuestFailure.InvalidArguments => "invalid_arguments",
        GuestFailure.InvalidModule => "invalid_module",
        GuestFailure.Trapped => "trapped",
        GuestFailure.OutOfFuel => "out_of_fuel",
        GuestFailure.TimedOut => "timed_out",
        GuestFailure.QuotaExceeded => "quota_exceeded",
        GuestFailure.NoSlot => "no_slot",
        GuestFailure.CannotBeSaved => "cannot_be_saved",
        GuestFailure.StorageFailed => "storage_failed",
        GuestFailure.InvalidState => "invalid_state",
        GuestFailure.LimitExceeded => "limit_exceeded",
        _ => "host_failed",
    };
}

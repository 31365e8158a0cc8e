// What tarn pool shows. Rates and percentiles are of the time since the last look.
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;
using Tarn.Pooling;

namespace Tarn.Cli.Pool;

internal sealed class PoolView
{
    private const int MostRows = 16;

    private static readonly (SlotState State, string Colour, string Name)[] s_states =
    [
        (SlotState.InUse, "green", "in use"), (SlotState.Suspended, "yellow", "suspended"), (SlotState.Warm, "blue", "warm"), (SlotState.Free, "grey30", "free"),
    ];

    private readonly Engine _engine;
    private readonly PoolLoad _load;
    private PoolStatistics _statistics;
    private LatencyHistogram _latencies = new();
    private long _time = Stopwatch.GetTimestamp();

    public PoolView(Engine engine, PoolLoad load)
    {
        _engine = engine;
        _load = load;
    }

    /// <summary>The picture for a terminal of a width.</summary>
    public IRenderable Render(int width)
    {
        (PoolStatistics now, PoolStatistics before, LatencyHistogram latencies, double seconds) = Look();
        SlotState[] slots = ((PooledAllocator)_engine.Allocator).GetSlotStates();
        var rates = new Spectre.Console.Table().Border(TableBorder.Rounded).AddColumns("", "a second", "in all");
        Row("instances", now.Rents - before.Rents, now.Rents);
        Row("slots bound", now.Bindings - before.Bindings, now.Bindings);
        Row("waits", now.Waits - before.Waits, now.Waits);
        Row("bytes reset", now.BytesReset - before.BytesReset, now.BytesReset);
        Row("page faults", now.Faults - before.Faults, now.Faults);
        Row("decommits", now.Decommits - before.Decommits, now.Decommits);
        var times = new Spectre.Console.Table().Border(TableBorder.Rounded).AddColumns("instantiate + call + dispose", "");
        foreach ((string name, double share) in new[] { ("median", 0.5), ("90 %", 0.9), ("99 %", 0.99), ("99.9 %", 0.999), ("longest", 1.0) })
            times.AddRow(name, Time(latencies.Percentile(share)));
        var pools = new Spectre.Console.Table().Border(TableBorder.Rounded).AddColumns("pool", "in use", "warm", "free");
        foreach ((string name, PoolUsage usage) in new[] { ("instances", now.Instances), ("memories", now.Memories), ("tables", now.Tables), ("stacks", now.Stacks) })
            pools.AddRow(name, Number(usage.InUse), Number(usage.Warm), Number(usage.Free));
        return new Rows(
            new Panel(new Markup(Map(slots, Math.Max(10, width - 6)))).Header("instance slots").Expand(),
            new Markup(Legend(slots)),
            new Columns(rates, times, pools).Collapse());

        void Row(string name, long difference, long sum) => rates.AddRow(name, Number((long)(difference / seconds)), Number(sum));
    }

    /// <summary>The same in one line.</summary>
    public string Line()
    {
        (PoolStatistics now, PoolStatistics before, LatencyHistogram latencies, double seconds) = Look();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{(now.Rents - before.Rents) / seconds:0} instances/s, {now.Instances.InUse} in use ({now.Suspended} suspended), {now.Instances.Warm} warm, {now.Instances.Free} free, {now.Waiting} waiting; "
            + $"median {Time(latencies.Percentile(0.5))}, 99 % {Time(latencies.Percentile(0.99))}, longest {Time(latencies.Percentile(1))}");
    }

    /// <summary>What a load came to.</summary>
    public static string Summary(Engine engine, PoolLoad load)
    {
        PoolStatistics all = engine.GetPoolStatistics();
        LatencyHistogram latencies = load.Latencies();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{all.Rents} instances in {all.Instances.Slots} slots: {all.Bindings} bindings, {all.Waits} waits, {all.Faults} faults, {all.Decommits} decommits, {load.Traps} traps; "
            + $"median {Time(latencies.Percentile(0.5))}, 99 % {Time(latencies.Percentile(0.99))}, 99.9 % {Time(latencies.Percentile(0.999))}");
    }

    /// <summary>The slots as coloured squares; where there are more than fit, a square stands for several and shows the busiest.</summary>
    internal static string Map(ReadOnlySpan<SlotState> slots, int columns)
    {
        int each = (slots.Length + (columns * MostRows) - 1) / (columns * MostRows);
        var text = new StringBuilder();
        string? colour = null;
        int column = 0;
        for (int i = 0; i < slots.Length; i += each)
        {
            SlotState state = SlotState.Free;
            foreach (SlotState slot in slots.Slice(i, Math.Min(each, slots.Length - i)))
                state = slot > state ? slot : state;
            string wanted = Array.Find(s_states, s => s.State == state).Colour;
            if (wanted != colour)
            {
                text.Append(colour is null ? "" : "[/]").Append('[').Append(wanted).Append(']');
                colour = wanted;
            }
            text.Append('■');
            if (++column == columns && i + each < slots.Length)
            {
                text.Append('\n');
                column = 0;
            }
        }
        return text.Append(colour is null ? "" : "[/]").ToString();
    }

    private static string Legend(SlotState[] slots) =>
        string.Join("   ", s_states.Select(s => $"[{s.Colour}]■[/] {s.Name} {Number(slots.LongCount(slot => slot == s.State))}"));

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Time(double nanoseconds) => nanoseconds switch
    {
        < 1_000 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds:0} ns"),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1_000:0.0} µs"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1_000_000:0.0} ms"),
    };

    private (PoolStatistics Now, PoolStatistics Before, LatencyHistogram Latencies, double Seconds) Look()
    {
        PoolStatistics before = _statistics;
        LatencyHistogram earlier = _latencies;
        double seconds = Math.Max(0.001, Stopwatch.GetElapsedTime(_time).TotalSeconds);
        _time = Stopwatch.GetTimestamp();
        _statistics = _engine.GetPoolStatistics();
        _latencies = _load.Latencies();
        return (_statistics, before, _latencies.Since(earlier), seconds);
    }
}

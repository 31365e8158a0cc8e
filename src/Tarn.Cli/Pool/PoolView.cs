// What tarn pool shows. The picture fits the terminal whatever its size: the map of slots takes the rows that the rest leaves, and where there are too few the tables go
// first. Each state has a sign of its own besides its colour, for terminals and people without colours.
using System.Globalization;
using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;
using Tarn.Pooling;

namespace Tarn.Cli.Pool;

internal static class PoolView
{
    private const int MostRows = 16;
    private const int FewestRows = 2;
    // Title, the panel's border, the legend.
    private const int AroundMap = 4;
    private const int TimesRows = 3;
    private const int TablesRows = 8;
    private const int TablesWidth = 74;

    private static readonly (SlotState State, string Colour, char Sign, char Plain, string Name)[] s_states =
    [
        (SlotState.InUse, "green", '■', '#', "in use"), (SlotState.Suspended, "yellow", '◆', 'o', "suspended"), (SlotState.Warm, "blue", '□', '-', "warm"), (SlotState.Free, "grey", '·', '.', "free"),
    ];

    private static readonly (string Name, double Share)[] s_shares = [("median", 0.5), ("90 %", 0.9), ("99 %", 0.99), ("99.9 %", 0.999), ("longest", 1)];

    /// <summary>The picture for a terminal of a size, a row less than it has.</summary>
    public static IRenderable Render(in PoolSample sample, string title, int width, int height, bool unicode)
    {
        int rows = height - 1 - AroundMap - FewestRows;
        var parts = new List<IRenderable>();
        bool times = rows >= TimesRows;
        rows -= times ? TimesRows : 0;
        bool beside = width >= TablesWidth;
        bool rates = rows >= TablesRows;
        rows -= rates ? TablesRows : 0;
        bool pools = beside ? rates : rows >= TablesRows;
        rows -= pools && !beside ? TablesRows : 0;
        int columns = Math.Max(10, width - 4);
        string map = Map(sample.Slots, columns, Math.Clamp(FewestRows + rows, FewestRows, MostRows), unicode, out int each);
        parts.Add(new Text(title.Length <= width ? title : title[..(width - 1)] + '…', new Style(decoration: Decoration.Bold)));
        parts.Add(new Panel(new Markup(map)).Header(each == 1 ? "instance slots" : $"instance slots, {each} to a sign").Expand());
        parts.Add(new Markup(Legend(sample.Slots, unicode, width)));
        if (times)
            parts.Add(Lines(["", .. Times(sample.Latencies, width)]));
        if (rates)
        {
            string[] first = Rates(sample);
            string[] second = Usage(sample.Now);
            parts.Add(Lines(["", .. pools && beside ? first.Zip(second, static (l, r) => l + "    " + r) : first]));
            if (pools && !beside)
                parts.Add(Lines(["", .. second]));
        }
        return new Rows(parts);
    }

    /// <summary>The same in one line.</summary>
    public static string Line(in PoolSample sample)
    {
        PoolStatistics now = sample.Now;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{sample.Rate(static s => s.Rents):0} instances/s, {now.Instances.InUse} in use ({now.Suspended} suspended), {now.Instances.Warm} warm, {now.Instances.Free} free, {now.Waiting} waiting; "
            + $"median {Time(sample.Latencies.Percentile(0.5))}, 99 % {Time(sample.Latencies.Percentile(0.99))}, longest {Time(sample.Latencies.Percentile(1))}");
    }

    /// <summary>What a load came to.</summary>
    public static string Summary(in PoolStatistics all, LatencyHistogram latencies, long traps) => string.Create(
        CultureInfo.InvariantCulture,
        $"{all.Rents} instances in {all.Instances.Slots} slots: {all.Bindings} bindings, {all.Waits} waits, {all.Faults} faults, {all.Decommits} decommits, {traps} traps; "
        + $"median {Time(latencies.Percentile(0.5))}, 99 % {Time(latencies.Percentile(0.99))}, 99.9 % {Time(latencies.Percentile(0.999))}");

    /// <summary>The slots as coloured signs; where there are more than fit, a sign stands for several and shows the busiest.</summary>
    internal static string Map(ReadOnlySpan<SlotState> slots, int columns, int rows, bool unicode, out int each)
    {
        each = Math.Max(1, (slots.Length + (columns * rows) - 1) / (columns * rows));
        var text = new StringBuilder();
        string? colour = null;
        int column = 0;
        for (int i = 0; i < slots.Length; i += each)
        {
            SlotState state = SlotState.Free;
            foreach (SlotState slot in slots.Slice(i, Math.Min(each, slots.Length - i)))
                state = slot > state ? slot : state;
            (_, string wanted, char sign, char plain, _) = Array.Find(s_states, s => s.State == state);
            if (wanted != colour)
            {
                text.Append(colour is null ? "" : "[/]").Append('[').Append(wanted).Append(']');
                colour = wanted;
            }
            text.Append(unicode ? sign : plain);
            if (++column == columns && i + each < slots.Length)
            {
                text.Append('\n');
                column = 0;
            }
        }
        return text.Append(colour is null ? "" : "[/]").ToString();
    }

    // In one line: where the terminal is too narrow for the names, signs and numbers.
    private static string Legend(SlotState[] slots, bool unicode, int width)
    {
        string full = string.Join("   ", s_states.Select(s => Entry(s.State, s.Name + " ")));
        return Markup.Remove(full).Length <= width ? full : string.Join(' ', s_states.Select(s => Entry(s.State, "")));

        string Entry(SlotState state, string name)
        {
            (_, string colour, char sign, char plain, _) = Array.Find(s_states, s => s.State == state);
            return $"[{colour}]{(unicode ? sign : plain)}[/] {name}{Number(slots.LongCount(slot => slot == state))}";
        }
    }

    // Tables are lines of columns as wide as their largest numbers, so that nothing moves while numbers change.
    private static string[] Times(LatencyHistogram latencies, int width)
    {
        const int Column = 10;
        string[] rows = [$"[grey]{"an instance's life",-18}", $"{"took",-18}"];
        foreach ((string name, double share) in s_shares.Take(Math.Max(1, (width - 18) / Column)))
        {
            rows[0] += name.PadLeft(Column);
            rows[1] += Time(latencies.Percentile(share)).PadLeft(Column);
        }
        rows[0] += "[/]";
        return rows;
    }

    private static string[] Rates(PoolSample sample)
    {
        return
        [
            $"[grey]{"",-12}{"a second",11}{"in all",13}[/]",
            Row("instances", static s => s.Rents, Number),
            Row("slots bound", static s => s.Bindings, Number),
            Row("waits", static s => s.Waits, Number),
            Row("reset", static s => s.BytesReset, Bytes),
            Row("page faults", static s => s.Faults, Number),
            Row("decommits", static s => s.Decommits, Number),
        ];

        string Row(string name, Func<PoolStatistics, long> count, Func<double, string> format) => $"{name,-12}{format(sample.Rate(count)),11}{format(count(sample.Now)),13}";
    }

    private static string[] Usage(in PoolStatistics now)
    {
        return
        [
            $"[grey]{"pool",-10}{"in use",8}{"warm",7}{"free",9}[/]",
            Row("instances", now.Instances),
            Row("memories", now.Memories),
            Row("tables", now.Tables),
            Row("stacks", now.Stacks),
            "",
            $"{"waiting",-10}{Number(now.Waiting),8}",
        ];

        static string Row(string name, PoolUsage usage) => $"{name,-10}{Number(usage.InUse),8}{Number(usage.Warm),7}{Number(usage.Free),9}";
    }

    private static Markup Lines(IEnumerable<string> lines) => new(string.Join('\n', lines));

    private static string Number(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Bytes(double value)
    {
        string[] units = ["B", "KB", "MB", "GB", "TB", "PB"];
        int unit = 0;
        for (; value >= 1000 && unit < units.Length - 1; unit++)
            value /= 1000;
        return value.ToString(unit == 0 ? "0" : "0.0", CultureInfo.InvariantCulture) + " " + units[unit];
    }

    private static string Time(double nanoseconds) => nanoseconds switch
    {
        < 1_000 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds:0} ns"),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1_000:0.0} µs"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / 1_000_000:0.0} ms"),
    };
}

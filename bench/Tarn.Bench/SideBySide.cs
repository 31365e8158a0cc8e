// Runs contenders interleaved and compares their medians. Interleaving (one sample of each, round after round, the order rotating) is what makes a ratio
// from a noisy machine worth something: drift in clock speed or load hits all contenders alike. The first contender is the base of the ratios, unless
// another one is named.
// Invariants: every contender gets the same number of samples; warm-up rounds are never counted; ratios are of medians within one run, never across runs.
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Tarn.Bench;

internal sealed class SideBySide(string title, string unit)
{
    private readonly List<Row> _rows = [];

    /// <summary>The heading.</summary>
    public string Title { get; } = title;

    /// <summary>The unit of what is shown.</summary>
    public string Unit { get; } = unit;

    /// <summary>The contender that ratios refer to; the first one unless set.</summary>
    public string? Base { get; init; }

    /// <summary>All contenders, in order of appearance.</summary>
    public IReadOnlyList<string> Contenders => [.. _rows.SelectMany(r => r.Names).Distinct()];

    /// <summary>All cases.</summary>
    public IEnumerable<string> Cases => _rows.Select(r => r.Case);

    /// <summary>The contender that ratios refer to.</summary>
    public string BaseName => Base ?? _rows.FirstOrDefault()?.Names[0] ?? "";

    /// <summary>Divides nanoseconds for each unit into what is shown; the default shows nanoseconds. Throughputs use <see cref="Throughput"/>.</summary>
    public Func<double, double> Shown { get; init; } = nanoseconds => nanoseconds;

    /// <summary>Whether a larger shown figure is the better one; ratios then say how many times as fast, else how many times as long.</summary>
    public bool LargerIsBetter { get; init; }

    /// <summary>A run whose samples are nanoseconds a byte and whose table shows MB/s.</summary>
    public static SideBySide Throughput(string title) => new(title, "MB/s") { Shown = nanosecondsPerByte => 1000 / nanosecondsPerByte, LargerIsBetter = true };

    /// <summary>Measures one case with every contender.</summary>
    public void Run(string name, IReadOnlyList<Contender> contenders, int rounds, int warmUp = 2)
    {
        Sample[] samples = new Sample[contenders.Count];
        for (int i = 0; i < samples.Length; i++)
            samples[i] = new Sample();
        for (int round = -warmUp; round < rounds; round++)
        {
            for (int i = 0; i < contenders.Count; i++)
            {
                int turn = (i + Math.Max(round, 0)) % contenders.Count;
                double value = contenders[turn].Measure();
                if (round >= 0)
                    samples[turn].Add(value);
            }
        }

        _rows.Add(new Row(name, [.. contenders.Select(c => c.Name)], samples));
        Console.WriteLine(Line(_rows[^1]));
    }

    /// <summary>The geometric mean over all cases of a contender's ratio to the first one; NaN where it took part in none.</summary>
    public double GeometricMean(string contender)
    {
        double sum = 0;
        int count = 0;
        foreach (Row row in _rows)
        {
            int index = Array.IndexOf(row.Names, contender);
            if (index < 0)
                continue;
            double ratio = Ratio(row, index);
            if (double.IsNaN(ratio))
                continue;
            sum += Math.Log(ratio);
            count++;
        }

        return count == 0 ? double.NaN : Math.Exp(sum / count);
    }

    /// <summary>A contender's ratio to the base on one case; NaN where one of the two took no part.</summary>
    public double RatioOf(string @case, string contender)
    {
        Row? row = _rows.Find(r => r.Case == @case);
        int index = row is null ? -1 : Array.IndexOf(row.Names, contender);
        return index < 0 ? double.NaN : Ratio(row!, index);
    }

    /// <summary>A contender's median and spread on one case as text; a dash where it took no part.</summary>
    public string TextOf(string @case, string contender)
    {
        Row? row = _rows.Find(r => r.Case == @case);
        int index = row is null ? -1 : Array.IndexOf(row.Names, contender);
        return index < 0 ? "–" : $"{Significant(Shown(row!.Samples[index].Median))} ± {(row.Samples[index].Spread * 100).ToString("0", CultureInfo.InvariantCulture)} %";
    }

    /// <summary>Prints the table, writes it to the file that --markdown names, and adds it to the report that is being made.</summary>
    public void Report(BenchmarkArguments arguments)
    {
        arguments.Collector?.Add(this);
        string table = Markdown();
        Console.WriteLine();
        Console.WriteLine(table);
        if (arguments.Markdown is { } file)
            File.AppendAllText(file, table + "\n");
    }

    /// <summary>The table in Markdown: medians with spread, and the ratio to the first contender.</summary>
    public string Markdown()
    {
        string[] names = [.. _rows.SelectMany(r => r.Names).Distinct()];
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"**{Title}** ({Unit}, median ± spread; × = {(LargerIsBetter ? "times as fast as" : "times as long as")} {BaseName})\n\n| case |");
        foreach (string name in names)
            text.Append(CultureInfo.InvariantCulture, $" {name} |");
        text.Append("\n|---|").Append(string.Concat(Enumerable.Repeat("---:|", names.Length))).Append('\n');
        foreach (Row row in _rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {row.Case} |");
            foreach (string name in names)
            {
                int index = Array.IndexOf(row.Names, name);
                text.Append(index < 0 ? " – |" : $" {Cell(row, index)} |");
            }

            text.Append('\n');
        }

        if (_rows.Count > 1)
        {
            text.Append("| geometric mean |");
            foreach (string name in names)
                text.Append(CultureInfo.InvariantCulture, $" {(name == BaseName ? "1" : GeometricMean(name).ToString("0.00", CultureInfo.InvariantCulture))} × |");
            text.Append('\n');
        }

        text.Append(CultureInfo.InvariantCulture, $"\n{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier}, {Environment.ProcessorCount} processors, {Processor()}\n");
        return text.ToString();
    }

    private string Line(Row row) => $"{row.Case,-24} " + string.Join("   ", row.Names.Select((name, i) => $"{name} {Cell(row, i)}"));

    private string Cell(Row row, int index)
    {
        Sample sample = row.Samples[index];
        string ratio = row.Names[index] == BaseName || double.IsNaN(Ratio(row, index)) ? "" : $" ({Ratio(row, index).ToString("0.00", CultureInfo.InvariantCulture)} ×)";
        return $"{Significant(Shown(sample.Median))} ± {(sample.Spread * 100).ToString("0", CultureInfo.InvariantCulture)} %{ratio}";
    }

    private double Ratio(Row row, int index)
    {
        double own = Shown(row.Samples[index].Median);
        int reference = Array.IndexOf(row.Names, BaseName);
        return reference < 0 ? double.NaN : own / Shown(row.Samples[reference].Median);
    }

    private static string Significant(double value) => value.ToString(Math.Abs(value) switch { >= 100 => "0", >= 10 => "0.0", >= 1 => "0.00", _ => "0.0000" }, CultureInfo.InvariantCulture);

    private static string Processor()
    {
        const string file = "/proc/cpuinfo";
        string? line = File.Exists(file) ? File.ReadLines(file).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line is null ? "unknown processor" : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }

    private sealed record Row(string Case, string[] Names, Sample[] Samples);
}

// What a run of several benchmarks found, in order, as Markdown and as one HTML page that needs nothing else. A collector has no figures of its own: it
// shows what SideBySide measured, ratios first.
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Tarn.Bench;

internal sealed class ReportCollector
{
    private readonly List<(string Verb, string Title, SideBySide? Run, string Markdown)> _sections = [];

    /// <summary>The verb whose results are being added.</summary>
    public string Verb { get; set; } = "";

    /// <summary>Called after each addition: a run that is broken off leaves what it had.</summary>
    public Action? Changed { get; set; }

    /// <summary>The sections so far.</summary>
    public IReadOnlyList<(string Verb, string Title, SideBySide? Run, string Markdown)> Sections => _sections;

    /// <summary>Adds a comparison.</summary>
    public void Add(SideBySide run) => Add(run.Title, run, run.Markdown());

    /// <summary>Adds a table that is no comparison of samples.</summary>
    public void Add(string title, string markdown) => Add(title, null, markdown);

    /// <summary>The machine, the versions, the time: what figures mean nothing without.</summary>
    public static string Circumstances() => string.Create(
        CultureInfo.InvariantCulture,
        $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC · {RuntimeInformation.FrameworkDescription} · {RuntimeInformation.OSDescription} · {Environment.ProcessorCount} processors · load {Load()} at the start · commit {Commit()}");

    /// <summary>Geometric means of the execution groups together: contender, ratio to the base, cases.</summary>
    public IReadOnlyList<(string Contender, double Ratio, int Cases)> Headline()
    {
        Dictionary<string, (double Log, int Count)> sums = [];
        foreach ((_, _, SideBySide? run, _) in _sections)
        {
            if (run is null || !run.Title.StartsWith("Execution:", StringComparison.Ordinal))
                continue;
            foreach (string contender in run.Contenders)
            {
                foreach (string name in run.Cases)
                {
                    double ratio = run.RatioOf(name, contender);
                    if (!double.IsNaN(ratio))
                        sums[contender] = (sums.GetValueOrDefault(contender).Log + Math.Log(ratio), sums.GetValueOrDefault(contender).Count + 1);
                }
            }
        }

        return [.. sums.Select(s => (s.Key, Math.Exp(s.Value.Log / s.Value.Count), s.Value.Count))];
    }

    /// <summary>The whole as Markdown.</summary>
    public string ToMarkdown(string command, string circumstances)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"# Benchmark report\n\nMade by `{command}`, as measured. {circumstances}\n\nHow to read it: [README.md](README.md).\n\n");
        foreach ((string contender, double ratio, int cases) in Headline())
            text.Append(CultureInfo.InvariantCulture, $"- **{contender}: {ratio:0.000}** × Wasmtime's execution time, geometric mean of {cases} programs\n");
        string verb = "";
        foreach ((string section, string title, SideBySide? run, string markdown) in _sections)
        {
            if (section != verb)
                text.Append(CultureInfo.InvariantCulture, $"\n## {section}\n");
            verb = section;
            text.Append('\n');
            if (run is null)
                text.Append(CultureInfo.InvariantCulture, $"**{title}**\n\n");
            text.Append(markdown).Append('\n');
        }

        return text.ToString();
    }

    private void Add(string title, SideBySide? run, string markdown)
    {
        _sections.Add((Verb, title, run, markdown));
        Changed?.Invoke();
    }

    private static string Load() => File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "unknown";

    private static string Commit()
    {
        try
        {
            using System.Diagnostics.Process? git = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("git", ["describe", "--always", "--dirty"]) { RedirectStandardOutput = true });
            return git?.StandardOutput.ReadToEnd().Trim() ?? "unknown";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "unknown";
        }
    }
}

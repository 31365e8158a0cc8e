// The report as one HTML page: figures of merit, a bar chart of ratios for each comparison, and the tables behind them. Charts are inline SVG whose
// colours are style variables, so the page follows the reader's light or dark setting and needs no script, font or other file.
using System.Globalization;
using System.Net;
using System.Text;

namespace Tarn.Bench;

internal static class HtmlReport
{
    private const int LabelWidth = 150;
    private const int PlotWidth = 560;
    private const int BarHeight = 9;
    private const int GroupGap = 8;

    private const string Style = """
        :root { color-scheme: light dark; --text: #1c2024; --dim: #667078; --page: #fcfcfd; --card: #f0f2f5; --line: #d5dae0; --c0: #2563c9; --c1: #9aa3ad; --c2: #c98a1b; --c3: #3d9a6a; --c4: #a8559c; }
        @media (prefers-color-scheme: dark) { :root { --text: #e3e6ea; --dim: #98a2ab; --page: #14171a; --card: #1e2327; --line: #343b42; --c0: #6aa1ff; --c1: #77818b; --c2: #e0aa4a; --c3: #62c492; --c4: #cf86c4; } }
        body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
        h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); } h3 { font-size: 1rem; margin: 1.5rem 0 .3rem; }
        .dim, figcaption { color: var(--dim); font-size: .85rem; } .cards { display: flex; flex-wrap: wrap; gap: .8rem; }
        .card { background: var(--card); border-radius: 8px; padding: .7rem 1rem; } .card b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
        figure { margin: 0; overflow-x: auto; } svg { display: block; } svg text { fill: var(--text); font: 11px system-ui, sans-serif; } svg .dim { fill: var(--dim); }
        table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; } td, th { padding: .15rem .6rem; border-bottom: 1px solid var(--line); text-align: right; } td:first-child, th:first-child { text-align: left; }
        summary { cursor: pointer; color: var(--dim); } .table { overflow-x: auto; } .key span { display: inline-block; margin-right: 1rem; } .key i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .35em; }
        """;

    /// <summary>The page.</summary>
    public static string Make(ReportCollector report, string command, string circumstances)
    {
        StringBuilder html = new();
        html.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Tarn: benchmark report</title>\n<style>\n")
            .Append(Style).Append("\n</style></head><body>\n<h1>Benchmark report</h1>\n");
        html.Append(CultureInfo.InvariantCulture, $"<p class=\"dim\">Made by <code>{Text(command)}</code>. {Text(circumstances)}</p>\n<div class=\"cards\">");
        foreach ((string contender, double ratio, int cases) in report.Headline())
            html.Append(CultureInfo.InvariantCulture, $"<div class=\"card\"><b>{ratio:0.000}</b>{Text(contender)}<div class=\"dim\">× Wasmtime's time, geometric mean of {cases} programs</div></div>");
        html.Append("</div>\n");
        string verb = "";
        foreach ((string section, string title, SideBySide? run, string markdown) in report.Sections)
        {
            if (section != verb)
                html.Append(CultureInfo.InvariantCulture, $"<h2>{Text(section)}</h2>\n");
            verb = section;
            html.Append(CultureInfo.InvariantCulture, $"<h3>{Text(title)}</h3>\n");
            if (run is not null)
                Chart(html, run);
            html.Append("<details><summary>Table</summary><div class=\"table\">");
            Table(html, markdown);
            html.Append("</div></details>\n");
        }

        return html.Append("</body></html>\n").ToString();
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    private static void Chart(StringBuilder html, SideBySide run)
    {
        string[] contenders = [.. run.Contenders];
        string[] cases = [.. run.Cases];
        double[] ratios = [.. cases.SelectMany(c => contenders.Select(e => run.RatioOf(c, e))).Where(r => !double.IsNaN(r))];
        if (ratios.Length == 0)
            return;

        // Bars beyond are cut and say their figure: one outlier must not flatten the rest.
        double most = Math.Min(ratios.Max(), Math.Max(2, 3 * Median(ratios)));
        int height = (cases.Length * ((contenders.Length * BarHeight) + GroupGap)) + 24;
        double X(double ratio) => LabelWidth + (PlotWidth * Math.Min(ratio, most) / most);
        html.Append(CultureInfo.InvariantCulture, $"<figure><svg width=\"{LabelWidth + PlotWidth + 60}\" height=\"{height}\" role=\"img\" aria-label=\"{Text(run.Title)}\">");
        int y = 0;
        foreach (string name in cases)
        {
            html.Append(CultureInfo.InvariantCulture, $"<text x=\"{LabelWidth - 8}\" y=\"{y + (contenders.Length * BarHeight / 2) + 4}\" text-anchor=\"end\">{Text(name)}</text>");
            for (int e = 0; e < contenders.Length; e++, y += BarHeight)
            {
                double ratio = run.RatioOf(name, contenders[e]);
                if (double.IsNaN(ratio))
                    continue;
                html.Append(CultureInfo.InvariantCulture, $"<rect x=\"{LabelWidth}\" y=\"{y}\" width=\"{X(ratio) - LabelWidth:0.0}\" height=\"{BarHeight - 1}\" rx=\"1\" fill=\"var(--c{e % 5})\"><title>{Text(contenders[e])}: {ratio:0.00} × ({Text(run.TextOf(name, contenders[e]))} {Text(run.Unit)})</title></rect>");
                if (ratio > most)
                    html.Append(CultureInfo.InvariantCulture, $"<text class=\"dim\" x=\"{X(ratio) + 4:0.0}\" y=\"{y + BarHeight}\">{ratio:0.0}</text>");
            }

            y += GroupGap;
        }

        html.Append(CultureInfo.InvariantCulture, $"<line x1=\"{X(1):0.0}\" x2=\"{X(1):0.0}\" y1=\"0\" y2=\"{y}\" stroke=\"var(--dim)\" stroke-dasharray=\"3 3\"/><text class=\"dim\" x=\"{X(1):0.0}\" y=\"{y + 14}\" text-anchor=\"middle\">1 = {Text(run.BaseName)}</text></svg>");
        html.Append("<figcaption class=\"key\">");
        for (int e = 0; e < contenders.Length; e++)
            html.Append(CultureInfo.InvariantCulture, $"<span><i style=\"background:var(--c{e % 5})\"></i>{Text(contenders[e])} {run.GeometricMean(contenders[e]):0.00}</span>");
        html.Append(run.LargerIsBetter ? "longer bars are faster; geometric means beside the names" : "shorter bars are better; geometric means beside the names").Append("</figcaption></figure>\n");
    }

    private static double Median(double[] values)
    {
        double[] sorted = [.. values];
        Array.Sort(sorted);
        return sorted[sorted.Length / 2];
    }

    // The rows of a Markdown table.
    private static void Table(StringBuilder html, string markdown)
    {
        html.Append("<table>");
        bool isHead = true;
        foreach (string line in markdown.Split('\n'))
        {
            if (!line.StartsWith('|') || line.StartsWith("|-", StringComparison.Ordinal))
                continue;
            string cell = isHead ? "th" : "td";
            html.Append("<tr>");
            foreach (string text in line.Trim('|').Split('|'))
                html.Append(CultureInfo.InvariantCulture, $"<{cell}>{Text(text.Trim().Replace("**", "", StringComparison.Ordinal))}</{cell}>");
            html.Append("</tr>");
            isHead = false;
        }

        html.Append("</table>");
    }
}

// The HTML form of an inspection: one self-contained page, no script from elsewhere, light or dark as the reader's system is. Each function is a
// row of panes that scroll on their own: text, IR, machine level, assembly.
using System.Globalization;
using System.Net;
using System.Text;

namespace Tarn.Cli.Inspect;

internal static class InspectionPage
{
    private const string Style = """
        :root { color-scheme: light dark; --line: #8884; --soft: #8881; }
        body { font: 14px/1.4 system-ui, sans-serif; margin: 1rem; }
        h1 { font-size: 1.2rem; }
        details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; }
        summary { cursor: pointer; padding: .4rem .7rem; font-weight: 600; }
        summary small { font-weight: 400; opacity: .7; }
        .panes { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); gap: 1px; background: var(--line); border-top: 1px solid var(--line); }
        .pane { background: Canvas; min-width: 0; }
        .pane h2 { font-size: .8rem; margin: 0; padding: .3rem .6rem; background: var(--soft); }
        pre { font: 12px/1.45 ui-monospace, monospace; margin: 0; padding: .5rem .6rem; overflow: auto; max-height: 70vh; }
        """;

    public static void Write(TextWriter writer, string title, IEnumerable<InspectedFunction> functions, bool open)
    {
        writer.Write($"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{Encode(title)}</title>\n<style>\n{Style}\n</style></head>\n<body><h1>{Encode(title)}</h1>\n");
        foreach (InspectedFunction function in functions)
        {
            writer.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"<details{(open ? " open" : "")}><summary>{Encode(function.Name)} <small>function {function.Index}, {function.Listing.Function.Code.Length} bytes of code</small></summary><div class=\"panes\">\n"));
            foreach ((string heading, string text) in function.Panes)
                writer.Write($"<div class=\"pane\"><h2>{Encode(heading)}</h2><pre>{Encode(text)}</pre></div>\n");
            writer.Write("</div></details>\n");
        }

        writer.Write("</body></html>\n");
    }

    private static string Encode(string text) => WebUtility.HtmlEncode(new StringBuilder(text).Replace('\0', ' ').ToString());
}

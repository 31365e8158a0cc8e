// The HTML form of an inspection: one self-contained page, no script from elsewhere, light or dark as the reader's system is. Each function is one
// row of stages that scrolls sideways: text, IR, machine level, assembly. The line under the pointer marks the lines of all stages that come from the same instruction of the
// module; a click keeps the marks and brings them into view. Names of blocks and targets of jumps are links.
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace Tarn.Cli.Inspect;

internal static partial class InspectionPage
{
    private const string Style = """
        :root { color-scheme: light dark; --line: #8884; --soft: #8881; --mark: light-dark(#ffe9a8, #5a4a10); --kept: light-dark(#ffd24d, #8a6d00); --link: light-dark(#0645ad, #8ab4f8); }
        body { font: 14px/1.4 system-ui, sans-serif; margin: 1rem; }
        h1 { font-size: 1.2rem; }
        details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; }
        summary { cursor: pointer; padding: .4rem .7rem; font-weight: 600; }
        summary small { font-weight: 400; opacity: .7; }
        .panes { display: flex; overflow-x: auto; border-top: 1px solid var(--line); }
        .pane { flex: 1 0 auto; min-width: 16rem; max-width: 44rem; display: flex; flex-direction: column; border-right: 1px solid var(--line); }
        .pane:last-child { border-right: 0; }
        .pane h2 { font-size: .8rem; margin: 0; padding: .3rem .6rem; background: var(--soft); }
        pre { font: 12px/1.45 ui-monospace, monospace; margin: 0; padding: .5rem 0; overflow: auto; height: min(70vh, 60rem); }
        pre span { display: block; padding: 0 .6rem; min-height: 1.45em; width: max-content; min-width: calc(100% - 1.2rem); }
        pre .mark { background: var(--mark); }
        pre .kept { background: var(--kept); }
        pre a { color: var(--link); text-decoration: none; }
        pre a:hover { text-decoration: underline; }
        """;

    private const string Script = """
        document.querySelectorAll('.panes').forEach(panes => {
          const lines = [...panes.querySelectorAll('span[data-s]')];
          const set = (name, s) => lines.forEach(line => line.classList.toggle(name, s !== null && line.dataset.s === s));
          const at = event => event.target.closest('span[data-s]');
          panes.addEventListener('mouseover', event => set('mark', at(event)?.dataset.s ?? null));
          panes.addEventListener('mouseleave', () => set('mark', null));
          panes.addEventListener('click', event => {
            if (event.target.tagName === 'A') return;
            const line = at(event);
            set('kept', line && !line.classList.contains('kept') ? line.dataset.s : null);
            if (!line) return;
            panes.querySelectorAll('pre').forEach(pre => {
              const first = pre.querySelector('.kept');
              if (first && pre !== line.parentElement) pre.scrollTop = first.offsetTop - pre.offsetTop - pre.clientHeight / 3;
            });
          });
        });
        """;

    public static void Write(TextWriter writer, string title, IEnumerable<InspectedFunction> functions, bool open)
    {
        writer.Write($"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>{Encode(title)}</title>\n<style>\n{Style}\n</style></head>\n<body><h1>{Encode(title)}</h1>\n");
        foreach (InspectedFunction function in functions)
        {
            writer.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"<details{(open ? " open" : "")}><summary>{Encode(function.Name)} <small>function {function.Index}, {function.Listing.Function.Code.Length} bytes of code</small></summary><div class=\"panes\">\n"));
            int pane = 0;
            foreach ((string heading, string text, IReadOnlyList<int> sources) in function.Panes)
                WritePane(writer, heading, text, sources, string.Create(CultureInfo.InvariantCulture, $"f{function.Index}p{pane++}"));
            writer.Write("</div></details>\n");
        }

        writer.Write($"<script>\n{Script}\n</script></body></html>\n");
    }

    private static void WritePane(TextWriter writer, string heading, string text, IReadOnlyList<int> sources, string id)
    {
        writer.Write($"<div class=\"pane\"><h2>{Encode(heading)}</h2><pre>");
        string[] lines = text.TrimEnd('\n').Split('\n');
        HashSet<string> names = [.. lines.Select(NameOf).OfType<string>()];
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i];
            string? name = NameOf(line);
            string attributes = name is null ? "" : $" id=\"{id}-{name}\"";
            if (i < sources.Count && sources[i] >= 0)
                attributes += string.Create(CultureInfo.InvariantCulture, $" data-s=\"{sources[i]}\"");
            string linked = Reference().Replace(Encode(line), match => names.Contains(Key(match.Value)) && Key(match.Value) != name ? $"<a href=\"#{id}-{Key(match.Value)}\">{match.Value}</a>" : match.Value);
            writer.Write($"<span{attributes}>{linked}</span>");
        }

        writer.Write("</pre></div>\n");
    }

    // What a line can be jumped to by: the block that begins there, or the offset of an instruction that is a target.
    private static string? NameOf(string line) => Beginning().Match(line) is { Success: true } match ? Key(match.Groups[1].Success ? match.Groups[1].Value : match.Groups[2].Value) : null;

    private static string Key(string name) => name.StartsWith("block", StringComparison.Ordinal) ? name : "x" + name.TrimStart('0', 'x').PadLeft(1, '0');

    private static string Encode(string text) => WebUtility.HtmlEncode(new StringBuilder(text).Replace('\0', ' ').ToString());

    [GeneratedRegex(@"^(?:(block\d+)\b|>\s*([0-9a-f]+)\s)")]
    private static partial Regex Beginning();

    [GeneratedRegex(@"\bblock\d+\b|\b0x[0-9a-f]+\b")]
    private static partial Regex Reference();
}

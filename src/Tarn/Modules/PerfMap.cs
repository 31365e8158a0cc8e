// Names compiled functions to Linux's perf: one line "address size name" each in /tmp/perf-PID.map, the convention that perf
// reads for code it has no file of. Diagnostic: a failure to write is ignored.
using System.Globalization;
using System.Text;

namespace Tarn.Modules;

internal static class PerfMap
{
    private static readonly Lock s_lock = new();

    public static void Write(WasmModule wasm, nint address, int firstFunction, ReadOnlySpan<int> starts, ReadOnlySpan<int> lengths)
    {
        var text = new StringBuilder();
        for (int i = 0; i < starts.Length; i++)
        {
            string name = wasm.Names.Functions.Find(firstFunction + i) ?? "func[" + (firstFunction + i).ToString(CultureInfo.InvariantCulture) + "]";
            // A line end in a name would begin a line of the guest's own making.
            name = Escape(name);
            text.Append(CultureInfo.InvariantCulture, $"{address + starts[i]:x} {lengths[i]:x} wasm!{name}\n");
        }
        Append($"/tmp/perf-{Environment.ProcessId}.map", text.ToString());
    }

    // As the text format spells what cannot be printed.
    private static string Escape(string name)
    {
        if (!name.Any(c => char.IsControl(c) || c is '\u2028' or '\u2029'))
            return name;
        var escaped = new StringBuilder();
        foreach (char c in name)
        {
            if (char.IsControl(c) || c is '\u2028' or '\u2029')
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{{{(int)c:x}}}");
            else
                escaped.Append(c);
        }
        return escaped.ToString();
    }

    private static void Append(string path, string lines)
    {
        try
        {
            lock (s_lock)
                File.AppendAllText(path, lines);
        }
        catch (IOException)
        {
            // Diagnostics must not stop the engine.
        }
        catch (UnauthorizedAccessException)
        {
            // The same.
        }
    }
}

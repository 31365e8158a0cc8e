// What a real program is asked to do, as bench/real/prepare.mjs wrote it: steps that are the same in every engine.
using System.Text.Json;

namespace Tarn.Bench.Real;

internal sealed class Recipe
{
    private Recipe(JsonElement root, string path)
    {
        string folder = System.IO.Path.GetDirectoryName(path)!;
        this.Path = path;
        Name = root.GetProperty("name").GetString()!;
        Module = File.ReadAllBytes(System.IO.Path.Combine(folder, root.GetProperty("module").GetString()!));
        Pages = root.TryGetProperty("pages", out JsonElement pages) ? pages.GetInt32() : 0;
        Setup = [.. root.GetProperty("setup").EnumerateArray().Select(s => new RecipeStep(s, folder))];
        Run = [.. root.GetProperty("run").EnumerateArray().Select(s => new RecipeStep(s, folder))];
        Results = root.TryGetProperty("results", out JsonElement results) ? [.. results.EnumerateArray().Select(r => r.GetString()!)] : [];
        if (root.TryGetProperty("hash", out JsonElement hash))
            (HashAt, HashLength) = (hash[0].GetString()![1..], hash[1].GetInt32());
    }

    public string Path { get; }

    public string Name { get; }

    public byte[] Module { get; }

    /// <summary>Pages that the memory is grown by before anything else.</summary>
    public int Pages { get; }

    public RecipeStep[] Setup { get; }

    public RecipeStep[] Run { get; }

    public string[] Results { get; }

    public string? HashAt { get; }

    public int HashLength { get; }

    public static Recipe Read(string path)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
        return new Recipe(document.RootElement, path);
    }
}

// One step of a recipe: a call, bytes written to memory, or an expectation.
using System.Text.Json;

namespace Tarn.Bench.Real;

internal sealed class RecipeStep
{
    public RecipeStep(JsonElement step, string folder)
    {
        Call = Text(step, "call");
        Into = Text(step, "into");
        At = Text(step, "at")?[1..];
        Of = Text(step, "of");
        Expected = step.TryGetProperty("expect", out JsonElement expected) ? expected.GetUInt32() : 0;
        Bytes = Text(step, "write") is { } file ? File.ReadAllBytes(Path.Combine(folder, file)) : null;
        Arguments = step.TryGetProperty("args", out JsonElement arguments)
            ? [.. arguments.EnumerateArray().Select(a => a.ValueKind == JsonValueKind.String ? (a.GetString()![1..], 0) : (null, a.GetInt32()))]
            : [];
    }

    /// <summary>The export to call, or null.</summary>
    public string? Call { get; }

    /// <summary>Its arguments: a named value or a number.</summary>
    public (string? Name, int Number)[] Arguments { get; }

    /// <summary>The name that its result gets.</summary>
    public string? Into { get; }

    /// <summary>Bytes to write, or null.</summary>
    public byte[]? Bytes { get; }

    /// <summary>The named value that says where.</summary>
    public string? At { get; }

    /// <summary>The named value that is expected to be <see cref="Expected"/>.</summary>
    public string? Of { get; }

    public uint Expected { get; }

    private static string? Text(JsonElement step, string name) => step.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
}

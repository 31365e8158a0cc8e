// What may vary when a module is made from text.
namespace Tarn.Wasm.Text;

/// <summary>Options of <see cref="WatParser"/>.</summary>
internal sealed record WatOptions
{
    public static WatOptions Default { get; } = new();

    /// <summary>Whether identifiers are kept in a name section.</summary>
    public bool EmitNames { get; init; } = true;

    /// <summary>Filled with where in the text each part of the binary module came from, if given.</summary>
    public TextPositions? Positions { get; init; }

    /// <summary>Limits are 32-bit numbers in the text where <see cref="WasmFeatures.Memory64"/> is off. Whatever else a feature covers is left to validation.</summary>
    public WasmFeatures Features { get; init; } = WasmFeatures.All;
}

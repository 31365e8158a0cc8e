// How a module is written as text.
namespace Tarn.Wasm.Text;

/// <summary>Options of <see cref="WatPrinter"/>.</summary>
internal sealed record WatPrintOptions
{
    public static WatPrintOptions Default { get; } = new();

    /// <summary>Whether instructions enclose their operands: <c>(i32.add (local.get 0) (i32.const 1))</c>.</summary>
    public bool Folded { get; init; }

    /// <summary>Whether definitions carry their index in a comment: <c>(;0;)</c>.</summary>
    public bool IndexComments { get; init; } = true;
}

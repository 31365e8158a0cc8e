// One line of a guest backtrace. Names are decoded and places of the source looked up when a caller asks for them, most often to print them: traps are ordinary outcomes and must
// not cost a look into debug information.
using System.Text;
using Tarn.Symbols;

namespace Tarn;

/// <summary>A call of the guest that was in progress when it trapped.</summary>
/// <param name="ModuleName">The module's name from its name section, or <see langword="null"/>.</param>
/// <param name="FunctionIndex">The function's index in its module, imports counted.</param>
/// <param name="FunctionName">The function's name from the name section or its first export, or <see langword="null"/>.</param>
/// <param name="WasmOffset">Offset in bytes, from the start of the module's binary, of the instruction that trapped or called.</param>
public readonly record struct GuestFrame(string? ModuleName, int FunctionIndex, string? FunctionName, uint WasmOffset)
{
    /// <summary>Gets the function's name as it was written: names that compilers of C++ and Rust have encoded are decoded.</summary>
    public string? DisplayName => FunctionName is null ? null : Demangler.Demangle(FunctionName);

    /// <summary>
    /// Gets the places in the source, where the module carries debug information (DWARF, compiled with <c>-g</c>): one for the function, and before it one for each function that was inlined
    /// there, the innermost first. Empty where nothing is known.
    /// </summary>
    public IReadOnlyList<SourceLocation> Locations => Symbols?.Find(WasmOffset) ?? [];

    internal ModuleSymbols? Symbols { get; init; }

    /// <summary>The frame as a line of text, <c>module!function @ 0x1a2, file:line:column</c>, after one for each function inlined there.</summary>
    public override string ToString()
    {
        string frame = $"{(ModuleName is null ? "" : ModuleName + "!")}{DisplayName ?? "func[" + FunctionIndex + "]"} @ 0x{WasmOffset:x}";
        IReadOnlyList<SourceLocation> places = Locations;
        if (places.Count == 0)
            return frame;
        var text = new StringBuilder();
        for (int i = 0; i < places.Count - 1; i++)
            text.Append(places[i].FunctionName ?? "?").Append(" (inlined), ").Append(places[i].ToString()).Append("\n   at ");
        return text.Append(frame).Append(", ").Append(places[^1].ToString()).ToString();
    }
}

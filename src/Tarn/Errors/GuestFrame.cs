// One line of a guest backtrace.
namespace Tarn;

/// <summary>A call of the guest that was in progress when it trapped.</summary>
/// <param name="ModuleName">The module's name from its name section, or <see langword="null"/>.</param>
/// <param name="FunctionIndex">The function's index in its module, imports counted.</param>
/// <param name="FunctionName">The function's name from the name section or its first export, or <see langword="null"/>.</param>
/// <param name="WasmOffset">Offset in bytes, from the start of the module's binary, of the instruction that trapped or called.</param>
public readonly record struct GuestFrame(string? ModuleName, int FunctionIndex, string? FunctionName, uint WasmOffset)
{
    /// <summary>The frame as a line of text: <c>module!function @ 0x1a2</c>.</summary>
    public override string ToString() =>
        $"{(ModuleName is null ? "" : ModuleName + "!")}{FunctionName ?? "func[" + FunctionIndex + "]"} @ 0x{WasmOffset:x}";
}

// A module that is valid but uses what this version cannot execute. It is told apart from invalid ones so that a host can say "not yet" instead of "broken".
namespace Tarn.Wasm;

/// <summary>The module is valid, but this version of Tarn cannot execute one of its instructions.</summary>
public sealed class UnsupportedInstructionException : WasmException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="instruction">The instruction, as in the text format.</param>
    /// <param name="functionIndex">Index of the function, imports counted.</param>
    /// <param name="offset">Byte offset from the start of the module.</param>
    public UnsupportedInstructionException(string instruction, int functionIndex, long offset)
        : base($"{instruction} is valid, but this version of Tarn cannot execute it yet (in function {functionIndex}, at byte 0x{offset:x})")
    {
        Instruction = instruction;
        FunctionIndex = functionIndex;
        Offset = offset;
    }

    /// <summary>The instruction, as in the text format.</summary>
    public string Instruction { get; }

    /// <summary>Index of the function, imports counted.</summary>
    public int FunctionIndex { get; }

    /// <summary>Byte offset from the start of the module.</summary>
    public long Offset { get; }
}

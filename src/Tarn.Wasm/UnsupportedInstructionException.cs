// A module that is valid but uses what this version cannot execute. It is told apart from invalid ones so that a host can say "not yet" instead of "broken".
namespace Tarn;

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

    /// <summary>The same error of a module that was text.</summary>
    internal UnsupportedInstructionException(UnsupportedInstructionException error, string place, string excerpt, int line, int column)
        : base($"{error.Instruction} is valid, but this version of Tarn cannot execute it yet (in function {error.FunctionIndex}, at {place})\n{excerpt}")
    {
        (Instruction, FunctionIndex, Offset) = (error.Instruction, error.FunctionIndex, error.Offset);
        (Line, Column) = (line, column);
    }

    /// <summary>Gets the line of the text that is to blame, counted from 1; <see langword="null"/> where the module was binary.</summary>
    public int? Line { get; }

    /// <summary>Gets the column in that line, in characters, counted from 1; <see langword="null"/> where the module was binary.</summary>
    public int? Column { get; }

    /// <summary>The instruction, as in the text format.</summary>
    public string Instruction { get; }

    /// <summary>Index of the function, imports counted.</summary>
    public int FunctionIndex { get; }

    /// <summary>Byte offset from the start of the module.</summary>
    public long Offset { get; }
}

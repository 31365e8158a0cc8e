// A module that is valid but uses what this version cannot execute. It is distinct from invalid ones so that a host can say "not yet" instead of "broken".
namespace Tarn;

/// <summary>
/// The exception that is thrown when a module is made that is valid, but has an instruction that this version of Tarn cannot execute. A module that was made never throws it later.
/// </summary>
public sealed class UnsupportedModuleException : WasmException
{
    /// <summary>Initializes a new instance of the <see cref="UnsupportedModuleException"/> class.</summary>
    /// <param name="instruction">The instruction, as in the text format.</param>
    /// <param name="functionIndex">The index of the function, imports counted; <see langword="null"/> where the instruction is in a constant expression.</param>
    /// <param name="offset">The byte offset of the instruction from the start of the module.</param>
    public UnsupportedModuleException(string instruction, int? functionIndex, long offset)
        : base($"{instruction} is valid, but this version of Tarn cannot execute it yet ({In(functionIndex)}, at byte 0x{offset:x})")
    {
        Instruction = instruction;
        FunctionIndex = functionIndex;
        Offset = offset;
    }

    /// <summary>The same error of a module that was text.</summary>
    internal UnsupportedModuleException(UnsupportedModuleException error, string place, string excerpt, int line, int column)
        : base($"{error.Instruction} is valid, but this version of Tarn cannot execute it yet ({In(error.FunctionIndex)}, at {place})\n{excerpt}")
    {
        (Instruction, FunctionIndex, Offset) = (error.Instruction, error.FunctionIndex, error.Offset);
        (Line, Column) = (line, column);
    }

    /// <summary>Gets the line of the text, counted from 1; <see langword="null"/> where the module was binary.</summary>
    public int? Line { get; }

    /// <summary>Gets the column in that line, in characters, counted from 1; <see langword="null"/> where the module was binary.</summary>
    public int? Column { get; }

    /// <summary>Gets the instruction, as in the text format.</summary>
    public string Instruction { get; }

    /// <summary>Gets the index of the function, imports counted; <see langword="null"/> where the instruction is in a constant expression.</summary>
    public int? FunctionIndex { get; }

    /// <summary>Gets the byte offset of the instruction from the start of the module.</summary>
    public long Offset { get; }

    private static string In(int? functionIndex) => functionIndex is int index ? $"in function {index}" : "in a constant expression";
}

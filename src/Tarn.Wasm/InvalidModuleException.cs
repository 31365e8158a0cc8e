// A module that decodes but breaks a rule of validation. Carries what a person needs to find the place: function, instruction, byte offset, rule.
namespace Tarn;

/// <summary>The module is well-formed but not valid.</summary>
public sealed class InvalidModuleException : WasmException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="rule">The rule that is broken and how; opens with the specification's words.</param>
    /// <param name="offset">Byte offset from the start of the module.</param>
    /// <param name="functionIndex">Index of the function (imports counted), or null outside of functions.</param>
    /// <param name="functionName">The function's name where the module tells it.</param>
    /// <param name="instruction">The instruction's name where one is to blame.</param>
    public InvalidModuleException(string rule, long offset, int? functionIndex = null, string? functionName = null, string? instruction = null)
        : base(Compose(rule, $"byte 0x{offset:x}", functionIndex, functionName, instruction))
    {
        Rule = rule;
        Offset = offset;
        FunctionIndex = functionIndex;
        FunctionName = functionName;
        Instruction = instruction;
    }

    /// <summary>The same error of a module that was text.</summary>
    internal InvalidModuleException(InvalidModuleException error, string place, string excerpt, int line, int column)
        : base($"{Compose(error.Rule, place, error.FunctionIndex, error.FunctionName, error.Instruction)}\n{excerpt}")
    {
        (Rule, Offset, FunctionIndex, FunctionName, Instruction) = (error.Rule, error.Offset, error.FunctionIndex, error.FunctionName, error.Instruction);
        (Line, Column) = (line, column);
    }

    /// <summary>Gets the line of the text that is to blame, counted from 1; <see langword="null"/> where the module was binary.</summary>
    public int? Line { get; }

    /// <summary>Gets the column in that line, in characters, counted from 1; <see langword="null"/> where the module was binary.</summary>
    public int? Column { get; }

    /// <summary>The rule that is broken, and how.</summary>
    public string Rule { get; }

    /// <summary>Byte offset from the start of the module.</summary>
    public long Offset { get; }

    /// <summary>Index of the function, imports counted; null outside of functions.</summary>
    public int? FunctionIndex { get; }

    /// <summary>The function's name, where the module tells it.</summary>
    public string? FunctionName { get; }

    /// <summary>The instruction to blame, as in the text format; null where there is none.</summary>
    public string? Instruction { get; }

    /// <summary>The same error of a module within a component, by its place in the component.</summary>
    internal InvalidModuleException Within(int start) => new(Rule, Offset + start, FunctionIndex, FunctionName, Instruction);

    private static string Compose(string rule, string place, int? functionIndex, string? functionName, string? instruction)
    {
        string function = functionIndex is null ? "" : functionName is null ? $"in function {functionIndex}, " : $"in function {functionIndex} \"{functionName}\", ";
        string at = instruction is null ? "" : $"{instruction} ";
        return $"{rule} ({function}{at}at {place})";
    }
}

// What is fixed about a machine opcode: its operands, the flags it may carry, what it clobbers, and how it is printed. A target's forms are generated from its
// table; MachineVerifier compares every instruction with them and MachineText prints by them, so that an operand of the wrong kind, which would be
// allocated wrongly, is found where it was made.
namespace Tarn.Compiler.Machine;

/// <summary>The form of a machine opcode.</summary>
/// <param name="Name">Name in text.</param>
/// <param name="Operands">Possible operand lists.</param>
/// <param name="Allowed">Flags that an instruction may carry.</param>
/// <param name="Required">Flags that it carries always.</param>
/// <param name="Clobbers">Index of the clobbered registers.</param>
/// <param name="SetsFlags">Whether a condition may be read from the flags after it.</param>
/// <param name="SubOperation">The field that holds a sub-operation.</param>
/// <param name="PrintsImmediate">Whether the immediate is part of the text.</param>
/// <param name="PrintsAux">Whether <see cref="MachineInstruction.Aux"/> is part of the text.</param>
internal sealed record OpcodeForm(
    string Name,
    OperandForm[][] Operands,
    MachineFlags Allowed,
    MachineFlags Required,
    byte Clobbers,
    bool SetsFlags,
    SubOperationField SubOperation,
    bool PrintsImmediate,
    bool PrintsAux);

/// <summary>Where an instruction holds its sub-operation.</summary>
internal enum SubOperationField : byte
{
    /// <summary>It has none.</summary>
    None,

    /// <summary><see cref="MachineInstruction.Condition"/>.</summary>
    Condition,

    /// <summary><see cref="MachineInstruction.Immediate"/>.</summary>
    Immediate,
}

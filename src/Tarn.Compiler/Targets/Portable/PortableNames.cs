// How machine-level register code looks as text.
using System.Globalization;
using System.Text;
using Tarn.Compiler.Allocate;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.Portable;

/// <summary>Names of opcodes and registers.</summary>
internal sealed class PortableNames : IMachineNames
{
    /// <summary>The names.</summary>
    public static PortableNames Instance { get; } = new();

    /// <inheritdoc/>
    public void AppendOperation(StringBuilder text, in MachineInstruction instruction)
    {
        text.Append(((PortableOpcode)instruction.Opcode).ToString().ToLowerInvariant());
        if (instruction.Opcode == MachineOpcode.JumpIf)
        {
            text.Append('.').Append(PortableConditions.BranchOf(instruction.Condition).ToString().ToLowerInvariant());
        }

        if (instruction.Immediate != 0 || instruction.Displacement != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $" #{instruction.Immediate}:{instruction.Displacement}");
        }

        if (instruction.Aux != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $" @{instruction.Aux}");
        }
    }

    /// <inheritdoc/>
    public void AppendRegister(StringBuilder text, int register, MachineType type)
        => text.Append(register >= RegisterFile.FirstVector ? 'v' : 'r').Append(register & (RegisterFile.FirstVector - 1));
}

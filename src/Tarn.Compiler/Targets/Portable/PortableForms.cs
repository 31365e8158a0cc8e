// Forms of the instructions of register code for MachineVerifier: definitions first, then operands that may be in any word of the frame; labels alone define fixed registers.
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.Portable;

/// <summary>Forms by opcode.</summary>
internal static class PortableForms
{
    /// <summary>The forms.</summary>
    public static OpcodeForm?[] All { get; } = Create();

    private static OpcodeForm?[] Create()
    {
        var forms = new OpcodeForm?[(int)PortableOpcode.Count];
        OperandForm[] operands = [new(OperandKind.Def, IsRepeated: true), new(OperandKind.UseAny, IsRepeated: true)];
        OperandForm[] fixedDefinitions = [new(OperandKind.DefFixed, IsRepeated: true)];
        for (var k = 0; k < forms.Length; k++)
        {
            var name = Enum.GetName((PortableOpcode)k);
            if (name is null || k >= (int)PortableOpcode.Enter)
            {
                continue;
            }

            var isCall = k is MachineOpcode.Call or MachineOpcode.CallReference or MachineOpcode.CallBuiltin;
            var flags = isCall ? MachineFlags.Call : MachineFlags.None;
            forms[k] = new OpcodeForm(
                name, k == MachineOpcode.Label ? [operands, fixedDefinitions] : [operands], flags, flags, 0, SetsFlags: false, SubOperationField.None, PrintsImmediate: true, PrintsAux: true);
        }

        return forms;
    }
}

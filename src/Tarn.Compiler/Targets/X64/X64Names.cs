// How machine-level x86-64 looks as text.
using System.Globalization;
using System.Text;
using Tarn.Assembler.X64;
using Tarn.Compiler.Allocate;
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

/// <summary>Names of opcodes and registers.</summary>
internal sealed class X64Names : IMachineNames
{
    /// <summary>The names.</summary>
    public static X64Names Instance { get; } = new();

    /// <inheritdoc/>
    public void AppendOperation(StringBuilder text, in MachineInstruction instruction)
    {
        var form = X64OpcodeForms.Of((X64Opcode)instruction.Opcode);
        text.Append(form.Name);
        var sub = X64OpcodeForms.SubOperationOf(instruction);
        if (sub.Length > 0)
        {
            text.Append('.').Append(sub.ToLowerInvariant());
        }

        if (instruction.Width != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $".{8 * instruction.Width}");
        }

        if (form.SubOperation == SubOperationField.Immediate && ((SseOp)(uint)instruction.Immediate).HasImmediate())
        {
            text.Append(CultureInfo.InvariantCulture, $" #{instruction.Condition}");
        }

        if (form.PrintsImmediate)
        {
            text.Append(CultureInfo.InvariantCulture, $" #{instruction.Immediate}");
        }

        if (form.PrintsAux)
        {
            text.Append(CultureInfo.InvariantCulture, $" @{instruction.Aux}");
        }

        AppendAddress(text, instruction);
    }

    /// <inheritdoc/>
    public void AppendRegister(StringBuilder text, int register, MachineType type)
        => text.Append(register >= RegisterFile.FirstVector ? ((Xmm)(register - RegisterFile.FirstVector)).ToString().ToLowerInvariant()
            : ((Gpr)register).ToString().ToLowerInvariant());

    /// <summary>A sub-operation as text: its name, or the names of its bits.</summary>
    public static string SubOperation<T>(T value)
        where T : struct, Enum
        => value.ToString().Replace(", ", "+", StringComparison.Ordinal);

    /// <summary>A condition as text.</summary>
    public static string SubOperation(X64Condition condition)
        => (int)condition < 16 ? ((Condition)condition).ToString() : condition.ToString();

    private static void AppendAddress(StringBuilder text, in MachineInstruction instruction)
    {
        var kind = (X64AddressKind)(instruction.Address >> 4);
        if (kind == X64AddressKind.None)
        {
            return;
        }

        text.Append(" [").Append(kind switch
        {
            X64AddressKind.VmContext => "vmctx",
            X64AddressKind.ResultBuffer => "results",
            X64AddressKind.Incoming => "incoming",
            X64AddressKind.Constant => "constant",
            _ => (instruction.Address & 1) != 0 ? "base" : string.Empty,
        });
        if ((instruction.Address & 2) != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"+index*{1 << ((instruction.Address >> 2) & 3)}");
        }

        text.Append(CultureInfo.InvariantCulture, $"+{instruction.Displacement}]");
    }
}

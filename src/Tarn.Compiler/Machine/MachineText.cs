// Machine instructions as text: for golden tests, for `inspect` and for whoever debugs the allocator. The target supplies the names of its
// opcodes and registers.
using System.Globalization;
using System.Text;
using Tarn.Compiler.Allocate;

namespace Tarn.Compiler.Machine;

/// <summary>Names that belong to a target.</summary>
internal interface IMachineNames
{
    /// <summary>Appends the operation with everything but its operands.</summary>
    void AppendOperation(StringBuilder text, in MachineInstruction instruction);

    /// <summary>Appends a register.</summary>
    void AppendRegister(StringBuilder text, int register, MachineType type);
}

/// <summary>Printer of machine functions.</summary>
internal static class MachineText
{
    /// <summary>The function as lowered or, with an allocation, as allocated.</summary>
    public static string Print(MachineFunction function, IMachineNames names, Allocation? allocation = null, List<int>? sources = null)
    {
        var text = new StringBuilder();
        var move = 0;
        for (var b = 0; b < function.Blocks.Count; b++)
        {
            ref var block = ref function.Blocks[b];
            text.Append(CultureInfo.InvariantCulture, $"block{b}");
            AppendOperands(text, function, names, function.Instructions[block.First], allocation);
            text.Append(block.IsLoopHeader ? " loop" : string.Empty).Append(block.IsCold ? " cold" : string.Empty).Append('\n');
            sources?.Add(-1);
            for (var i = block.First + 1; i < block.End; i++)
            {
                for (; allocation is not null && move < allocation.Moves.Count && allocation.Moves[move].Instruction == i; move++)
                {
                    AppendMove(text, function, names, allocation.Moves[move]);
                    sources?.Add(function.Sources[i]);
                }

                ref var instruction = ref function.Instructions[i];
                text.Append("    ");
                names.AppendOperation(text, instruction);
                AppendOperands(text, function, names, instruction, allocation);
                text.Append('\n');
                sources?.Add(function.Sources[i]);
            }

            foreach (ref var edge in function.SuccessorsOf(block))
            {
                text.Append(CultureInfo.InvariantCulture, $"    -> block{edge.To}");
                foreach (var v in function.ArgumentsOf(edge))
                {
                    text.Append(CultureInfo.InvariantCulture, $" {v}");
                }

                text.Append('\n');
                sources?.Add(-1);
            }
        }

        return text.ToString();
    }

    private static void AppendOperands(
        StringBuilder text, MachineFunction function, IMachineNames names, in MachineInstruction instruction, Allocation? allocation)
    {
        var operands = function.OperandsOf(instruction);
        for (var k = 0; k < operands.Length; k++)
        {
            ref var operand = ref operands[k];
            text.Append(k == 0 ? " " : ", ");
            text.Append(operand.Kind switch
            {
                OperandKind.Def => "def ",
                OperandKind.DefEarly => "early ",
                OperandKind.DefTied => "tied ",
                OperandKind.DefFixed => "def ",
                OperandKind.Temp => "temp ",
                OperandKind.UseAny => "any ",
                OperandKind.UseLate => "late ",
                OperandKind.UseTied => "in ",
                _ => string.Empty,
            });
            text.Append(CultureInfo.InvariantCulture, $"{operand.VirtualRegister}");
            var type = function.Types[operand.VirtualRegister];
            if (operand.IsDefinition)
            {
                text.Append(':').Append(type.ToString().ToLowerInvariant());
            }

            if (allocation is not null)
            {
                text.Append('@');
                AppendLocation(text, names, allocation.Locations[instruction.OperandStart + k], type);
            }
            else if (operand.Kind is OperandKind.UseFixed or OperandKind.DefFixed)
            {
                text.Append('@');
                names.AppendRegister(text, operand.Register, type);
            }
        }
    }

    private static void AppendMove(StringBuilder text, MachineFunction function, IMachineNames names, in AllocatedMove move)
    {
        var type = function.Types[move.VirtualRegister];
        text.Append("      ");
        AppendLocation(text, names, move.To, type);
        text.Append(move.Kind == MoveKind.Exchange ? " <-> " : " <- ");
        AppendLocation(text, names, move.From, type);
        text.Append(CultureInfo.InvariantCulture, $"  ({move.VirtualRegister})\n");
    }

    private static void AppendLocation(StringBuilder text, IMachineNames names, Location location, MachineType type)
    {
        if (location.IsRegister)
        {
            names.AppendRegister(text, location.Value, type);
        }
        else
        {
            text.Append(location.ToString());
        }
    }
}

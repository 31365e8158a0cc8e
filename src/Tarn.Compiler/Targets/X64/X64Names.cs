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
        var opcode = (X64Opcode)instruction.Opcode;
        text.Append(opcode.ToString().ToLowerInvariant());
        var sub = opcode switch
        {
            X64Opcode.Alu or X64Opcode.AluImmediate or X64Opcode.AluMemory or X64Opcode.AluMemoryImmediate or X64Opcode.AtomicLoop
                => ((AluOp)instruction.Condition).ToString(),
            X64Opcode.Unary => ((UnaryOp)instruction.Condition).ToString(),
            X64Opcode.ShiftImmediate or X64Opcode.ShiftCl or X64Opcode.ShiftX => ((ShiftOp)instruction.Condition).ToString(),
            X64Opcode.Set or X64Opcode.Cmov or X64Opcode.SelectVector or X64Opcode.TrapIf or X64Opcode.JumpIf => Condition(instruction.Condition),
            X64Opcode.Load or X64Opcode.Extend => ((LoadExtension)instruction.Condition).ToString(),
            X64Opcode.BitCount or X64Opcode.BitCountSlow => ((X64BitCount)instruction.Condition).ToString(),
            X64Opcode.LowestBit => ((BlsOp)instruction.Condition).ToString(),
            X64Opcode.VectorBinary or X64Opcode.VectorUnary or X64Opcode.VectorUnaryImmediate or X64Opcode.VectorCompare
                => ((SseOp)(uint)instruction.Immediate).ToString(),
            X64Opcode.Divide => ((X64Division)instruction.Condition).ToString().Replace(", ", "+", StringComparison.Ordinal),
            X64Opcode.Truncate => ((X64Truncation)instruction.Condition).ToString().Replace(", ", "+", StringComparison.Ordinal),
            X64Opcode.MinMax => instruction.Condition == 0 ? "min" : "max",
            _ => string.Empty,
        };
        if (sub.Length > 0)
        {
            text.Append('.').Append(sub.ToLowerInvariant());
        }

        if (instruction.Width != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $".{8 * instruction.Width}");
        }

        if (HasImmediate(opcode))
        {
            text.Append(CultureInfo.InvariantCulture, $" #{instruction.Immediate}");
        }

        if (opcode is X64Opcode.Call or X64Opcode.CallBuiltin or X64Opcode.TailCall or X64Opcode.TrapIf or X64Opcode.Trap or X64Opcode.BoundsCheck)
        {
            text.Append(CultureInfo.InvariantCulture, $" @{instruction.Aux}");
        }

        AppendAddress(text, instruction);
    }

    /// <inheritdoc/>
    public void AppendRegister(StringBuilder text, int register, MachineType type)
        => text.Append(register >= RegisterFile.FirstVector ? ((Xmm)(register - RegisterFile.FirstVector)).ToString().ToLowerInvariant()
            : ((Gpr)register).ToString().ToLowerInvariant());

    private static string Condition(byte condition)
        => condition < 16 ? ((Condition)condition).ToString() : ((X64Condition)condition).ToString();

    private static bool HasImmediate(X64Opcode opcode) => opcode is X64Opcode.StoreImmediate or X64Opcode.AluImmediate or X64Opcode.Add3Immediate
        or X64Opcode.AluMemoryImmediate or X64Opcode.CompareImmediate or X64Opcode.TestImmediate or X64Opcode.BitTestImmediate
        or X64Opcode.MultiplyImmediate or X64Opcode.ShiftImmediate or X64Opcode.RotateRightX or X64Opcode.PushImmediate or X64Opcode.BoundsCheck
        or X64Opcode.FuelCheck or X64Opcode.LoadConstant or X64Opcode.LoadFloatConstant or X64Opcode.Switch;

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

// An operand as asked for, in the disassembler's terms.
using Iced.Intel;
using Tarn.Assembler.X64;

namespace Tarn.Assembler.Tests;

internal enum OperandKind
{
    Register,
    Memory,
    Immediate,
}

internal readonly record struct Operand(OperandKind Kind, Register Register, Mem Mem, long Value, int Bits)
{
    public static implicit operator Operand(Mem mem) => new(OperandKind.Memory, Register.None, mem, 0, 0);

    public static implicit operator Operand(Xmm register) => new(OperandKind.Register, Register.XMM0 + (int)register, default, 0, 0);

    public static Operand Of(Register register) => new(OperandKind.Register, register, default, 0, 0);

    public static Operand Ymm(Xmm register) => Of(Register.YMM0 + (int)register);

    public static Operand Imm(long value, int bits = 8) => new(OperandKind.Immediate, Register.None, default, value, bits);

    public static Operand Of(OperandSize size, Gpr register) => Of(size switch
    {
        OperandSize.S8 => (int)register switch
        {
            < 4 => Register.AL + (int)register,
            < 8 => Register.SPL + ((int)register - 4),
            _ => Register.R8L + ((int)register - 8),
        },
        OperandSize.S16 => Register.AX + (int)register,
        OperandSize.S32 => Register.EAX + (int)register,
        _ => Gpr64(register),
    });

    public static Register Gpr64(Gpr register) => Register.RAX + (int)register;

    public override string ToString() => Kind switch
    {
        OperandKind.Register => Register.ToString(),
        OperandKind.Immediate => $"{Value:X}",
        _ => Mem.Kind == MemKind.Address
            ? $"[{(Mem.HasBase ? Mem.Base : "")}+{(Mem.HasIndex ? Mem.Index : "")}*{1 << Mem.ScaleLog2}+{Mem.Value:X}]"
            : $"[{Mem.Kind} {Mem.Value}]",
    };
}

// Integer instructions: moves, arithmetic, comparisons. Operands come in the manual's order, destination first. Immediates of 64-bit operations are
// 32 bits, sign-extended, as the hardware has it; immediates of narrower operations may be given signed or unsigned.
using System.Diagnostics;
using static Tarn.Assembler.X64.X64Encoding;

namespace Tarn.Assembler.X64;

internal sealed unsafe partial class X64Assembler
{
    // ---- mov

    /// <summary>mov register, register. 32 bits clear the upper half; 8 and 16 leave the rest of the destination.</summary>
    public void Mov(OperandSize size, Gpr dst, Gpr src) =>
        EncodeRR(0x8A | SizeBits(size) | ByteRex(size, dst) | ByteRex(size, src), (uint)dst, (uint)src);

    public void Mov(OperandSize size, Gpr dst, Mem src) => EncodeRM(0x8A | SizeBits(size) | ByteRex(size, dst), (uint)dst, src, 0);

    public void Mov(OperandSize size, Mem dst, Gpr src) => EncodeRM(0x88 | SizeBits(size) | ByteRex(size, src), (uint)src, dst, 0);

    /// <summary>mov memory, immediate.</summary>
    public void MovImm(OperandSize size, Mem dst, int value)
    {
        EncodeRM(0xC6 | SizeBits(size), 0, dst, ImmediateSize(size));
        AppendSized(size, value);
    }

    /// <summary>A 64-bit constant in the shortest form that keeps the flags.</summary>
    public void MovImm(Gpr dst, long value)
    {
        if ((uint)value == (ulong)value)
        {
            EncodeO(0xB8, (uint)dst);
            Append32((int)value);
        }
        else if ((int)value == value)
        {
            EncodeRR(0xC7 | W, 0, (uint)dst);
            Append32((int)value);
        }
        else
        {
            MovImm64(dst, value);
        }
    }

    /// <summary>A 32-bit constant, the upper half cleared; keeps the flags.</summary>
    public void MovImm32(Gpr dst, int value)
    {
        EncodeO(0xB8, (uint)dst);
        Append32(value);
    }

    /// <summary>A 64-bit constant in all its length: the last eight bytes of the instruction, for patching.</summary>
    public void MovImm64(Gpr dst, long value)
    {
        EncodeO(0xB8 | W, (uint)dst);
        *(long*)_cursor = value;
        _cursor += 8;
    }

    /// <summary>The absolute address of a symbol, by relocation.</summary>
    public void MovSymbolAddress(Gpr dst, int symbol, int addend = 0)
    {
        MovImm64(dst, 0);
        _relocations.Add(new CodeRelocation(Offset - 8, RelocationKind.Absolute64, symbol, addend));
    }

    /// <summary>The shortest zero. Clobbers the flags, which is why <see cref="MovImm(Gpr, long)"/> does not choose it.</summary>
    public void Zero(Gpr dst) => EncodeRR(0x33, (uint)dst, (uint)dst);

    /// <summary>Zero-extends 8, 16 or 32 bits to 64.</summary>
    public void Movzx(OperandSize from, Gpr dst, Gpr src)
    {
        Debug.Assert(from <= OperandSize.S32, "There is nothing to extend.");
        if (from == OperandSize.S32)
            EncodeRR(0x8B, (uint)dst, (uint)src);
        else
            EncodeRR((M0F | 0xB6 | (uint)from) | ByteRex(from, src), (uint)dst, (uint)src);
    }

    /// <summary>Loads 8, 16 or 32 bits, zero-extended to 64.</summary>
    public void Movzx(OperandSize from, Gpr dst, Mem src)
    {
        Debug.Assert(from <= OperandSize.S32, "There is nothing to extend.");
        EncodeRM(from == OperandSize.S32 ? 0x8B : M0F | 0xB6 | (uint)from, (uint)dst, src, 0);
    }

    /// <summary>Sign-extends 8, 16 or 32 bits to <paramref name="to"/> (movsx, movsxd).</summary>
    public void Movsx(OperandSize to, OperandSize from, Gpr dst, Gpr src) =>
        EncodeRR(MovsxOpcode(to, from) | ByteRex(from, src), (uint)dst, (uint)src);

    public void Movsx(OperandSize to, OperandSize from, Gpr dst, Mem src) => EncodeRM(MovsxOpcode(to, from), (uint)dst, src, 0);

    private static uint MovsxOpcode(OperandSize to, OperandSize from)
    {
        Debug.Assert(from < to, "There is nothing to extend.");
        return WideBits(to) | (from == OperandSize.S32 ? 0x63 : M0F | 0xBE | (uint)from);
    }

    public void Lea(OperandSize size, Gpr dst, Mem src) => EncodeRM(0x8D | WideBits(size), (uint)dst, src, 0);

    // ---- Arithmetic, logic, comparison

    public void Alu(AluOp op, OperandSize size, Gpr dst, Gpr src) =>
        EncodeRR(((uint)op << 3) | 2 | SizeBits(size) | ByteRex(size, dst) | ByteRex(size, src), (uint)dst, (uint)src);

    public void Alu(AluOp op, OperandSize size, Gpr dst, Mem src) =>
        EncodeRM(((uint)op << 3) | 2 | SizeBits(size) | ByteRex(size, dst), (uint)dst, src, 0);

    public void Alu(AluOp op, OperandSize size, Mem dst, Gpr src) =>
        EncodeRM(((uint)op << 3) | SizeBits(size) | ByteRex(size, src), (uint)src, dst, 0);

    public void Alu(AluOp op, OperandSize size, Gpr dst, int value)
    {
        if (size == OperandSize.S8)
        {
            if (dst == Gpr.Rax)
                EncodePlain(((uint)op << 3) | 4);
            else
                EncodeRR(0x80 | ByteRex(size, dst), (uint)op, (uint)dst);
            Append8(value);
        }
        else if (FitsSigned8(size, value))
        {
            EncodeRR(0x83 | WideBits(size), (uint)op, (uint)dst);
            Append8(value);
        }
        else
        {
            if (dst == Gpr.Rax)
                EncodePlain(((uint)op << 3) | 4 | SizeBits(size));
            else
                EncodeRR(0x80 | SizeBits(size), (uint)op, (uint)dst);
            AppendSized(size, value);
        }
    }

    public void Alu(AluOp op, OperandSize size, Mem dst, int value)
    {
        if (size == OperandSize.S8 || !FitsSigned8(size, value))
        {
            EncodeRM(0x80 | SizeBits(size), (uint)op, dst, ImmediateSize(size));
            AppendSized(size, value);
        }
        else
        {
            EncodeRM(0x83 | WideBits(size), (uint)op, dst, 1);
            Append8(value);
        }
    }

    private static bool FitsSigned8(OperandSize size, int value) => (size == OperandSize.S16 ? (short)value : value) == (sbyte)value;

    public void Add(OperandSize size, Gpr dst, Gpr src) => Alu(AluOp.Add, size, dst, src);

    public void Add(OperandSize size, Gpr dst, Mem src) => Alu(AluOp.Add, size, dst, src);

    public void Add(OperandSize size, Gpr dst, int value) => Alu(AluOp.Add, size, dst, value);

    public void Sub(OperandSize size, Gpr dst, Gpr src) => Alu(AluOp.Sub, size, dst, src);

    public void Sub(OperandSize size, Gpr dst, Mem src) => Alu(AluOp.Sub, size, dst, src);

    public void Sub(OperandSize size, Gpr dst, int value) => Alu(AluOp.Sub, size, dst, value);

    public void Cmp(OperandSize size, Gpr left, Gpr right) => Alu(AluOp.Cmp, size, left, right);

    public void Cmp(OperandSize size, Gpr left, Mem right) => Alu(AluOp.Cmp, size, left, right);

    public void Cmp(OperandSize size, Mem left, Gpr right) => Alu(AluOp.Cmp, size, left, right);

    public void Cmp(OperandSize size, Gpr left, int value) => Alu(AluOp.Cmp, size, left, value);

    public void Cmp(OperandSize size, Mem left, int value) => Alu(AluOp.Cmp, size, left, value);

    public void Test(OperandSize size, Gpr left, Gpr right) =>
        EncodeRR(0x84 | SizeBits(size) | ByteRex(size, left) | ByteRex(size, right), (uint)right, (uint)left);

    public void Test(OperandSize size, Mem left, Gpr right) => EncodeRM(0x84 | SizeBits(size) | ByteRex(size, right), (uint)right, left, 0);

    public void Test(OperandSize size, Gpr left, int value)
    {
        if (left == Gpr.Rax)
            EncodePlain(0xA8 | SizeBits(size));
        else
            EncodeRR(0xF6 | SizeBits(size) | ByteRex(size, left), 0, (uint)left);
        AppendSized(size, value);
    }

    public void Test(OperandSize size, Mem left, int value)
    {
        EncodeRM(0xF6 | SizeBits(size), 0, left, ImmediateSize(size));
        AppendSized(size, value);
    }

    public void Unary(UnaryOp op, OperandSize size, Gpr operand) =>
        EncodeRR(0xF6 | SizeBits(size) | ByteRex(size, operand), (uint)op, (uint)operand);

    public void Unary(UnaryOp op, OperandSize size, Mem operand) => EncodeRM(0xF6 | SizeBits(size), (uint)op, operand, 0);

    public void Neg(OperandSize size, Gpr operand) => Unary(UnaryOp.Neg, size, operand);

    public void Not(OperandSize size, Gpr operand) => Unary(UnaryOp.Not, size, operand);

    public void Inc(OperandSize size, Gpr operand) => EncodeRR(0xFE | SizeBits(size) | ByteRex(size, operand), 0, (uint)operand);

    public void Inc(OperandSize size, Mem operand) => EncodeRM(0xFE | SizeBits(size), 0, operand, 0);

    public void Dec(OperandSize size, Gpr operand) => EncodeRR(0xFE | SizeBits(size) | ByteRex(size, operand), 1, (uint)operand);

    public void Dec(OperandSize size, Mem operand) => EncodeRM(0xFE | SizeBits(size), 1, operand, 0);

    public void Imul(OperandSize size, Gpr dst, Gpr src) => Gp(GprOp.Imul, size, dst, src);

    public void Imul(OperandSize size, Gpr dst, Mem src) => Gp(GprOp.Imul, size, dst, src);

    /// <summary>dst ← src * value</summary>
    public void Imul(OperandSize size, Gpr dst, Gpr src, int value)
    {
        bool isShort = FitsSigned8(size, value);
        EncodeRR((isShort ? 0x6Bu : 0x69) | WideBits(size), (uint)dst, (uint)src);
        AppendSized(isShort ? OperandSize.S8 : size, value);
    }

    public void Imul(OperandSize size, Gpr dst, Mem src, int value)
    {
        OperandSize immediate = FitsSigned8(size, value) ? OperandSize.S8 : size;
        EncodeRM((immediate == OperandSize.S8 ? 0x6Bu : 0x69) | WideBits(size), (uint)dst, src, ImmediateSize(immediate));
        AppendSized(immediate, value);
    }

    /// <summary>Sign-extends rax into rdx:rax (cwd, cdq, cqo).</summary>
    public void Cdq(OperandSize size) => EncodePlain(0x99 | WideBits(size));

    // ---- Register ← register or memory

    public void Gp(GprOp op, OperandSize size, Gpr dst, Gpr src)
    {
        AssertGp(op, size);
        EncodeRR((uint)op | WideBits(size), (uint)dst, (uint)src);
    }

    public void Gp(GprOp op, OperandSize size, Gpr dst, Mem src)
    {
        AssertGp(op, size);
        EncodeRM((uint)op | WideBits(size), (uint)dst, src, 0);
    }

    [Conditional("DEBUG")]
    private static void AssertGp(GprOp op, OperandSize size) =>
        Debug.Assert(size >= OperandSize.S32 || (size == OperandSize.S16 && ((uint)op & PF2) == 0), "This operation has 32 and 64 bits only.");

    public void Cmov(Condition condition, OperandSize size, Gpr dst, Gpr src) =>
        EncodeRR(M0F | 0x40 | (uint)condition | WideBits(size), (uint)dst, (uint)src);

    public void Cmov(Condition condition, OperandSize size, Gpr dst, Mem src) =>
        EncodeRM(M0F | 0x40 | (uint)condition | WideBits(size), (uint)dst, src, 0);

    /// <summary>Sets the low byte of a register to 0 or 1; the rest of it stays.</summary>
    public void Setcc(Condition condition, Gpr dst) => EncodeRR(M0F | 0x90 | (uint)condition | ByteRex(OperandSize.S8, dst), 0, (uint)dst);

    public void Setcc(Condition condition, Mem dst) => EncodeRM(M0F | 0x90 | (uint)condition, 0, dst, 0);

    public void Bswap(OperandSize size, Gpr operand)
    {
        Debug.Assert(size >= OperandSize.S32, "bswap has 32 and 64 bits only.");
        EncodeO(M0F | 0xC8 | WideBits(size), (uint)operand);
    }

    /// <summary>Loads with the bytes reversed; needs <see cref="CpuFeatures.Movbe"/>.</summary>
    public void Movbe(OperandSize size, Gpr dst, Mem src) => EncodeRM(M0F38 | 0xF0 | WideBits(size), (uint)dst, src, 0);

    public void Movbe(OperandSize size, Mem dst, Gpr src) => EncodeRM(M0F38 | 0xF1 | WideBits(size), (uint)src, dst, 0);

    // ---- Exchanges; those with memory and a Lock() before them are atomic, xchg always is

    public void Xchg(OperandSize size, Gpr a, Gpr b) => EncodeRR(0x86 | SizeBits(size) | ByteRex(size, a) | ByteRex(size, b), (uint)b, (uint)a);

    public void Xchg(OperandSize size, Mem a, Gpr b) => EncodeRM(0x86 | SizeBits(size) | ByteRex(size, b), (uint)b, a, 0);

    /// <summary>If rax equals dst, dst ← src; otherwise rax ← dst.</summary>
    public void Cmpxchg(OperandSize size, Mem dst, Gpr src) => EncodeRM(M0F | 0xB0 | SizeBits(size) | ByteRex(size, src), (uint)src, dst, 0);

    /// <summary>dst ← dst + src, src ← old dst.</summary>
    public void Xadd(OperandSize size, Mem dst, Gpr src) => EncodeRM(M0F | 0xC0 | SizeBits(size) | ByteRex(size, src), (uint)src, dst, 0);

    /// <summary>If rdx:rax equals the 16 bytes, they become rcx:rbx; otherwise rdx:rax ← the 16 bytes.</summary>
    public void Cmpxchg16b(Mem dst) => EncodeRM(M0F | 0xC7 | W, 1, dst, 0);

    /// <summary>The prefix that makes the next instruction atomic. A fault's PC is the prefix's.</summary>
    public void Lock() => EncodePlain(0xF0);
}

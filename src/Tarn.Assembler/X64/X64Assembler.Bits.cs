// Shifts, rotates, bit tests and the BMI extensions. Shift counts are taken modulo the operand's size by the hardware (modulo 32 for bytes
// and words).
using System.Diagnostics;
using static Tarn.Assembler.X64.X64Encoding;

namespace Tarn.Assembler.X64;

internal sealed unsafe partial class X64Assembler
{
    public void Shift(ShiftOp op, OperandSize size, Gpr operand, int count)
    {
        Debug.Assert((uint)count < 64, "A count is 0 to 63.");
        uint bits = SizeBits(size) | ByteRex(size, operand);
        if (count == 1)
        {
            EncodeRR(0xD0 | bits, (uint)op, (uint)operand);
            return;
        }
        EncodeRR(0xC0 | bits, (uint)op, (uint)operand);
        Append8(count);
    }

    public void Shift(ShiftOp op, OperandSize size, Mem operand, int count)
    {
        Debug.Assert((uint)count < 64, "A count is 0 to 63.");
        if (count == 1)
        {
            EncodeRM(0xD0 | SizeBits(size), (uint)op, operand, 0);
            return;
        }
        EncodeRM(0xC0 | SizeBits(size), (uint)op, operand, 1);
        Append8(count);
    }

    public void ShiftCl(ShiftOp op, OperandSize size, Gpr operand) =>
        EncodeRR(0xD2 | SizeBits(size) | ByteRex(size, operand), (uint)op, (uint)operand);

    public void ShiftCl(ShiftOp op, OperandSize size, Mem operand) => EncodeRM(0xD2 | SizeBits(size), (uint)op, operand, 0);

    /// <summary>dst ← dst shifted left, filled from the top of src.</summary>
    public void Shld(OperandSize size, Gpr dst, Gpr src, int count)
    {
        EncodeRR(M0F | 0xA4 | WideBits(size), (uint)src, (uint)dst);
        Append8(count);
    }

    public void ShldCl(OperandSize size, Gpr dst, Gpr src) => EncodeRR(M0F | 0xA5 | WideBits(size), (uint)src, (uint)dst);

    /// <summary>dst ← dst shifted right, filled from the bottom of src.</summary>
    public void Shrd(OperandSize size, Gpr dst, Gpr src, int count)
    {
        EncodeRR(M0F | 0xAC | WideBits(size), (uint)src, (uint)dst);
        Append8(count);
    }

    public void ShrdCl(OperandSize size, Gpr dst, Gpr src) => EncodeRR(M0F | 0xAD | WideBits(size), (uint)src, (uint)dst);

    public void BitTest(BitTestOp op, OperandSize size, Gpr operand, int bit)
    {
        EncodeRR(M0F | 0xBA | WideBits(size), (uint)op, (uint)operand);
        Append8(bit);
    }

    public void BitTest(BitTestOp op, OperandSize size, Mem operand, int bit)
    {
        EncodeRM(M0F | 0xBA | WideBits(size), (uint)op, operand, 1);
        Append8(bit);
    }

    /// <summary>The bit's number, modulo the size, in a register. (The form with memory does not take it modulo the size: left out.)</summary>
    public void BitTest(BitTestOp op, OperandSize size, Gpr operand, Gpr bit) =>
        EncodeRR(M0F | 0x83 | ((uint)op << 3) | WideBits(size), (uint)bit, (uint)operand);

    // ---- BMI1 and BMI2

    /// <summary>A three-operand BMI operation, operands in the manual's order.</summary>
    public void Bmi(BmiOp op, OperandSize size, Gpr dst, Gpr a, Gpr b)
    {
        uint bits = (uint)op | BmiBits(size);
        if (((uint)op & Rvm) != 0)
            EncodeVexRR(bits, (uint)dst, (uint)a, (uint)b, 0);
        else
            EncodeVexRR(bits, (uint)dst, (uint)b, (uint)a, 0);
    }

    /// <summary>The same with memory as the last operand: Andn, Pdep, Pext and Mulx.</summary>
    public void Bmi(BmiOp op, OperandSize size, Gpr dst, Gpr a, Mem b)
    {
        Debug.Assert(((uint)op & Rvm) != 0, "This operation takes memory as its first source.");
        EncodeVexRM((uint)op | BmiBits(size), (uint)dst, (uint)a, b, 0, 0);
    }

    /// <summary>The same with memory as the first source: Bextr, Bzhi, Shlx, Shrx and Sarx.</summary>
    public void Bmi(BmiOp op, OperandSize size, Gpr dst, Mem a, Gpr b)
    {
        Debug.Assert(((uint)op & Rvm) == 0, "This operation takes memory as its second source.");
        EncodeVexRM((uint)op | BmiBits(size), (uint)dst, (uint)b, a, 0, 0);
    }

    /// <summary>Clears, isolates or masks up to the lowest set bit.</summary>
    public void Bls(BlsOp op, OperandSize size, Gpr dst, Gpr src) => EncodeVexRR(M0F38 | 0xF3 | BmiBits(size), (uint)op, (uint)dst, (uint)src, 0);

    public void Bls(BlsOp op, OperandSize size, Gpr dst, Mem src) => EncodeVexRM(M0F38 | 0xF3 | BmiBits(size), (uint)op, (uint)dst, src, 0, 0);

    /// <summary>dst ← src rotated right, flags kept.</summary>
    public void Rorx(OperandSize size, Gpr dst, Gpr src, int count)
    {
        EncodeVexRR(M0F3A | PF2 | 0xF0 | BmiBits(size), (uint)dst, 0, (uint)src, 0);
        Append8(count);
    }

    public void Rorx(OperandSize size, Gpr dst, Mem src, int count)
    {
        EncodeVexRM(M0F3A | PF2 | 0xF0 | BmiBits(size), (uint)dst, 0, src, 0, 1);
        Append8(count);
    }

    private static uint BmiBits(OperandSize size)
    {
        Debug.Assert(size >= OperandSize.S32, "BMI operations have 32 and 64 bits only.");
        return WideBits(size);
    }
}

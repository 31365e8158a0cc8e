// Vector and floating-point instructions, all of them out of the table in SseOp.cs.
//
// Sse… emits the legacy encoding, where the destination is also the first source; Avx… the VEX encoding with operands of its own, which clears
// the register's upper half; Ymm… the VEX encoding on 256 bits. Names with Imm take the operation's immediate. Code should not mix Sse and
// Ymm without Vzeroupper between them.
//
// Legacy operations with a 16-byte memory operand fault when it is not aligned (other than moves that say unaligned); VEX ones do not.
using System.Diagnostics;
using static Tarn.Assembler.X64.X64Encoding;

namespace Tarn.Assembler.X64;

internal sealed unsafe partial class X64Assembler
{
    // ---- Legacy encoding

    public void Sse(SseOp op, Xmm dst, Xmm src)
    {
        AssertOp(op, XmmXmm, imm: false, vex: false);
        EncodeRR((uint)op, (uint)dst, (uint)src);
    }

    public void Sse(SseOp op, Xmm dst, Mem src)
    {
        AssertOp(op, XmmMem, imm: false, vex: false);
        EncodeRM((uint)op, (uint)dst, src, 0);
    }

    public void Sse(SseOp op, Mem dst, Xmm src)
    {
        AssertOp(op, MemXmm, imm: false, vex: false);
        EncodeRM((uint)op, (uint)src, dst, 0);
    }

    public void Sse(SseOp op, Xmm dst, Gpr src)
    {
        AssertOp(op, XmmGpr, imm: false, vex: false);
        EncodeRR((uint)op, (uint)dst, (uint)src);
    }

    public void Sse(SseOp op, Gpr dst, Xmm src)
    {
        AssertOp(op, GprXmm, imm: false, vex: false);
        EncodeGprXmm(op, dst, src);
    }

    public void Sse(SseOp op, Gpr dst, Mem src)
    {
        AssertOp(op, GprMem, imm: false, vex: false);
        EncodeRM((uint)op, (uint)dst, src, 0);
    }

    public void SseImm(SseOp op, Xmm dst, Xmm src, int value)
    {
        AssertOp(op, XmmXmm, imm: true, vex: false);
        EncodeRR((uint)op, (uint)dst, (uint)src);
        Append8(value);
    }

    public void SseImm(SseOp op, Xmm dst, Mem src, int value)
    {
        AssertOp(op, XmmMem, imm: true, vex: false);
        EncodeRM((uint)op, (uint)dst, src, 1);
        Append8(value);
    }

    public void SseImm(SseOp op, Mem dst, Xmm src, int value)
    {
        AssertOp(op, MemXmm, imm: true, vex: false);
        EncodeRM((uint)op, (uint)src, dst, 1);
        Append8(value);
    }

    public void SseImm(SseOp op, Xmm dst, Gpr src, int value)
    {
        AssertOp(op, XmmGpr, imm: true, vex: false);
        EncodeRR((uint)op, (uint)dst, (uint)src);
        Append8(value);
    }

    public void SseImm(SseOp op, Gpr dst, Xmm src, int value)
    {
        AssertOp(op, GprXmm, imm: true, vex: false);
        EncodeGprXmm(op, dst, src);
        Append8(value);
    }

    /// <summary>A shift by an immediate, in place.</summary>
    public void SseImm(SseOp op, Xmm operand, int value)
    {
        AssertOp(op, 1 << (int)SseShape.ShiftImm, imm: true, vex: false);
        EncodeRR((uint)op, Digit(op), (uint)operand);
        Append8(value);
    }

    // ---- VEX encoding, 128 bits

    /// <summary>dst ← op(src)</summary>
    public void Avx(SseOp op, Xmm dst, Xmm src)
    {
        AssertOp(op, 1 << (int)SseShape.Rm, imm: false, vex: true);
        EncodeVexRR((uint)op, (uint)dst, 0, (uint)src, 0);
    }

    public void Avx(SseOp op, Xmm dst, Mem src)
    {
        AssertOp(op, (1 << (int)SseShape.Rm) | (1 << (int)SseShape.RmGpr), imm: false, vex: true);
        EncodeVexRM((uint)op, (uint)dst, 0, src, 0, 0);
    }

    public void Avx(SseOp op, Mem dst, Xmm src)
    {
        AssertOp(op, MemXmm, imm: false, vex: true);
        EncodeVexRM((uint)op, (uint)src, 0, dst, 0, 0);
    }

    /// <summary>dst ← op(a, b)</summary>
    public void Avx(SseOp op, Xmm dst, Xmm a, Xmm b)
    {
        AssertOp(op, 1 << (int)SseShape.Rvm, imm: false, vex: true);
        OrderForShortVex(op, ref a, ref b);
        EncodeVexRR((uint)op, (uint)dst, (uint)a, (uint)b, 0);
    }

    public void Avx(SseOp op, Xmm dst, Xmm a, Mem b)
    {
        AssertOp(op, (1 << (int)SseShape.Rvm) | (1 << (int)SseShape.RvmGpr), imm: false, vex: true);
        EncodeVexRM((uint)op, (uint)dst, (uint)a, b, 0, 0);
    }

    public void Avx(SseOp op, Xmm dst, Gpr src)
    {
        AssertOp(op, 1 << (int)SseShape.RmGpr, imm: false, vex: true);
        EncodeVexRR((uint)op, (uint)dst, 0, (uint)src, 0);
    }

    public void Avx(SseOp op, Xmm dst, Xmm a, Gpr b)
    {
        AssertOp(op, 1 << (int)SseShape.RvmGpr, imm: false, vex: true);
        EncodeVexRR((uint)op, (uint)dst, (uint)a, (uint)b, 0);
    }

    public void Avx(SseOp op, Gpr dst, Xmm src)
    {
        AssertOp(op, GprXmm, imm: false, vex: true);
        EncodeVexGprXmm(op, dst, src);
    }

    public void Avx(SseOp op, Gpr dst, Mem src)
    {
        AssertOp(op, GprMem, imm: false, vex: true);
        EncodeVexRM((uint)op, (uint)dst, 0, src, 0, 0);
    }

    /// <summary>dst ← op(src, value), shifts by an immediate included</summary>
    public void AvxImm(SseOp op, Xmm dst, Xmm src, int value)
    {
        AssertOp(op, (1 << (int)SseShape.Rm) | (1 << (int)SseShape.ShiftImm), imm: true, vex: true);
        if (op.Shape() == SseShape.ShiftImm)
            EncodeVexRR((uint)op, Digit(op), (uint)dst, (uint)src, 0);
        else
            EncodeVexRR((uint)op, (uint)dst, 0, (uint)src, 0);
        Append8(value);
    }

    public void AvxImm(SseOp op, Xmm dst, Mem src, int value)
    {
        AssertOp(op, 1 << (int)SseShape.Rm, imm: true, vex: true);
        EncodeVexRM((uint)op, (uint)dst, 0, src, 0, 1);
        Append8(value);
    }

    public void AvxImm(SseOp op, Mem dst, Xmm src, int value)
    {
        AssertOp(op, MemXmm, imm: true, vex: true);
        EncodeVexRM((uint)op, (uint)src, 0, dst, 0, 1);
        Append8(value);
    }

    /// <summary>dst ← op(a, b, value)</summary>
    public void AvxImm(SseOp op, Xmm dst, Xmm a, Xmm b, int value)
    {
        AssertOp(op, 1 << (int)SseShape.Rvm, imm: true, vex: true);
        EncodeVexRR((uint)op, (uint)dst, (uint)a, (uint)b, 0);
        Append8(value);
    }

    public void AvxImm(SseOp op, Xmm dst, Xmm a, Mem b, int value)
    {
        AssertOp(op, (1 << (int)SseShape.Rvm) | (1 << (int)SseShape.RvmGpr), imm: true, vex: true);
        EncodeVexRM((uint)op, (uint)dst, (uint)a, b, 0, 1);
        Append8(value);
    }

    public void AvxImm(SseOp op, Xmm dst, Xmm a, Gpr b, int value)
    {
        AssertOp(op, 1 << (int)SseShape.RvmGpr, imm: true, vex: true);
        EncodeVexRR((uint)op, (uint)dst, (uint)a, (uint)b, 0);
        Append8(value);
    }

    public void AvxImm(SseOp op, Gpr dst, Xmm src, int value)
    {
        AssertOp(op, GprXmm, imm: true, vex: true);
        EncodeVexGprXmm(op, dst, src);
        Append8(value);
    }

    /// <summary>dst ← for each lane, b where the mask's top bit is set, else a</summary>
    public void AvxBlend(SseOp op, Xmm dst, Xmm a, Xmm b, Xmm mask)
    {
        AssertOp(op, 1 << (int)SseShape.Is4, imm: true, vex: true);
        EncodeVexRR((uint)op, (uint)dst, (uint)a, (uint)b, 0);
        Append8((int)mask << 4);
    }

    public void AvxBlend(SseOp op, Xmm dst, Xmm a, Mem b, Xmm mask)
    {
        AssertOp(op, 1 << (int)SseShape.Is4, imm: true, vex: true);
        EncodeVexRM((uint)op, (uint)dst, (uint)a, b, 0, 1);
        Append8((int)mask << 4);
    }

    // ---- VEX encoding, 256 bits

    public void Ymm(SseOp op, Xmm dst, Xmm src)
    {
        AssertWide(op, 1 << (int)SseShape.Rm, imm: false);
        EncodeVexRR((uint)op, (uint)dst, 0, (uint)src, 1);
    }

    public void Ymm(SseOp op, Xmm dst, Mem src)
    {
        AssertWide(op, 1 << (int)SseShape.Rm, imm: false);
        EncodeVexRM((uint)op, (uint)dst, 0, src, 1, 0);
    }

    public void Ymm(SseOp op, Mem dst, Xmm src)
    {
        AssertWide(op, 1 << (int)SseShape.Store, imm: false);
        EncodeVexRM((uint)op, (uint)src, 0, dst, 1, 0);
    }

    public void Ymm(SseOp op, Xmm dst, Xmm a, Xmm b)
    {
        AssertWide(op, 1 << (int)SseShape.Rvm, imm: false);
        EncodeVexRR((uint)op, (uint)dst, (uint)a, (uint)b, 1);
    }

    public void Ymm(SseOp op, Xmm dst, Xmm a, Mem b)
    {
        AssertWide(op, 1 << (int)SseShape.Rvm, imm: false);
        EncodeVexRM((uint)op, (uint)dst, (uint)a, b, 1, 0);
    }

    public void YmmImm(SseOp op, Xmm dst, Xmm src, int value)
    {
        AssertWide(op, (1 << (int)SseShape.Rm) | (1 << (int)SseShape.ShiftImm), imm: true);
        if (op.Shape() == SseShape.ShiftImm)
            EncodeVexRR((uint)op, Digit(op), (uint)dst, (uint)src, 1);
        else
            EncodeVexRR((uint)op, (uint)dst, 0, (uint)src, 1);
        Append8(value);
    }

    public void YmmImm(SseOp op, Xmm dst, Mem src, int value)
    {
        AssertWide(op, 1 << (int)SseShape.Rm, imm: true);
        EncodeVexRM((uint)op, (uint)dst, 0, src, 1, 1);
        Append8(value);
    }

    public void YmmImm(SseOp op, Xmm dst, Xmm a, Xmm b, int value)
    {
        AssertWide(op, 1 << (int)SseShape.Rvm, imm: true);
        EncodeVexRR((uint)op, (uint)dst, (uint)a, (uint)b, 1);
        Append8(value);
    }

    public void YmmImm(SseOp op, Xmm dst, Xmm a, Mem b, int value)
    {
        AssertWide(op, 1 << (int)SseShape.Rvm, imm: true);
        EncodeVexRM((uint)op, (uint)dst, (uint)a, b, 1, 1);
        Append8(value);
    }

    public void Vzeroupper() => EncodeVexPlain(0);

    public void Vzeroall() => EncodeVexPlain(1);

    private void EncodeVexPlain(uint wide) => _cursor = EmitVex(Begin(), M0F | 0x77, 0, 0, 0, 0, wide);

    // ---- Whatever the target has

    /// <summary>Copies a register, in the shorter of the two possible forms.</summary>
    public void MovXmm(Xmm dst, Xmm src)
    {
        if (!HasAvx)
            EncodeRR((uint)SseOp.Movaps, (uint)dst, (uint)src);
        else if (src >= Xmm.Xmm8 && dst < Xmm.Xmm8)
            EncodeVexRR((uint)SseOp.MovapsStore, (uint)src, 0, (uint)dst, 0);
        else
            EncodeVexRR((uint)SseOp.Movaps, (uint)dst, 0, (uint)src, 0);
    }

    /// <summary>Clears a register with the idiom that the hardware knows to depend on nothing.</summary>
    public void ZeroXmm(Xmm dst)
    {
        if (HasAvx)
            Avx(SseOp.Xorps, dst, dst, dst);
        else
            Sse(SseOp.Xorps, dst, dst);
    }

    /// <summary>dst ← op(src), or op(dst, src) for two-operand operations.</summary>
    public void Vec(SseOp op, Xmm dst, Xmm src)
    {
        if (op.IsEvex())
            Evex(op, dst, src);
        else if (!HasAvx)
            Sse(op, dst, src);
        else if (op.Shape() == SseShape.Rm)
            Avx(op, dst, src);
        else
            Avx(op, dst, dst, src);
    }

    public void Vec(SseOp op, Xmm dst, Mem src)
    {
        if (op.IsEvex())
            Evex(op, dst, src);
        else if (!HasAvx)
            Sse(op, dst, src);
        else if (op.Shape() is SseShape.Rm or SseShape.RmGpr)
            Avx(op, dst, src);
        else
            Avx(op, dst, dst, src);
    }

    public void Vec(SseOp op, Mem dst, Xmm src)
    {
        if (HasAvx)
            Avx(op, dst, src);
        else
            Sse(op, dst, src);
    }

    /// <summary>dst ← op(a, b); without AVX, a has to be dst.</summary>
    public void Vec(SseOp op, Xmm dst, Xmm a, Xmm b)
    {
        if (op.IsEvex())
        {
            Evex(op, dst, a, b);
            return;
        }
        if (HasAvx)
        {
            Avx(op, dst, a, b);
            return;
        }
        Debug.Assert(dst == a, "The legacy encoding has two operands: the destination has to be the first source.");
        Sse(op, dst, b);
    }

    public void Vec(SseOp op, Xmm dst, Xmm a, Mem b)
    {
        if (op.IsEvex())
        {
            Evex(op, dst, a, b);
            return;
        }
        if (HasAvx)
        {
            Avx(op, dst, a, b);
            return;
        }
        Debug.Assert(dst == a, "The legacy encoding has two operands: the destination has to be the first source.");
        Sse(op, dst, b);
    }

    public void Vec(SseOp op, Xmm dst, Gpr src)
    {
        if (op.IsEvex())
            Evex(op, dst, src);
        else if (!HasAvx)
            Sse(op, dst, src);
        else if (op.Shape() == SseShape.RmGpr)
            Avx(op, dst, src);
        else
            Avx(op, dst, dst, src);
    }

    public void Vec(SseOp op, Gpr dst, Xmm src)
    {
        if (HasAvx)
            Avx(op, dst, src);
        else
            Sse(op, dst, src);
    }

    public void Vec(SseOp op, Gpr dst, Mem src)
    {
        if (HasAvx)
            Avx(op, dst, src);
        else
            Sse(op, dst, src);
    }

    /// <summary>dst ← op(src, value), or op(dst, src, value) for two-operand operations.</summary>
    public void VecImm(SseOp op, Xmm dst, Xmm src, int value)
    {
        if (op.IsEvex())
        {
            EvexImm(op, dst, src, value);
        }
        else if (HasAvx)
        {
            if (op.Shape() == SseShape.Rvm)
                AvxImm(op, dst, dst, src, value);
            else
                AvxImm(op, dst, src, value);
        }
        else if (op.Shape() == SseShape.ShiftImm)
        {
            Debug.Assert(dst == src, "The legacy encoding shifts in place.");
            SseImm(op, dst, value);
        }
        else
        {
            SseImm(op, dst, src, value);
        }
    }

    public void VecImm(SseOp op, Xmm dst, Mem src, int value)
    {
        if (!HasAvx)
            SseImm(op, dst, src, value);
        else if (op.Shape() == SseShape.Rm)
            AvxImm(op, dst, src, value);
        else
            AvxImm(op, dst, dst, src, value);
    }

    /// <summary>dst ← op(a, b, value); without AVX, a has to be dst. Operations of three sources (EVEX) read dst as well.</summary>
    public void VecImm(SseOp op, Xmm dst, Xmm a, Xmm b, int value)
    {
        if (op.IsEvex())
        {
            EvexImm(op, dst, a, b, value);
        }
        else if (HasAvx)
        {
            AvxImm(op, dst, a, b, value);
        }
        else
        {
            Debug.Assert(dst == a, "The legacy encoding has two operands: the destination has to be the first source.");
            SseImm(op, dst, b, value);
        }
    }

    public void VecImm(SseOp op, Xmm dst, Xmm a, Mem b, int value)
    {
        if (op.IsEvex())
        {
            EvexImm(op, dst, a, b, value);
        }
        else if (HasAvx)
        {
            AvxImm(op, dst, a, b, value);
        }
        else
        {
            Debug.Assert(dst == a, "The legacy encoding has two operands: the destination has to be the first source.");
            SseImm(op, dst, b, value);
        }
    }

    public void VecImm(SseOp op, Xmm dst, Xmm a, Gpr b, int value)
    {
        if (HasAvx)
        {
            AvxImm(op, dst, a, b, value);
        }
        else
        {
            Debug.Assert(dst == a, "The legacy encoding has two operands: the destination has to be the first source.");
            SseImm(op, dst, b, value);
        }
    }

    public void VecImm(SseOp op, Xmm dst, Gpr src, int value)
    {
        if (HasAvx)
            AvxImm(op, dst, dst, src, value);
        else
            SseImm(op, dst, src, value);
    }

    public void VecImm(SseOp op, Gpr dst, Xmm src, int value)
    {
        if (HasAvx)
            AvxImm(op, dst, src, value);
        else
            SseImm(op, dst, src, value);
    }

    public void VecImm(SseOp op, Mem dst, Xmm src, int value)
    {
        if (HasAvx)
            AvxImm(op, dst, src, value);
        else
            SseImm(op, dst, src, value);
    }

    // ---- What they have in common

    private const int XmmXmm = (1 << (int)SseShape.Rm) | (1 << (int)SseShape.Rvm);
    private const int XmmMem = XmmXmm | XmmGpr;
    private const int MemXmm = (1 << (int)SseShape.Store) | (1 << (int)SseShape.MrGpr);
    private const int XmmGpr = (1 << (int)SseShape.RmGpr) | (1 << (int)SseShape.RvmGpr);
    private const int GprXmm = (1 << (int)SseShape.GprRm) | (1 << (int)SseShape.MrGpr);
    private const int GprMem = 1 << (int)SseShape.GprRm;

    private static uint Digit(SseOp op) => ((uint)op >> DigitShift) & 7;

    private void EncodeGprXmm(SseOp op, Gpr dst, Xmm src)
    {
        if (op.Shape() == SseShape.MrGpr)
            EncodeRR((uint)op, (uint)src, (uint)dst);
        else
            EncodeRR((uint)op, (uint)dst, (uint)src);
    }

    private void EncodeVexGprXmm(SseOp op, Gpr dst, Xmm src)
    {
        if (op.Shape() == SseShape.MrGpr)
            EncodeVexRR((uint)op, (uint)src, 0, (uint)dst, 0);
        else
            EncodeVexRR((uint)op, (uint)dst, 0, (uint)src, 0);
    }

    // The two-byte VEX prefix has no bit for the last operand's register number: swap where the order does not matter.
    private static void OrderForShortVex(SseOp op, ref Xmm a, ref Xmm b)
    {
        if (((uint)op & Commutes) != 0 && b >= Xmm.Xmm8 && a < Xmm.Xmm8)
            (a, b) = (b, a);
    }

    [Conditional("DEBUG")]
    private static void AssertOp(SseOp op, int shapes, bool imm, bool vex)
    {
        Debug.Assert((shapes >> (int)op.Shape() & 1) != 0, $"{op} does not take these operands.");
        Debug.Assert(((uint)op & Imm) != 0 == imm, $"{op} does not fit a form with or without an immediate.");
        Debug.Assert(((uint)op & (vex ? LegacyOnly : VexOnly)) == 0, $"{op} has no such encoding.");
    }

    [Conditional("DEBUG")]
    private static void AssertWide(SseOp op, int shapes, bool imm)
    {
        AssertOp(op, shapes, imm, vex: true);
        Debug.Assert(((uint)op & Wide) != 0, $"{op} has no 256-bit form.");
    }
}

// The EVEX encoding, for the operations of AVX-512 that work on 128 bits and need no mask. Registers 16 to 31 are not used, so that each prefix bit that
// would extend a register beyond 15 has its neutral value; rounding control, broadcasts and masks are not encoded at all.
//
//   62 | R' X' B' 1 0 mmm | W v'v'v'v' 1 pp | z=0 L'L=00 b=0 1 aaa=000 | opcode | ModRM ...
//
// A short displacement counts in units of the memory operand: 16 bytes, or 8 where the operation says so.
using System.Diagnostics;
using static Tarn.Assembler.X64.X64Encoding;

namespace Tarn.Assembler.X64;

internal sealed unsafe partial class X64Assembler
{
    /// <summary>dst ← op(src)</summary>
    private void Evex(SseOp op, Xmm dst, Xmm src)
    {
        AssertEvex(op, SseShape.Rm);
        EncodeEvexRR((uint)op, (uint)dst, 0, (uint)src);
    }

    private void Evex(SseOp op, Xmm dst, Mem src)
    {
        AssertEvex(op, SseShape.Rm);
        EncodeEvexRM((uint)op, (uint)dst, 0, src, 0);
    }

    /// <summary>dst ← op(src), a general-purpose register</summary>
    private void Evex(SseOp op, Xmm dst, Gpr src)
    {
        AssertEvex(op, SseShape.RmGpr);
        EncodeEvexRR((uint)op, (uint)dst, 0, (uint)src);
    }

    /// <summary>dst ← op(a, b); for operations of three sources dst is the first.</summary>
    private void Evex(SseOp op, Xmm dst, Xmm a, Xmm b)
    {
        AssertEvex(op, SseShape.Rvm);
        EncodeEvexRR((uint)op, (uint)dst, (uint)a, (uint)b);
    }

    private void Evex(SseOp op, Xmm dst, Xmm a, Mem b)
    {
        AssertEvex(op, SseShape.Rvm);
        EncodeEvexRM((uint)op, (uint)dst, (uint)a, b, 0);
    }

    /// <summary>dst ← op(dst, a, b, value)</summary>
    private void EvexImm(SseOp op, Xmm dst, Xmm a, Xmm b, int value)
    {
        AssertEvex(op, SseShape.Rvm);
        EncodeEvexRR((uint)op, (uint)dst, (uint)a, (uint)b);
        Append8(value);
    }

    private void EvexImm(SseOp op, Xmm dst, Xmm a, Mem b, int value)
    {
        AssertEvex(op, SseShape.Rvm);
        EncodeEvexRM((uint)op, (uint)dst, (uint)a, b, 1);
        Append8(value);
    }

    /// <summary>dst ← src shifted by a value</summary>
    private void EvexImm(SseOp op, Xmm dst, Xmm src, int value)
    {
        AssertEvex(op, SseShape.ShiftImm);
        EncodeEvexRR((uint)op, Digit(op), (uint)dst, (uint)src);
        Append8(value);
    }

    private void EncodeEvexRR(uint op, uint reg, uint v, uint rm)
    {
        byte* p = EmitEvex(Begin(), op, reg >> 3, 0, rm >> 3, v);
        *p = (byte)(0xC0 | ((reg & 7) << 3) | (rm & 7));
        _cursor = p + 1;
    }

    private void EncodeEvexRM(uint op, uint reg, uint v, Mem mem, int trailing)
    {
        byte* p = Begin();
        if (mem._kind > 15)
            *p++ = (byte)(0x60 | (mem._kind >> 4));
        p = EmitEvex(p, op, reg >> 3, ((uint)mem._index >> 3) & 1, ((uint)mem._base >> 3) & 1, v);
        _cursor = EmitMem(p, (reg & 7) << 3, mem, trailing, (op & HalfMemory) != 0 ? 3 : 4);
    }

    private static byte* EmitEvex(byte* p, uint op, uint r, uint x, uint b, uint v)
    {
        p[0] = 0x62;
        p[1] = (byte)(((r ^ 1) << 7) | ((x ^ 1) << 6) | ((b ^ 1) << 5) | 0x10 | ((op >> 8) & 3));
        p[2] = (byte)(((op & W) >> 5) | ((~v & 15) << 3) | 4 | ((op >> 10) & 3));
        p[3] = 0x08;
        p[4] = (byte)op;
        return p + 5;
    }

    [Conditional("DEBUG")]
    private static void AssertEvex(SseOp op, SseShape shape)
    {
        Debug.Assert(op.IsEvex(), $"{op} is not encoded with EVEX.");
        Debug.Assert(op.Shape() == shape, $"{op} does not take these operands.");
    }
}

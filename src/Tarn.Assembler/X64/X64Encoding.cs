// How an operation is packed into a number, for integer and vector instructions alike. The low bits are those the hardware wants, in the
// order in which VEX wants them.
//
//   31      28     27     26       25     24      23        22        21         20        19..16   15..13   12   11 10        9 8               7..0
//   force   half   EVEX   legacy   imm8   wide    regOnly   memOnly   commutes   vexOnly   shape    digit    W    prefix       map               opcode
//   REX     mem    only   only            (ymm)                                                                   – 66 F3 F2   – 0F 0F38 0F3A
//
// W is REX.W or VEX.W. The digit is the ModRM reg field of operations that have no second register (/0 to /7). Bits from 16 up tell
// operands and are of use to vector operations only; the encoder ignores them, its assertions and the tests do not.
namespace Tarn.Assembler.X64;

/// <summary>Which operands a vector operation takes.</summary>
internal enum SseShape : byte
{
    /// <summary>xmm ← xmm/m</summary>
    Rm,

    /// <summary>xmm ← xmm, xmm/m (two-operand form: the destination is also the first source)</summary>
    Rvm,

    /// <summary>m ← xmm</summary>
    Store,

    /// <summary>xmm ← r/m</summary>
    RmGpr,

    /// <summary>xmm ← xmm, r/m (two-operand form: the destination is also the first source)</summary>
    RvmGpr,

    /// <summary>r/m ← xmm</summary>
    MrGpr,

    /// <summary>r ← xmm/m</summary>
    GprRm,

    /// <summary>xmm ← xmm, imm8, the destination in VEX.vvvv (two-operand form: one register, both)</summary>
    ShiftImm,

    /// <summary>xmm ← xmm, xmm/m, xmm with the last in the immediate's high nibble</summary>
    Is4,
}

internal static class X64Encoding
{
    public const uint OpcodeMask = 0xFF;
    public const uint M0F = 1 << 8;
    public const uint M0F38 = 2 << 8;
    public const uint M0F3A = 3 << 8;
    public const uint P66 = 1 << 10;
    public const uint PF3 = 2 << 10;
    public const uint PF2 = 3 << 10;
    public const uint W = 1 << 12;
    public const int DigitShift = 13;
    public const int ShapeShift = 16;
    public const uint VexOnly = 1 << 20;
    public const uint Commutes = 1 << 21;
    public const uint MemOnly = 1 << 22;
    public const uint RegOnly = 1 << 23;
    public const uint Wide = 1 << 24;
    public const uint Imm = 1 << 25;

    /// <summary>Has no VEX form under this opcode.</summary>
    public const uint LegacyOnly = 1 << 26;

    /// <summary>Has an EVEX form only.</summary>
    public const uint Evex = (1 << 27) | VexOnly;

    /// <summary>The bit of <see cref="Evex"/> that VEX operations do not have.</summary>
    public const uint EvexBit = 1 << 27;

    /// <summary>The EVEX form's memory operand is 8 bytes, which its short displacement counts in; otherwise it is 16.</summary>
    public const uint HalfMemory = 1 << 28;
    public const uint ForceRex = 1u << 31;

    // The families of the vector table.
    public const uint Np = M0F;
    public const uint V66 = M0F | P66;
    public const uint VF3 = M0F | PF3;
    public const uint VF2 = M0F | PF2;
    public const uint V38 = M0F38 | P66;
    public const uint V3A = M0F3A | P66 | Imm;

    public const uint Rm = (uint)SseShape.Rm << ShapeShift;
    public const uint Rvm = (uint)SseShape.Rvm << ShapeShift;
    public const uint Store = ((uint)SseShape.Store << ShapeShift) | MemOnly;
    public const uint RmGpr = (uint)SseShape.RmGpr << ShapeShift;
    public const uint RvmGpr = (uint)SseShape.RvmGpr << ShapeShift;
    public const uint MrGpr = (uint)SseShape.MrGpr << ShapeShift;
    public const uint GprRm = (uint)SseShape.GprRm << ShapeShift;
    public const uint ShiftImm = ((uint)SseShape.ShiftImm << ShapeShift) | V66 | Imm | RegOnly;
    public const uint Is4 = ((uint)SseShape.Is4 << ShapeShift) | VexOnly;

    public const uint D1 = 1u << DigitShift;
    public const uint D2 = 2u << DigitShift;
    public const uint D3 = 3u << DigitShift;
    public const uint D4 = 4u << DigitShift;
    public const uint D6 = 6u << DigitShift;
    public const uint D7 = 7u << DigitShift;
}

// The integer instructions that come in families. Each value is the family's digit or opcode, so that the compiler can hold an operation in a byte
// or a word and hand it over as it is.
using static Tarn.Assembler.X64.X64Encoding;

namespace Tarn.Assembler.X64;

/// <summary>The eight two-operand operations of the classic group.</summary>
internal enum AluOp : byte
{
    Add,
    Or,
    Adc,
    Sbb,
    And,
    Sub,
    Xor,
    Cmp,
}

/// <summary>Shifts and rotates by an immediate or by cl.</summary>
internal enum ShiftOp : byte
{
    Rol = 0,
    Ror = 1,
    Rcl = 2,
    Rcr = 3,
    Shl = 4,
    Shr = 5,
    Sar = 7,
}

/// <summary>One-operand operations; those from Mul on work on rdx:rax.</summary>
internal enum UnaryOp : byte
{
    Not = 2,
    Neg = 3,
    Mul = 4,
    Imul = 5,
    Div = 6,
    Idiv = 7,
}

/// <summary>Tests of one bit into the carry flag, and what then happens to the bit.</summary>
internal enum BitTestOp : byte
{
    Bt = 4,
    Bts = 5,
    Btr = 6,
    Btc = 7,
}

/// <summary>Operations register ← register or memory, of 16, 32 or 64 bits (those with their own prefix: 32 or 64).</summary>
internal enum GprOp : uint
{
    Imul = M0F | 0xAF,
    Bsf = M0F | 0xBC,
    Bsr = M0F | 0xBD,

    /// <summary>Needs <see cref="CpuFeatures.Popcnt"/>; executes as nothing useful without it, as do the next two.</summary>
    Popcnt = M0F | PF3 | 0xB8,

    /// <summary>Needs <see cref="CpuFeatures.Bmi1"/>; silently executes as bsf without it.</summary>
    Tzcnt = M0F | PF3 | 0xBC,

    /// <summary>Needs <see cref="CpuFeatures.Lzcnt"/>; silently executes as bsr without it.</summary>
    Lzcnt = M0F | PF3 | 0xBD,
}

/// <summary>BMI operations on three registers, in the manual's operand order; 32 or 64 bits.</summary>
internal enum BmiOp : uint
{
    /// <summary>dst ← ~a &amp; b</summary>
    Andn = M0F38 | 0xF2 | Rvm,

    /// <summary>pdep dst, source, mask: the source's low bits go to the places that the mask has set.</summary>
    Pdep = M0F38 | PF2 | 0xF5 | Rvm,

    /// <summary>pext dst, source, mask: the bits of the source that the mask has set, packed.</summary>
    Pext = M0F38 | PF3 | 0xF5 | Rvm,

    /// <summary>mulx high, low, b: high:low ← rdx * b, flags kept</summary>
    Mulx = M0F38 | PF2 | 0xF6 | Rvm,

    /// <summary>dst ← field of a, start and length in b</summary>
    Bextr = M0F38 | 0xF7,

    /// <summary>dst ← a with the bits from b up cleared</summary>
    Bzhi = M0F38 | 0xF5,

    /// <summary>dst ← a shifted left by b, flags kept</summary>
    Shlx = M0F38 | P66 | 0xF7,
    Shrx = M0F38 | PF2 | 0xF7,
    Sarx = M0F38 | PF3 | 0xF7,
}

/// <summary>BMI1 operations on the lowest set bit; 32 or 64 bits. The value is the digit.</summary>
internal enum BlsOp : byte
{
    Blsr = 1,
    Blsmsk = 2,
    Blsi = 3,
}

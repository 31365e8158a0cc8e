// The operands that are plain numbers. Each enum's values are the hardware's encoding: the encoder puts them into instructions as they are,
// so reordering a member emits wrong code.
namespace Tarn.Assembler.X64;

/// <summary>A general-purpose register; the operand size says which part of it.</summary>
internal enum Gpr : byte
{
    Rax,
    Rcx,
    Rdx,
    Rbx,
    Rsp,
    Rbp,
    Rsi,
    Rdi,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
}

#pragma warning disable CA1712 // The registers' names are what they are.
/// <summary>A vector register; the instruction says whether 128 (xmm) or 256 bits (ymm) of it.</summary>
internal enum Xmm : byte
{
    Xmm0,
    Xmm1,
    Xmm2,
    Xmm3,
    Xmm4,
    Xmm5,
    Xmm6,
    Xmm7,
    Xmm8,
    Xmm9,
    Xmm10,
    Xmm11,
    Xmm12,
    Xmm13,
    Xmm14,
    Xmm15,
}
#pragma warning restore CA1712

/// <summary>How much of a register or of memory an integer instruction works on; the value is log2 of the bytes.</summary>
internal enum OperandSize : byte
{
    S8,
    S16,
    S32,
    S64,
}

/// <summary>A condition on the flags; the value is the low nibble of jcc, setcc and cmovcc.</summary>
internal enum Condition : byte
{
    Overflow,
    NoOverflow,
    Below,
    AboveEqual,
    Equal,
    NotEqual,
    BelowEqual,
    Above,
    Sign,
    NoSign,
    Parity,
    NoParity,
    Less,
    GreaterEqual,
    LessEqual,
    Greater,
}

internal static class ConditionExtensions
{
    /// <summary>The condition that holds when this one does not.</summary>
    public static Condition Negate(this Condition condition) => (Condition)((int)condition ^ 1);

    /// <summary>The condition that holds for <c>cmp b, a</c> when this one holds for <c>cmp a, b</c>.</summary>
    public static Condition SwapOperands(this Condition condition) => condition switch
    {
        Condition.Below => Condition.Above,
        Condition.Above => Condition.Below,
        Condition.BelowEqual => Condition.AboveEqual,
        Condition.AboveEqual => Condition.BelowEqual,
        Condition.Less => Condition.Greater,
        Condition.Greater => Condition.Less,
        Condition.LessEqual => Condition.GreaterEqual,
        Condition.GreaterEqual => Condition.LessEqual,
        Condition.Equal or Condition.NotEqual => condition,
        _ => throw new ArgumentOutOfRangeException(nameof(condition), condition, "This condition asks about a result, not about an order."),
    };
}

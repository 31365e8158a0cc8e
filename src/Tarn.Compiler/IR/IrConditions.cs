// Conditions of comparisons, in the aux byte. Invariant: for integers, `condition ^ 1` is the negation. Floating-point conditions
// other than NotEqual are false when an operand is NaN; their negation is therefore expressed by the user (branch edges swapped,
// TrapIfNot), or by the Not… conditions, which are true when an operand is NaN. `condition ^ 1` negates there too.
namespace Tarn.Compiler.IR;

/// <summary>Condition of an integer comparison.</summary>
internal enum IntegerCondition : byte
{
    /// <summary>a = b.</summary>
    Equal = 0,

    /// <summary>a ≠ b.</summary>
    NotEqual = 1,

    /// <summary>a &lt; b, signed.</summary>
    LessSigned = 2,

    /// <summary>a ≥ b, signed.</summary>
    GreaterEqualSigned = 3,

    /// <summary>a ≤ b, signed.</summary>
    LessEqualSigned = 4,

    /// <summary>a &gt; b, signed.</summary>
    GreaterSigned = 5,

    /// <summary>a &lt; b, unsigned.</summary>
    LessUnsigned = 6,

    /// <summary>a ≥ b, unsigned.</summary>
    GreaterEqualUnsigned = 7,

    /// <summary>a ≤ b, unsigned.</summary>
    LessEqualUnsigned = 8,

    /// <summary>a &gt; b, unsigned.</summary>
    GreaterUnsigned = 9,
}

/// <summary>Other comparisons that say the same.</summary>
internal static class IntegerConditions
{
    /// <summary>The comparison that holds exactly if this one does not.</summary>
    public static IntegerCondition Negate(this IntegerCondition condition) => (IntegerCondition)((int)condition ^ 1);

    /// <summary>The comparison that says the same of the operands the other way round.</summary>
    public static IntegerCondition Swap(this IntegerCondition condition) => condition switch
    {
        IntegerCondition.LessSigned => IntegerCondition.GreaterSigned,
        IntegerCondition.GreaterSigned => IntegerCondition.LessSigned,
        IntegerCondition.LessEqualSigned => IntegerCondition.GreaterEqualSigned,
        IntegerCondition.GreaterEqualSigned => IntegerCondition.LessEqualSigned,
        IntegerCondition.LessUnsigned => IntegerCondition.GreaterUnsigned,
        IntegerCondition.GreaterUnsigned => IntegerCondition.LessUnsigned,
        IntegerCondition.LessEqualUnsigned => IntegerCondition.GreaterEqualUnsigned,
        IntegerCondition.GreaterEqualUnsigned => IntegerCondition.LessEqualUnsigned,
        _ => condition,
    };
}

/// <summary>Condition of a floating-point comparison.</summary>
internal enum FloatCondition : byte
{
    /// <summary>a = b, ordered.</summary>
    Equal = 0,

    /// <summary>a ≠ b, or unordered.</summary>
    NotEqual = 1,

    /// <summary>a &lt; b, ordered.</summary>
    Less = 2,

    /// <summary>Not a &lt; b: also when unordered.</summary>
    NotLess = 3,

    /// <summary>a ≤ b, ordered.</summary>
    LessEqual = 4,

    /// <summary>Not a ≤ b: also when unordered.</summary>
    NotLessEqual = 5,

    /// <summary>a &gt; b, ordered.</summary>
    Greater = 6,

    /// <summary>Not a &gt; b: also when unordered.</summary>
    NotGreater = 7,

    /// <summary>a ≥ b, ordered.</summary>
    GreaterEqual = 8,

    /// <summary>Not a ≥ b: also when unordered.</summary>
    NotGreaterEqual = 9,
}

/// <summary>What is known of a division's operands, so that checks can be left out.</summary>
[Flags]
internal enum DivisionFacts : byte
{
    /// <summary>Both checks are needed.</summary>
    None = 0,

    /// <summary>The divisor is not zero.</summary>
    DivisorNotZero = 1,

    /// <summary>The quotient fits: the divisor is not −1 or the dividend is not the smallest integer.</summary>
    NoOverflow = 2,
}

/// <summary>Which read-modify-write an <see cref="IrOpcode.AtomicReadModifyWrite"/> does.</summary>
internal enum AtomicOperation : byte
{
    /// <summary>Addition.</summary>
    Add,

    /// <summary>Subtraction.</summary>
    Sub,

    /// <summary>And.</summary>
    And,

    /// <summary>Or.</summary>
    Or,

    /// <summary>Exclusive or.</summary>
    Xor,

    /// <summary>Exchange.</summary>
    Exchange,
}

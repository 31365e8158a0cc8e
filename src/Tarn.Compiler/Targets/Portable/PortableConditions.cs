// The conditions of branches: how a comparison is numbered in MachineInstruction.Condition, and what opcode it becomes. 0 and 1: a value is not zero, or is. From 2 on two for each kind of comparison, the
// second with a constant. The lowest bit of a kind negates it, as in IntegerCondition, of which the first ten are copies; the four signed ones of 32 bits follow.
using Tarn.Compiler.IR;

namespace Tarn.Compiler.Targets.Portable;

/// <summary>Conditions of branches.</summary>
internal static class PortableConditions
{
    /// <summary>A value is not zero.</summary>
    public const int NonZero = 0;

    /// <summary>A value is zero.</summary>
    public const int Zero = 1;

    private const int FirstComparison = 2;
    private const int FirstOf32 = 10;

    /// <summary>The kind of an integer comparison. Unsigned ones and equality are the same in 32 bits, since those are zero-extended.</summary>
    public static int KindOf(IntegerCondition condition, bool is32)
        => is32 && condition is >= IntegerCondition.LessSigned and <= IntegerCondition.GreaterSigned ? FirstOf32 + (condition - IntegerCondition.LessSigned) : (int)condition;

    /// <summary>Whether a kind compares 32 bits.</summary>
    public static bool Is32(int kind) => kind >= FirstOf32;

    /// <summary>The condition of a branch.</summary>
    public static int Of(int kind, bool isConstant) => FirstComparison + (2 * kind) + (isConstant ? 1 : 0);

    /// <summary>The condition that holds exactly if this one does not.</summary>
    public static int Negate(int condition) => condition < FirstComparison ? condition ^ 1 : ((condition - FirstComparison) ^ 2) + FirstComparison;

    /// <summary>Whether a condition compares two operands.</summary>
    public static bool HasConstant(int condition) => condition >= FirstComparison && (condition & 1) != 0;

    /// <summary>The branch of a condition.</summary>
    public static PortableOpcode BranchOf(int condition)
        => condition < FirstComparison ? PortableOpcode.BranchNonZero + (ushort)condition : PortableOpcode.BranchEqual + (ushort)(condition - FirstComparison);

    /// <summary>The instruction that computes a comparison.</summary>
    public static PortableOpcode SetOf(int kind, bool isConstant) => PortableOpcode.SetEqual + (ushort)((2 * kind) + (isConstant ? 1 : 0));
}

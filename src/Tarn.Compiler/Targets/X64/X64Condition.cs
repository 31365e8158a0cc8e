// Conditions of machine-level x86-64 beyond those of the hardware, whose numbers are below 16.
namespace Tarn.Compiler.Targets.X64;

/// <summary>What follows from the flags: the hardware's conditions, and two that need two of them.</summary>
internal enum X64Condition : byte
{
    /// <summary>Zero and not parity: equal and ordered.</summary>
    EqualOrdered = 16,

    /// <summary>Not zero or parity: different or unordered.</summary>
    NotEqualOrUnordered = 17,
}

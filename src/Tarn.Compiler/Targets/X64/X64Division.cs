// Forms of division, which are bits of an instruction's condition.
namespace Tarn.Compiler.Targets.X64;

/// <summary>Forms of division: bits.</summary>
[Flags]
internal enum X64Division : byte
{
    /// <summary>Unsigned quotient.</summary>
    None = 0,

    /// <summary>Signed.</summary>
    Signed = 1,

    /// <summary>The remainder is wanted.</summary>
    Remainder = 2,

    /// <summary>The smallest integer by −1 must be looked for.</summary>
    CheckOverflow = 4,
}

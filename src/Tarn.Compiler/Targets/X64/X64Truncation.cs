// Forms of the conversion from float to integer, which are bits of an instruction's condition.
namespace Tarn.Compiler.Targets.X64;

/// <summary>Forms of float to integer: bits.</summary>
[Flags]
internal enum X64Truncation : byte
{
    /// <summary>Unsigned, traps.</summary>
    None = 0,

    /// <summary>Signed.</summary>
    Signed = 1,

    /// <summary>Saturates instead of trapping.</summary>
    Saturate = 2,
}

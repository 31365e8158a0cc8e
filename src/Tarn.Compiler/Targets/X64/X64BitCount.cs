// The bit counts.
namespace Tarn.Compiler.Targets.X64;

/// <summary>Bit counts.</summary>
internal enum X64BitCount : byte
{
    /// <summary>Leading zeros.</summary>
    Leading,

    /// <summary>Trailing zeros.</summary>
    Trailing,

    /// <summary>Ones.</summary>
    Population,
}

// How a load narrower than a register fills the rest of it.
namespace Tarn.Compiler.Targets.X64;

/// <summary>How a load narrower than a register fills the rest.</summary>
internal enum LoadExtension : byte
{
    /// <summary>With zeros.</summary>
    Zero,

    /// <summary>With the sign, to 32 bits.</summary>
    Sign32,

    /// <summary>With the sign, to 64 bits.</summary>
    Sign64,
}

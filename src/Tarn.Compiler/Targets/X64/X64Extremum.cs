// The two extrema of WebAssembly's floating-point instructions.
namespace Tarn.Compiler.Targets.X64;

/// <summary>The smaller or the greater of two numbers.</summary>
internal enum X64Extremum : byte
{
    /// <summary>The smaller.</summary>
    Min,

    /// <summary>The greater.</summary>
    Max,
}

// What a vector operation results in, for the table of opcodes.
namespace Tarn.Compiler.IR;

/// <summary>The result of a vector operation.</summary>
internal enum VectorResult : byte
{
    /// <summary>Not a vector operation.</summary>
    None,

    /// <summary>V128.</summary>
    Vector,

    /// <summary>I32.</summary>
    I32,

    /// <summary>The type of a lane.</summary>
    Lane,
}

// How the 128 bits of a vector are divided, in the low bits of a vector operation's aux byte; a comparison has its condition above them:
//
//   bit   0..2    3     4..7
//        +-------+---+-----------+
//        | shape | 0 | condition |
//        +-------+---+-----------+
namespace Tarn.Compiler.IR;

/// <summary>The division of a vector into lanes.</summary>
internal enum VectorShape : byte
{
    /// <summary>Sixteen integers of 8 bits.</summary>
    I8x16,

    /// <summary>Eight integers of 16 bits.</summary>
    I16x8,

    /// <summary>Four integers of 32 bits.</summary>
    I32x4,

    /// <summary>Two integers of 64 bits.</summary>
    I64x2,

    /// <summary>Four floats of 32 bits.</summary>
    F32x4,

    /// <summary>Two floats of 64 bits.</summary>
    F64x2,
}

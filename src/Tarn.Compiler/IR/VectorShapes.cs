// Sets of shapes, and what follows from one of them.
namespace Tarn.Compiler.IR;

/// <summary>A set of shapes: the bit of a shape is 1 shifted by its number.</summary>
[Flags]
internal enum VectorShapes : byte
{
    /// <summary>None: the operation has no lanes.</summary>
    None = 0,

    /// <summary>Sixteen integers of 8 bits.</summary>
    I8x16 = 1 << VectorShape.I8x16,

    /// <summary>Eight integers of 16 bits.</summary>
    I16x8 = 1 << VectorShape.I16x8,

    /// <summary>Four integers of 32 bits.</summary>
    I32x4 = 1 << VectorShape.I32x4,

    /// <summary>Two integers of 64 bits.</summary>
    I64x2 = 1 << VectorShape.I64x2,

    /// <summary>Four floats of 32 bits.</summary>
    F32x4 = 1 << VectorShape.F32x4,

    /// <summary>Two floats of 64 bits.</summary>
    F64x2 = 1 << VectorShape.F64x2,

    /// <summary>All integers.</summary>
    Integers = I8x16 | I16x8 | I32x4 | I64x2,

    /// <summary>All floats.</summary>
    Floats = F32x4 | F64x2,

    /// <summary>All.</summary>
    All = Integers | Floats,
}

/// <summary>What follows from a shape.</summary>
internal static class VectorShapeFacts
{
    /// <summary>The type of a lane outside of a vector.</summary>
    public static IrType LaneType(this VectorShape shape) => shape switch
    {
        VectorShape.I64x2 => IrType.I64,
        VectorShape.F32x4 => IrType.F32,
        VectorShape.F64x2 => IrType.F64,
        _ => IrType.I32,
    };

    /// <summary>Bits of a lane.</summary>
    public static int LaneBits(this VectorShape shape) => shape switch
    {
        VectorShape.I8x16 => 8,
        VectorShape.I16x8 => 16,
        VectorShape.I32x4 or VectorShape.F32x4 => 32,
        _ => 64,
    };

    /// <summary>Number of lanes.</summary>
    public static int LaneCount(this VectorShape shape) => 128 / shape.LaneBits();
}

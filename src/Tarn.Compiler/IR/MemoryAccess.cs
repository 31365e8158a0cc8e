// How a load or store touches memory, packed in the instruction's aux byte:
//
//   bit   0..2         3        4..5          6          7
//        +------------+--------+-------------+----------+--------+
//        | log2 width | signed | log2 scale  | mayfault | atomic |
//        +------------+--------+-------------+----------+--------+
//
// The scale applies to the index and is not zero only for accesses to the runtime's records (tables). `mayfault` says that the
// signal handler stands behind the access: it is a trap site, and must not be moved across effects or removed unless another
// access that covers it comes before it.
namespace Tarn.Compiler.IR;

/// <summary>Width, sign extension, index scale and flags of a memory access.</summary>
internal readonly struct MemoryAccess(byte bits)
{
    /// <summary>The packed form.</summary>
    public byte Bits { get; } = bits;

    /// <summary>Base 2 logarithm of the number of bytes accessed: 0 to 4.</summary>
    public int WidthLog2 => Bits & 7;

    /// <summary>Number of bytes accessed.</summary>
    public int Width => 1 << (Bits & 7);

    /// <summary>A load narrower than its type extends the sign; else zeros.</summary>
    public bool Signed => (Bits & 8) != 0;

    /// <summary>The index is multiplied by two to this power.</summary>
    public int ScaleLog2 => (Bits >> 4) & 3;

    /// <summary>A fault in this access is a MemoryOutOfBounds trap.</summary>
    public bool MayFault => (Bits & 64) != 0;

    /// <summary>The access is sequentially consistent.</summary>
    public bool Atomic => (Bits & 128) != 0;

    /// <summary>Packs an access.</summary>
    public static MemoryAccess Create(int widthLog2, bool signed = false, int scaleLog2 = 0, bool mayFault = false, bool atomic = false)
        => new((byte)(widthLog2 | (signed ? 8 : 0) | (scaleLog2 << 4) | (mayFault ? 64 : 0) | (atomic ? 128 : 0)));
}

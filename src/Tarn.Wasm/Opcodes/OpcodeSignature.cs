// Operand and result types of an instruction whose types do not depend on its context, packed into eight bytes:
//
//   byte   0        1..4            5        6..7
//         +--------+---------------+--------+-----------+
//         | count  | operand types | count  | results   |     count 0xFF in byte 0: the types depend on the context
//         +--------+---------------+--------+-----------+
//
// A type is its byte in the binary format (0x7F i32 … 0x7B v128), or Address: i32 or i64 by the memory's address type.
namespace Tarn.Wasm;

/// <summary>The types of a simple instruction.</summary>
internal readonly struct OpcodeSignature(ulong packed)
{
    /// <summary>Stands for i32 or i64, by the address type of the memory that is accessed.</summary>
    public const byte Address = 0x01;

    /// <summary>The packed form, for loops that take it apart by themselves.</summary>
    public ulong Packed => packed;

    /// <summary>Whether the types depend on the context, so that this says nothing about them.</summary>
    public bool DependsOnContext => (byte)packed == 0xFF;

    /// <summary>Number of operands.</summary>
    public int OperandCount => (byte)packed;

    /// <summary>Number of results.</summary>
    public int ResultCount => (byte)(packed >> 40);

    /// <summary>The type of an operand, 0 being the deepest.</summary>
    public byte Operand(int index) => (byte)(packed >> (8 + (index * 8)));

    /// <summary>The type of a result.</summary>
    public byte Result(int index) => (byte)(packed >> (48 + (index * 8)));
}

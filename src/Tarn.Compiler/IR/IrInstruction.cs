// One instruction of the IR, which is also one value: a value's id is its instruction's index. Instructions live in one array
// (IrFunction.Instructions) and refer to each other by index, so that compiling allocates nothing and stays in cache.
//
//   byte   0        1      2     3        4        8        12       16     19
//         +--------+------+-----+--------+--------+--------+--------+--------+
//         | opcode | type | aux | region |   A    |   B    |   C    |   D    |
//         +--------+------+-----+--------+--------+--------+--------+--------+
//
// What A, B, C, D mean is set out with each opcode in IrOpcode.cs, and as data in IrOpcodeInfo.cs. Value operands are always in
// A, B, C (or in the pool); D is never a value. An absent optional operand is -1.
using System.Runtime.InteropServices;

namespace Tarn.Compiler.IR;

/// <summary>An instruction: 20 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4, Size = 20)]
internal struct IrInstruction
{
    /// <summary>What the instruction does.</summary>
    public IrOpcode Opcode;

    /// <summary>Type of the value it defines.</summary>
    public IrType Type;

    /// <summary>Condition, access, trap code or shape, according to the opcode.</summary>
    public byte Aux;

    /// <summary>For loads and stores, what they may alias.</summary>
    public AliasRegion Region;

    /// <summary>First operand.</summary>
    public int A;

    /// <summary>Second operand.</summary>
    public int B;

    /// <summary>Third operand.</summary>
    public int C;

    /// <summary>Immediate: an offset, a type index, an amount.</summary>
    public int D;

    /// <summary>The first operand, where it is a value.</summary>
    public readonly Value ValueA => new(A);

    /// <summary>The second operand, where it is a value.</summary>
    public readonly Value ValueB => new(B);

    /// <summary>The third operand, where it is a value.</summary>
    public readonly Value ValueC => new(C);

    /// <summary>The 64 bits of a constant, zero-extended for 32-bit types.</summary>
    public readonly ulong Bits => (uint)A | ((ulong)(uint)B << 32);

    /// <summary>The constant as a signed integer of its width.</summary>
    public readonly long SignedBits => Type is IrType.I32 or IrType.F32 ? A : (long)Bits;

    /// <summary>Condition of a <see cref="IrOpcode.CompareInteger"/>.</summary>
    public readonly IntegerCondition IntegerCondition => (IntegerCondition)Aux;

    /// <summary>Condition of a <see cref="IrOpcode.CompareFloat"/>.</summary>
    public readonly FloatCondition FloatCondition => (FloatCondition)Aux;

    /// <summary>Shape of a vector operation.</summary>
    public readonly VectorShape Shape => (VectorShape)(Aux & 7);

    /// <summary>Condition of a <see cref="IrOpcode.VectorCompare"/>.</summary>
    public readonly IntegerCondition VectorCondition => (IntegerCondition)(Aux >> 4);

    /// <summary>Condition of a <see cref="IrOpcode.VectorFloatCompare"/>.</summary>
    public readonly FloatCondition VectorFloatCondition => (FloatCondition)(Aux >> 4);

    /// <summary>Width, extension and flags of a load or store.</summary>
    public readonly MemoryAccess Access => new(Aux);

    /// <summary>The unsigned constant offset of a load or store, or the extent of a bounds check.</summary>
    public readonly uint Offset => (uint)D;
}

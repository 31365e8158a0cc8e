// Why: a word of register code as the interpreter reads it; see PortableEmitter for what is in it.
using System.Runtime.InteropServices;
using Tarn.Compiler.Targets.Portable;

namespace Tarn.Execution.Portable;

[StructLayout(LayoutKind.Explicit, Size = PortableTarget.WordBytes)]
internal struct Word
{
    [FieldOffset(0)]
    public PortableOpcode Opcode;

    [FieldOffset(2)]
    public ushort A;

    [FieldOffset(4)]
    public ushort B;

    [FieldOffset(6)]
    public ushort C;

    /// <summary>The whole of the immediate.</summary>
    [FieldOffset(PortableTarget.ImmediateOffset)]
    public long Imm;

    [FieldOffset(8)]
    public int Low;

    [FieldOffset(12)]
    public int High;

    /// <summary>The fourth operand, where there are four.</summary>
    [FieldOffset(14)]
    public ushort Fourth;
}

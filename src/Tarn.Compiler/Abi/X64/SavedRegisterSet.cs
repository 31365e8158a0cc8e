// Why: what a frame on x86-64 keeps of its caller's registers, as one byte in the frame tables, and where. Compiler and runtime both read it here: a register taken from the
// wrong place would be a wrong value in a handler, and a wrong VM context another instance's memory.
//
//   bit   0    1    2    3    4        7
//        rbx  rbp  r12  r13  r15   VM context
//
// In the frame, from its end (the return address) downward: the registers in this order, as they were pushed, then the VM context, if it is kept.
using System.Numerics;

namespace Tarn.Compiler.Abi.X64;

internal static class SavedRegisterSet
{
    /// <summary>How many registers there are.</summary>
    public const int Count = 5;

    /// <summary>The bit for the VM context.</summary>
    public const byte VmContext = 0x80;

    private const int Registers = (1 << Count) - 1;

    /// <summary>Hardware numbers of the registers, by bit.</summary>
    public static ReadOnlySpan<byte> Numbers => [3, 5, 12, 13, 15];

    /// <summary>The byte for a frame.</summary>
    /// <param name="saved">The registers that it saves, by hardware number.</param>
    /// <param name="savesVmContext">Whether it keeps the VM context.</param>
    public static byte Of(ulong saved, bool savesVmContext)
    {
        var set = savesVmContext ? VmContext : 0;
        for (var k = 0; k < Count; k++)
        {
            set |= (int)((saved >> Numbers[k]) & 1) << k;
        }

        return (byte)set;
    }

    /// <summary>Bytes below the frame's end at which register number k of the set lies, which is saved.</summary>
    public static int OffsetOf(byte set, int k) => 8 * (BitOperations.PopCount((uint)set & ((1u << k) - 1)) + 1);

    /// <summary>Bytes below the frame's end at which the VM context lies, which is kept.</summary>
    public static int ContextOffset(byte set) => 8 * (BitOperations.PopCount((uint)set & Registers) + 1);
}

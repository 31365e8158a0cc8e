// Types of virtual registers: the register class, how a move is done and how large a spill slot is. Integers are always spilled as 64
// bits, since an i32 register is zero-extended and may stand for an i64 too.
namespace Tarn.Compiler.Machine;

/// <summary>Type of a virtual register.</summary>
internal enum MachineType : byte
{
    /// <summary>32-bit integer, zero-extended.</summary>
    I32,

    /// <summary>64-bit integer, address or reference to a function.</summary>
    I64,

    /// <summary>Managed reference: 32 bits, zero-extended. The collector finds it at safepoints, and changes it there.</summary>
    Managed,

    /// <summary>32-bit float.</summary>
    F32,

    /// <summary>64-bit float.</summary>
    F64,

    /// <summary>128-bit vector.</summary>
    V128,
}

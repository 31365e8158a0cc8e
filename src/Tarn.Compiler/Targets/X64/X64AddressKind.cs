// Kinds of address: the upper bits of an instruction's address byte.
using Tarn.Compiler.Machine;

namespace Tarn.Compiler.Targets.X64;

/// <summary>Kinds of address, in bits 4 to 6 of <see cref="MachineInstruction.Address"/>; bit 0: base, bit 1: index, bits 2 and 3: scale.</summary>
internal enum X64AddressKind : byte
{
    /// <summary>None: the last source is a plain operand.</summary>
    None = 0,

    /// <summary>Base and index are operands.</summary>
    Registers = 1,

    /// <summary>The VM context is the base; there may be an index.</summary>
    VmContext = 2,

    /// <summary>The buffer for results of calls in this frame.</summary>
    ResultBuffer = 3,

    /// <summary>The incoming stack arguments.</summary>
    Incoming = 4,

    /// <summary>A constant of 4, 8 or 16 bytes; displacement: index into the constants, scale: log2 of the size, less 2.</summary>
    Constant = 5,
}

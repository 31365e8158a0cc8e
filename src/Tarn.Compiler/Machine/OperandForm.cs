// One position of an operand list, as a target's table of opcodes has it.
namespace Tarn.Compiler.Machine;

/// <summary>What may stand at a position of an operand list.</summary>
/// <param name="Kind">Kind of the operand; that of base and index for an address.</param>
/// <param name="Class">Class of its register.</param>
/// <param name="Registers">For fixed operands: the registers that are possible, one bit each; 0 for any.</param>
/// <param name="IsRepeated">Any number of them, none included.</param>
/// <param name="Address">Whether an address is possible or required.</param>
internal readonly record struct OperandForm(
    OperandKind Kind, RegisterClass Class = RegisterClass.Any, ulong Registers = 0, bool IsRepeated = false, AddressForm Address = AddressForm.None);

/// <summary>Classes of registers.</summary>
internal enum RegisterClass : byte
{
    /// <summary>Any class.</summary>
    Any,

    /// <summary>Integer registers.</summary>
    Integer,

    /// <summary>Vector registers.</summary>
    Vector,
}

/// <summary>Whether a position holds an address.</summary>
internal enum AddressForm : byte
{
    /// <summary>An operand.</summary>
    None,

    /// <summary>An operand or an address.</summary>
    Possible,

    /// <summary>An address.</summary>
    Required,
}

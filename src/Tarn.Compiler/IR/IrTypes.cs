// Maps between the IR's types and those of the calling convention.
using Tarn.Compiler.Abi;

namespace Tarn.Compiler.IR;

/// <summary>Conversions of types.</summary>
internal static class IrTypes
{
    /// <summary>The IR type of a value in the calling convention.</summary>
    public static IrType Of(AbiType type) => type switch
    {
        AbiType.I32 => IrType.I32,
        AbiType.I64 => IrType.I64,
        AbiType.Reference => IrType.Ref,
        AbiType.Managed => IrType.Managed,
        AbiType.F32 => IrType.F32,
        AbiType.F64 => IrType.F64,
        _ => IrType.V128,
    };

    /// <summary>How a value of an IR type travels.</summary>
    public static AbiType ToAbi(IrType type) => type switch
    {
        IrType.I32 => AbiType.I32,
        IrType.I64 => AbiType.I64,
        IrType.Ref => AbiType.Reference,
        IrType.Managed => AbiType.Managed,
        IrType.F32 => AbiType.F32,
        IrType.F64 => AbiType.F64,
        _ => AbiType.V128,
    };
}

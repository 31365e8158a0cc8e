// The machine-level types of values. The compiler needs no more than the register class and the width; what a reference
// refers to is known to the validator and no longer matters here.
namespace Tarn.Compiler.IR;

/// <summary>The type of an IR value.</summary>
internal enum IrType : byte
{
    /// <summary>No value: stores, terminators, calls (their results are <see cref="IrOpcode.Result"/> projections).</summary>
    None,

    /// <summary>32-bit integer, kept zero-extended to 64 bits wherever it is.</summary>
    I32,

    /// <summary>64-bit integer, also raw addresses (the VM context, records, memory bases).</summary>
    I64,

    /// <summary>32-bit float.</summary>
    F32,

    /// <summary>64-bit float.</summary>
    F64,

    /// <summary>128-bit vector.</summary>
    V128,

    /// <summary>A reference to a function (the address of its record) or to an exception (a handle): 64 bits, null is 0.</summary>
    Ref,

    /// <summary>
    /// A managed reference (any, extern and what is below them): 32 bits, zero-extended, null is 0. The collector moves objects and changes every such value
    /// that lives across a safepoint, so nothing derived from one may (<see cref="IrOpcode.ElementOffset"/>).
    /// </summary>
    Managed,
}

// Why: how a value travels. The calling convention needs no more of a WebAssembly type than its register class and width.
namespace Tarn.Compiler.Abi;

internal enum AbiType : byte
{
    /// <summary>i32: an integer register, zero-extended.</summary>
    I32 = 0,

    /// <summary>i64.</summary>
    I64 = 1,

    /// <summary>A reference to a function or an exception: 64 bits, null is 0.</summary>
    Reference = 2,

    /// <summary>A managed reference: an integer register, 32 bits, zero-extended, null is 0.</summary>
    Managed = 3,

    /// <summary>f32: a vector register, the bits above 32 undefined.</summary>
    F32 = 4,

    /// <summary>f64.</summary>
    F64 = 5,

    /// <summary>v128.</summary>
    V128 = 6,
}

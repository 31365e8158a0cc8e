// The kinds of values that cross between host and guest. Coarser than the validator's types: a function reference is a
// FuncRef here whatever its signature.
namespace Tarn;

/// <summary>The kind of a WebAssembly value.</summary>
public enum ValueKind : byte
{
    /// <summary>A 32-bit integer; its sign is a matter of interpretation.</summary>
    I32 = 0,

    /// <summary>A 64-bit integer.</summary>
    I64 = 1,

    /// <summary>A single-precision number.</summary>
    F32 = 2,

    /// <summary>A double-precision number.</summary>
    F64 = 3,

    /// <summary>A vector of 128 bits.</summary>
    V128 = 4,

    /// <summary>A reference to a function, or null.</summary>
    FuncRef = 5,

    /// <summary>A reference to an object of the host, or null.</summary>
    ExternRef = 6,

    /// <summary>A reference to a guest's own structure, array or small integer, or null.</summary>
    AnyRef = 7,

    /// <summary>A reference to an exception, or null.</summary>
    ExnRef = 8,
}

// The abstract heap types of WebAssembly 3.0, and one member for those that a module defines itself.
namespace Tarn;

/// <summary>Specifies what a reference type refers to.</summary>
public enum HeapKind
{
    /// <summary>Any function.</summary>
    Func = 0,

    /// <summary>Any object of the host.</summary>
    Extern = 1,

    /// <summary>Any value of the guest's own heap.</summary>
    Any = 2,

    /// <summary>Any value of the guest's own heap that can be compared for identity.</summary>
    Eq = 3,

    /// <summary>An integer of 31 bits.</summary>
    I31 = 4,

    /// <summary>Any structure.</summary>
    Struct = 5,

    /// <summary>Any array.</summary>
    Array = 6,

    /// <summary>Any exception.</summary>
    Exn = 7,

    /// <summary>No function: only null is of this type.</summary>
    NoFunc = 8,

    /// <summary>No object of the host: only null is of this type.</summary>
    NoExtern = 9,

    /// <summary>No value of the guest's own heap: only null is of this type.</summary>
    None = 10,

    /// <summary>No exception: only null is of this type.</summary>
    NoExn = 11,

    /// <summary>A function, structure or array type that a module defines. See <see cref="WasmValueType.DefinedType"/>.</summary>
    Defined = 12,
}

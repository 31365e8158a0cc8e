// Kinds of component values, as an embedder sees them.
namespace Tarn.Components;

/// <summary>Specifies the kind of a <see cref="ComponentValue"/>.</summary>
public enum ComponentValueKind
{
    /// <summary>A Boolean value.</summary>
    Bool,

    /// <summary>A signed 8-bit integer.</summary>
    S8,

    /// <summary>An unsigned 8-bit integer.</summary>
    U8,

    /// <summary>A signed 16-bit integer.</summary>
    S16,

    /// <summary>An unsigned 16-bit integer.</summary>
    U16,

    /// <summary>A signed 32-bit integer.</summary>
    S32,

    /// <summary>An unsigned 32-bit integer.</summary>
    U32,

    /// <summary>A signed 64-bit integer.</summary>
    S64,

    /// <summary>An unsigned 64-bit integer.</summary>
    U64,

    /// <summary>A 32-bit floating-point number.</summary>
    F32,

    /// <summary>A 64-bit floating-point number.</summary>
    F64,

    /// <summary>A Unicode scalar value.</summary>
    Char,

    /// <summary>A string of Unicode scalar values.</summary>
    String,

    /// <summary>A list.</summary>
    List,

    /// <summary>A record: values under names.</summary>
    Record,

    /// <summary>A tuple.</summary>
    Tuple,

    /// <summary>A case of a variant, with or without a payload.</summary>
    Variant,

    /// <summary>A case of an enumeration.</summary>
    Enum,

    /// <summary>A value that may be absent.</summary>
    Option,

    /// <summary>The success or the failure of an operation.</summary>
    Result,

    /// <summary>A set of flags.</summary>
    Flags,

    /// <summary>A resource, owned or borrowed.</summary>
    Resource,
}

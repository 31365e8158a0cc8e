// Kinds of types in WIT. One enumeration for what is written and what is resolved.
namespace Tarn.Wasm.Wit;

/// <summary>Kinds of types.</summary>
internal enum WitTypeKind : byte
{
    Bool,
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
    F32,
    F64,
    Char,
    String,
    ErrorContext,

    /// <summary>Another type under its name; when resolved, a type that is equal to another one.</summary>
    Named,
    List,
    FixedLengthList,
    Map,
    Option,
    Result,
    Tuple,
    Own,
    Borrow,
    Stream,
    Future,
    Record,
    Variant,
    Flags,
    Enum,
    Resource,
}

/// <summary>Facts about kinds of types.</summary>
internal static class WitTypeKinds
{
    public static bool IsPrimitive(this WitTypeKind kind) => kind <= WitTypeKind.ErrorContext;

    /// <summary>The word in WIT.</summary>
    public static string Keyword(this WitTypeKind kind) => kind switch
    {
        WitTypeKind.ErrorContext => "error-context",
        WitTypeKind.FixedLengthList => "list",
        _ => kind.ToString().ToLowerInvariant(),
    };
}

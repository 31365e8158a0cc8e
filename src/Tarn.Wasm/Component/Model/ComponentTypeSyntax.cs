// Types as they are written in a component: indices into the scope's type space, nothing resolved. The validator turns them into nodes of the arena (ComponentTypeArena); the printer
// writes them as they are.
namespace Tarn.Wasm.Component;

/// <summary>Kinds of value types. Primitive ones have the code of the binary format.</summary>
internal enum ValueTypeKind : byte
{
    ErrorContext = 0x64,
    String = 0x73,
    Char = 0x74,
    F64 = 0x75,
    F32 = 0x76,
    U64 = 0x77,
    S64 = 0x78,
    U32 = 0x79,
    S32 = 0x7A,
    U16 = 0x7B,
    S16 = 0x7C,
    U8 = 0x7D,
    S8 = 0x7E,
    Bool = 0x7F,

    Record = 0x72,
    Variant = 0x71,
    List = 0x70,
    Tuple = 0x6F,
    Flags = 0x6E,
    Enum = 0x6D,
    Option = 0x6B,
    Result = 0x6A,
    Own = 0x69,
    Borrow = 0x68,
    FixedLengthList = 0x67,
    Stream = 0x66,
    Future = 0x65,
    Map = 0x63,
}

/// <summary>Facts about kinds of value types.</summary>
internal static class ValueTypeKinds
{
    public static bool IsPrimitive(this ValueTypeKind kind) => kind is >= ValueTypeKind.String or ValueTypeKind.ErrorContext;

    /// <summary>The word for a primitive type in the text format.</summary>
    public static string Keyword(this ValueTypeKind kind) => kind switch
    {
        ValueTypeKind.ErrorContext => "error-context",
        ValueTypeKind.FixedLengthList => "list",
        _ => kind.ToString().ToLowerInvariant(),
    };
}

/// <summary>A value type where it is used: a primitive type, or the index of a type.</summary>
/// <param name="Raw">The index, or the negative of a primitive type's code.</param>
internal readonly record struct ValueTypeReference(int Raw)
{
    public ValueTypeReference(ValueTypeKind primitive)
        : this(-(int)primitive)
    {
    }

    public bool IsPrimitive => Raw < 0;

    public ValueTypeKind Primitive => (ValueTypeKind)(-Raw);

    public int Index => Raw;
}

/// <summary>A type definition.</summary>
/// <param name="Offset">Its offset in the binary.</param>
internal abstract record TypeSyntax(int Offset);

/// <summary>A value type: which of the lists are used depends on the kind.</summary>
// Kind: the kind.
// Names: labels of fields, cases, flags and enum cases.
// Types: types of fields, cases (null without a payload), elements.
// Immediate: the length of a list of fixed length; the type index of own and borrow.
internal sealed record ValueTypeSyntax(int Offset, ValueTypeKind Kind, string[] Names, ValueTypeReference?[] Types, uint Immediate) : TypeSyntax(Offset);

/// <summary>A function type.</summary>
internal sealed record FunctionTypeSyntax(int Offset, bool IsAsync, string[] Names, ValueTypeReference[] Parameters, ValueTypeReference? Result) : TypeSyntax(Offset);

/// <summary>A component type: a scope of its own.</summary>
internal sealed record ComponentTypeSyntax(int Offset, ComponentDefinition[] Declarations) : TypeSyntax(Offset);

/// <summary>An instance type: a scope of its own.</summary>
internal sealed record InstanceTypeSyntax(int Offset, ComponentDefinition[] Declarations) : TypeSyntax(Offset);

/// <summary>A resource type.</summary>
// Representation: its representation in core WebAssembly.
// Destructor: core function index of its destructor, -1 without one.
internal sealed record ResourceTypeSyntax(int Offset, ValType Representation, int Destructor) : TypeSyntax(Offset);

/// <summary>A core type definition.</summary>
internal abstract record CoreTypeSyntax(int Offset);

/// <summary>A recursion group of core types; references in them are indices into the scope's core type space.</summary>
internal sealed record CoreGroupSyntax(int Offset, SubType[] Types, bool IsExplicit) : CoreTypeSyntax(Offset);

/// <summary>The type of a core module: a scope of its own.</summary>
internal sealed record CoreModuleTypeSyntax(int Offset, ModuleTypeDeclaration[] Declarations) : CoreTypeSyntax(Offset);

/// <summary>What a core module imports or exports, as declared.</summary>
// Kind: its kind.
// TypeIndex: of functions and tags.
internal readonly record struct CoreExternSyntax(ExternalKind Kind, int TypeIndex, CoreTableType Table, CoreMemoryType Memory, CoreGlobalType Global);

/// <summary>Kinds of declarations in a module type, by their code.</summary>
internal enum ModuleTypeDeclarationKind : byte
{
    Import = 0,
    Type = 1,
    OuterAlias = 2,
    Export = 3,
}

/// <summary>A declaration in a module type.</summary>
// Module: first part of an import's name.
// Name: the name of an import or export.
// Group: types that are defined.
// Count: how many scopes outwards an alias goes.
// Index: the index that it means there.
internal sealed record ModuleTypeDeclaration(
    int Offset, ModuleTypeDeclarationKind Kind, string Module, string Name, CoreExternSyntax Extern, CoreGroupSyntax? Group, int Count, int Index);

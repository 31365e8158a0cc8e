// WIT as it is written: names, nothing resolved.
namespace Tarn.Wasm.Wit;

/// <summary>A name where it is written.</summary>
internal readonly record struct WitName(string Text, WitSpan Span);

/// <summary>The name of a package.</summary>
/// <param name="Namespace">What is before the colon.</param>
/// <param name="Name">What is behind it.</param>
/// <param name="Version">A semantic version, or null.</param>
internal sealed record WitPackageName(string Namespace, string Name, string? Version)
{
    /// <inheritdoc/>
    public override string ToString() => Version is null ? $"{Namespace}:{Name}" : $"{Namespace}:{Name}@{Version}";

    /// <summary>The name of an interface or world of the package.</summary>
    public string Member(string name) => Version is null ? $"{Namespace}:{Name}/{name}" : $"{Namespace}:{Name}/{name}@{Version}";
}

/// <summary>A gate or another attribute.</summary>
/// <param name="Name">What is behind the at sign: since, unstable or deprecated.</param>
/// <param name="Value">A version, or the name of a feature.</param>
internal readonly record struct AttributeSyntax(string Name, string Value);

/// <summary>What can be in front of a definition.</summary>
/// <param name="Docs">Its documentation, or null.</param>
/// <param name="List">Its attributes.</param>
internal readonly record struct AttributesSyntax(string? Docs, AttributeSyntax[] List);

/// <summary>A file, or the braces of a nested package.</summary>
/// <param name="Source">The file.</param>
/// <param name="Package">The package that it says it belongs to, or null.</param>
/// <param name="PackageSpan">Where it says so.</param>
/// <param name="Docs">Documentation of the package.</param>
/// <param name="DocsSpan">Where it is.</param>
/// <param name="Items">The definitions.</param>
internal sealed record FileSyntax(WitSource Source, WitPackageName? Package, WitSpan PackageSpan, string? Docs, WitSpan DocsSpan, ItemSyntax[] Items);

/// <summary>A definition of a package.</summary>
internal abstract record ItemSyntax;

/// <summary>A package in a file that has another one.</summary>
internal sealed record NestedPackageSyntax(FileSyntax Package) : ItemSyntax;

/// <summary>A name for an interface or world in one file.</summary>
internal sealed record TopUseSyntax(PathSyntax Path, WitName Name) : ItemSyntax;

/// <summary>An interface.</summary>
internal sealed record InterfaceSyntax(WitName Name, AttributesSyntax Attributes, InterfaceItemSyntax[] Items) : ItemSyntax;

/// <summary>A world.</summary>
internal sealed record WorldSyntax(WitName Name, AttributesSyntax Attributes, WorldItemSyntax[] Items) : ItemSyntax;

/// <summary>The name of an interface or world, with its package where it is another one's.</summary>
internal readonly record struct PathSyntax(WitPackageName? Package, WitSpan PackageSpan, WitName Name);

/// <summary>What an interface is made of.</summary>
internal abstract record InterfaceItemSyntax;

/// <summary>A type of an interface.</summary>
internal sealed record TypeItemSyntax(TypeDefSyntax Type) : InterfaceItemSyntax;

/// <summary>A function of an interface.</summary>
internal sealed record FunctionItemSyntax(FunctionSyntax Function) : InterfaceItemSyntax;

/// <summary>A use in an interface.</summary>
internal sealed record UseItemSyntax(UseSyntax Use) : InterfaceItemSyntax;

/// <summary>Types of another interface.</summary>
internal sealed record UseSyntax(PathSyntax From, UseNameSyntax[] Names, AttributesSyntax Attributes);

/// <summary>A type that is used, with the name that it has here.</summary>
internal readonly record struct UseNameSyntax(WitName Name, WitName As);

/// <summary>What a world is made of.</summary>
internal abstract record WorldItemSyntax;

/// <summary>A type of a world.</summary>
internal sealed record WorldTypeSyntax(TypeDefSyntax Type) : WorldItemSyntax;

/// <summary>A use in a world.</summary>
internal sealed record WorldUseSyntax(UseSyntax Use) : WorldItemSyntax;

/// <summary>Imports or exports of another world.</summary>
internal sealed record IncludeSyntax(PathSyntax From, UseNameSyntax[] Names, AttributesSyntax Attributes) : WorldItemSyntax;

/// <summary>An import or export. Of interface, function and path one is not null.</summary>
internal sealed record WorldExternSyntax(bool IsExport, WitName? Name, AttributesSyntax Attributes, InterfaceItemSyntax[]? Items, FunctionSyntax? Function, PathSyntax? Path) : WorldItemSyntax;

/// <summary>Kinds of functions.</summary>
internal enum WitFunctionKind : byte
{
    Freestanding,
    Method,
    Static,
    Constructor,
}

/// <summary>A function.</summary>
internal sealed record FunctionSyntax(
    WitName Name, AttributesSyntax Attributes, WitFunctionKind Kind, bool IsAsync, (WitName Name, TypeSyntaxNode Type)[] Parameters, TypeSyntaxNode? Result);

/// <summary>Kinds of type definitions.</summary>
internal enum TypeDefSyntaxKind : byte
{
    Alias,
    Record,
    Variant,
    Flags,
    Enum,
    Resource,
}

/// <summary>A field, case or flag.</summary>
internal readonly record struct MemberSyntax(WitName Name, string? Docs, TypeSyntaxNode? Type);

/// <summary>A type definition: which of the fields are used depends on the kind.</summary>
internal sealed record TypeDefSyntax(WitName Name, AttributesSyntax Attributes, TypeDefSyntaxKind Kind, TypeSyntaxNode? Alias, MemberSyntax[] Members, FunctionSyntax[] Functions);

/// <summary>A type where it is used.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Name">The type that is named, or the resource of a handle.</param>
/// <param name="Arguments">Elements; null for a part of a result that is left out.</param>
/// <param name="Length">The length of a list of a fixed length.</param>
/// <param name="Span">Where it is.</param>
internal sealed record TypeSyntaxNode(WitTypeKind Kind, WitName Name, TypeSyntaxNode?[] Arguments, uint Length, WitSpan Span);

// The definitions of a component in the order in which they are written, which is what gives them their meaning: an index refers only to what came before. One list therefore holds
// them all, and reader, validator, printer and linker are loops over it.
namespace Tarn.Wasm.Component;

/// <summary>The name of an import or export with its attributes.</summary>
/// <param name="Name">The name itself.</param>
/// <param name="Implements">The interface that an instance with a plain name implements.</param>
/// <param name="VersionSuffix">What is missing from a canonical interface name's version.</param>
/// <param name="ExternalId">A name that another system has for the item.</param>
internal readonly record struct ExternName(string Name, string? Implements = null, string? VersionSuffix = null, string? ExternalId = null)
{
    public bool HasAttributes => Implements is not null || VersionSuffix is not null || ExternalId is not null;
}

/// <summary>What an import or export is declared to be.</summary>
/// <param name="Sort">Core module, function, value, type, component or instance.</param>
/// <param name="Index">Type index. For a type: of the type that it is equal to, or -1 for a fresh resource. For a value: of the value that it is equal to, or -1.</param>
/// <param name="Value">The type of a value.</param>
internal readonly record struct ExternSyntax(ComponentSort Sort, int Index, ValueTypeReference Value = default);

/// <summary>An item by its index.</summary>
internal readonly record struct SortIndex(ComponentSort Sort, int Index);

/// <summary>A definition.</summary>
/// <param name="Offset">Its offset in the binary.</param>
internal abstract record ComponentDefinition(int Offset);

/// <summary>A core module.</summary>
// Module: the module; its offsets are relative to Offset.
internal sealed record CoreModuleDefinition(int Offset, WasmModule Module) : ComponentDefinition(Offset);

/// <summary>An argument of a core instantiation.</summary>
internal readonly record struct CoreArgument(string Name, int Instance);

/// <summary>A core instance by instantiation.</summary>
internal sealed record CoreInstantiateDefinition(int Offset, int Module, CoreArgument[] Arguments) : ComponentDefinition(Offset);

/// <summary>An item under a name.</summary>
internal readonly record struct NamedItem(ExternName Name, SortIndex Item);

/// <summary>A core instance made of items.</summary>
internal sealed record CoreExportsDefinition(int Offset, NamedItem[] Exports) : ComponentDefinition(Offset);

/// <summary>A core type, or a recursion group of them.</summary>
internal sealed record CoreTypeDefinition(int Offset, CoreTypeSyntax Type) : ComponentDefinition(Offset);

/// <summary>A component in a component.</summary>
internal sealed record NestedComponentDefinition(int Offset, WasmComponent Component) : ComponentDefinition(Offset);

/// <summary>An instance by instantiation.</summary>
internal sealed record InstantiateDefinition(int Offset, int Component, NamedItem[] Arguments) : ComponentDefinition(Offset);

/// <summary>An instance made of items.</summary>
internal sealed record InstanceExportsDefinition(int Offset, NamedItem[] Exports) : ComponentDefinition(Offset);

/// <summary>An export of an instance.</summary>
internal sealed record ExportAliasDefinition(int Offset, ComponentSort Sort, int Instance, string Name) : ComponentDefinition(Offset);

/// <summary>An item of an enclosing component.</summary>
internal sealed record OuterAliasDefinition(int Offset, ComponentSort Sort, int Count, int Index) : ComponentDefinition(Offset);

/// <summary>A type.</summary>
internal sealed record TypeDefinition(int Offset, TypeSyntax Type) : ComponentDefinition(Offset);

/// <summary>A start function.</summary>
internal sealed record StartDefinition(int Offset, int Function, int[] Arguments, int Results) : ComponentDefinition(Offset);

/// <summary>An import.</summary>
internal sealed record ImportDefinition(int Offset, ExternName Name, ExternSyntax Extern) : ComponentDefinition(Offset);

/// <summary>An export; in a component it gives its item a second index.</summary>
// Item: what is exported.
// Ascribed: the type under which it is seen, where it is not its own.
internal sealed record ExportDefinition(int Offset, ExternName Name, SortIndex Item, ExternSyntax? Ascribed) : ComponentDefinition(Offset);

/// <summary>An export as a component or instance type declares it.</summary>
internal sealed record ExportDeclaration(int Offset, ExternName Name, ExternSyntax Extern) : ComponentDefinition(Offset);

/// <summary>A custom section, in its place among the definitions.</summary>
internal sealed record CustomDefinition(int Offset, string Name, int Start, int Length) : ComponentDefinition(Offset);

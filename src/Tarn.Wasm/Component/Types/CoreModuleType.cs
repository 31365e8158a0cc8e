// Types of core modules and core instances as components see them. Core types are canonical: functions and tags are ids of the arena's registry, and references in tables and globals
// hold such ids, so that types of different modules compare.
namespace Tarn.Wasm.Component;

/// <summary>The type of something that a core module imports or exports.</summary>
// TypeId: of functions and tags, the canonical id of the type.
internal readonly record struct CoreExternType(ExternalKind Kind, int TypeId, CoreTableType Table, CoreMemoryType Memory, CoreGlobalType Global)
{
    public static CoreExternType Function(int typeId) => new(ExternalKind.Function, typeId, default, default, default);

    /// <summary>Whether an item of this type may be given where another is imported (core specification, "Matching").</summary>
    public bool Matches(in CoreExternType expected, TypeRegistry registry)
    {
        if (Kind != expected.Kind)
            return false;
        switch (Kind)
        {
            case ExternalKind.Function:
                return registry.IsSubtype(TypeId, expected.TypeId);
            case ExternalKind.Table:
                return Table.Element == expected.Table.Element && Matches(Table.Limits, expected.Table.Limits);
            case ExternalKind.Memory:
                return Memory.PageSizeLog2 == expected.Memory.PageSizeLog2 && Matches(Memory.Limits, expected.Memory.Limits);
            case ExternalKind.Global:
                return Global.IsMutable == expected.Global.IsMutable
                    && (Global.IsMutable ? Global.Type == expected.Global.Type : Subtyping.IsSubtype(Global.Type, expected.Global.Type, registry, []));
            default:
                return TypeId == expected.TypeId;
        }
    }

    private static bool Matches(Limits actual, Limits expected) => actual.Is64 == expected.Is64 && actual.IsShared == expected.IsShared && actual.Minimum >= expected.Minimum
        && (!expected.HasMaximum || (actual.HasMaximum && actual.Maximum <= expected.Maximum));
}

/// <summary>The type of a core module.</summary>
internal sealed class CoreModuleType
{
    public OrderedDictionary<(string Module, string Name), CoreExternType> Imports { get; } = [];

    public OrderedDictionary<string, CoreExternType> Exports { get; } = new(StringComparer.Ordinal);

    public int Size => 1 + Imports.Count + Exports.Count;

    /// <summary>The type of a module that has been validated.</summary>
    /// <exception cref="InvalidModuleException">Two imports have the same name.</exception>
    public static CoreModuleType Of(WasmModule module)
    {
        CoreModuleType type = new();
        foreach (ref readonly Import import in module.Imports)
        {
            if (!type.Imports.TryAdd((import.Module, import.Name), TypeOf(module, import.Kind, import.Index)))
                throw new InvalidModuleException($"duplicate import name `{import.Module}:{import.Name}`", 0);
        }

        foreach (ref readonly Export export in module.Exports)
            type.Exports.TryAdd(export.Name, TypeOf(module, export.Kind, export.Index));
        return type;
    }

    private static CoreExternType TypeOf(WasmModule module, ExternalKind kind, int index) => kind switch
    {
        ExternalKind.Function => CoreExternType.Function(module.CanonicalIds[module.Functions[index]]),
        ExternalKind.Table => new CoreExternType(kind, 0, Canonical(module.Tables[index], module.CanonicalIds), default, default),
        ExternalKind.Memory => new CoreExternType(kind, 0, default, module.Memories[index], default),
        ExternalKind.Global => new CoreExternType(kind, 0, default, default, Canonical(module.Globals[index], module.CanonicalIds)),
        _ => new CoreExternType(kind, module.CanonicalIds[module.Tags[index].TypeIndex], default, default, default),
    };

    internal static CoreTableType Canonical(CoreTableType type, ReadOnlySpan<int> ids) => type with { Element = TypeRegistry.Canonicalize(type.Element, ids) };

    internal static CoreGlobalType Canonical(CoreGlobalType type, ReadOnlySpan<int> ids) => type with { Type = TypeRegistry.Canonicalize(type.Type, ids) };
}

// Import matching (core specification 3.0, "External types: matching") and how external types read in errors. All types
// here are canonical, so that types of different modules compare by their bits.
namespace Tarn.Linking;

internal static class ExternTypes
{
    /// <summary>Whether what is there may be used where a memory type is wanted. Sizes are current, not declared.</summary>
    public static bool Matches(in MemoryType found, ulong currentPages, in MemoryType wanted) =>
        found.PageSizeLog2 == wanted.PageSizeLog2 && Matches(found.Limits with { Minimum = currentPages }, wanted.Limits);

    /// <summary>Whether what is there may be used where a table type is wanted. Element types must be equal, since tables are mutable.</summary>
    public static bool Matches(in TableType found, ulong currentLength, in TableType wanted) =>
        found.Element == wanted.Element && Matches(found.Limits with { Minimum = currentLength }, wanted.Limits);

    /// <summary>Whether a global may be used where a type is wanted: equal if mutable, a subtype if not.</summary>
    public static bool Matches(GlobalType found, GlobalType wanted, TypeRegistry types) =>
        found.IsMutable == wanted.IsMutable && (found.IsMutable ? found.Type == wanted.Type : IsSubtype(found.Type, wanted.Type, types));

    /// <summary>Subtyping of value types that are canonical.</summary>
    public static bool IsSubtype(ValType sub, ValType super, TypeRegistry types) => Subtyping.IsSubtype(sub, super, types, []);

    private static bool Matches(in Limits found, in Limits wanted) =>
        found.Is64 == wanted.Is64 && found.IsShared == wanted.IsShared && found.Minimum >= wanted.Minimum
        && (!wanted.HasMaximum || (found.HasMaximum && found.Maximum <= wanted.Maximum));

    public static string Describe(in MemoryType type) =>
        $"(memory {type.Limits}{(type.PageSizeLog2 == 16 ? "" : $" (pagesize {type.PageSize})")})";

    public static string Describe(in TableType type) => $"(table {type.Limits} {type.Element})";

    public static string Describe(GlobalType type) => type.IsMutable ? $"(global (mut {type.Type}))" : $"(global {type.Type})";

    /// <summary>An import's or export's type in the notation of the text format.</summary>
    public static string Describe(WasmModule module, ExternalKind kind, int index) => kind switch
    {
        ExternalKind.Function => module.FunctionTypeOf(index).ToString(),
        ExternalKind.Table => Describe(module.Tables[index]),
        ExternalKind.Memory => Describe(module.Memories[index]),
        ExternalKind.Global => Describe(module.Globals[index]),
        _ => DescribeTag((FunctionType)module.Types[module.Tags[index].TypeIndex].Composite),
    };

    public static string DescribeTag(FunctionType type) => type.ToString().Replace("(func", "(tag", StringComparison.Ordinal);
}

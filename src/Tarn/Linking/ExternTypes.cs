// Import matching (core specification 3.0, "External types: matching"). All types here are canonical, so that types of different modules compare by their bits.
namespace Tarn.Linking;

internal static class ExternTypes
{
    /// <summary>Whether what is there may be used where a memory type is wanted. Sizes are current, not declared.</summary>
    public static bool Matches(in CoreMemoryType found, ulong currentPages, in CoreMemoryType wanted) =>
        found.PageSizeLog2 == wanted.PageSizeLog2 && Matches(found.Limits with { Minimum = currentPages }, wanted.Limits);

    /// <summary>Whether what is there may be used where a table type is wanted. Element types must be equal, since tables are mutable.</summary>
    public static bool Matches(in CoreTableType found, ulong currentLength, in CoreTableType wanted) =>
        found.Element == wanted.Element && Matches(found.Limits with { Minimum = currentLength }, wanted.Limits);

    /// <summary>Whether a global may be used where a type is wanted: equal if mutable, a subtype if not.</summary>
    public static bool Matches(CoreGlobalType found, CoreGlobalType wanted, TypeRegistry types) =>
        found.IsMutable == wanted.IsMutable && (found.IsMutable ? found.Type == wanted.Type : IsSubtype(found.Type, wanted.Type, types));

    /// <summary>Subtyping of value types that are canonical.</summary>
    public static bool IsSubtype(ValType sub, ValType super, TypeRegistry types) => Subtyping.IsSubtype(sub, super, types, []);

    private static bool Matches(in Limits found, in Limits wanted) =>
        found.Is64 == wanted.Is64 && found.IsShared == wanted.IsShared && found.Minimum >= wanted.Minimum
        && (!wanted.HasMaximum || (found.HasMaximum && found.Maximum <= wanted.Maximum));
}

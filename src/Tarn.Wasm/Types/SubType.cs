// A defined type: a composite type with its place in the subtype hierarchy. In a module, the supertype is a type index; in TypeRegistry, a canonical id.
namespace Tarn.Wasm;

/// <summary>A composite type, whether it is final, and its supertype.</summary>
internal readonly struct SubType(CompositeType composite, bool isFinal, int supertype)
{
    public CompositeType Composite => composite;

    /// <summary>Whether no other type may name this one as its supertype.</summary>
    public bool IsFinal => isFinal;

    /// <summary>Whether the type names a supertype.</summary>
    public bool HasSupertype => supertype >= 0;

    /// <summary>The supertype, or -1.</summary>
    public int Supertype => supertype;
}

/// <summary>Consecutive types of a module that may refer to each other.</summary>
/// <param name="Start">Index of the first.</param>
/// <param name="Length">How many.</param>
/// <param name="IsExplicit">Whether the module writes the group out (<c>rec</c>); a single type without it is a group as well.</param>
internal readonly record struct RecursionGroup(int Start, int Length, bool IsExplicit);

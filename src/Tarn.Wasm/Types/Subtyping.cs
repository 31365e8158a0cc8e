// The subtype relation on value and heap types (core specification, "Matching"). One place for validation (types of a module, by index) and for linking
// and casts (canonical types): a concrete type is taken to its canonical id first, where the registry compares ints.
namespace Tarn.Wasm;

/// <summary>Whether one type matches another.</summary>
internal static class Subtyping
{
    /// <summary>Whether a value of type <paramref name="sub"/> may stand where <paramref name="super"/> is wanted.</summary>
    /// <param name="sub">The type at hand; the bottom type matches everything.</param>
    /// <param name="super">The type that is wanted.</param>
    /// <param name="registry">Knows the defined types.</param>
    /// <param name="canonical">Canonical ids by type index, for types of a module; may be empty where both types are canonical.</param>
    public static bool IsSubtype(ValType sub, ValType super, TypeRegistry registry, ReadOnlySpan<int> canonical)
    {
        if (sub == super || sub.IsBottom)
            return true;
        if (!sub.IsReference || !super.IsReference || (sub.IsNullable && !super.IsNullable))
            return false;
        return IsSubtype(sub.Heap, super.Heap, registry, canonical);
    }

    /// <summary>As for value types.</summary>
    public static bool IsSubtype(HeapType sub, HeapType super, TypeRegistry registry, ReadOnlySpan<int> canonical)
    {
        if (sub == super || sub == HeapType.Bottom)
            return true;
        if (sub.IsConcrete)
        {
            int id = Id(sub, canonical);
            return super.IsConcrete ? registry.IsSubtype(id, Id(super, canonical)) : IsAbstractSubtype(HeapOf(registry[id].Composite.Kind), super.Code);
        }

        if (super.IsConcrete)
            return sub.Code == (registry[Id(super, canonical)].Composite.Kind == CompositeKind.Function ? HeapType.NoFunc : HeapType.None).Code;
        return IsAbstractSubtype(sub.Code, super.Code);
    }

    /// <summary>The top of the hierarchy that a heap type belongs to.</summary>
    public static HeapType Top(HeapType heap, TypeRegistry registry, ReadOnlySpan<int> canonical)
    {
        byte code = heap.IsConcrete ? HeapOf(registry[Id(heap, canonical)].Composite.Kind) : heap.Code;
        return code switch
        {
            0x70 or 0x73 => HeapType.Func,
            0x6F or 0x72 => HeapType.Extern,
            0x69 or 0x74 => HeapType.Exn,
            _ => HeapType.Any,
        };
    }

    /// <summary>Whether a field type matches another: covariant where immutable, equal where mutable.</summary>
    public static bool IsSubtype(FieldType sub, FieldType super, TypeRegistry registry, ReadOnlySpan<int> canonical) =>
        sub.IsMutable == super.IsMutable
        && IsSubtype(sub.Storage, super.Storage, registry, canonical)
        && (!sub.IsMutable || IsSubtype(super.Storage, sub.Storage, registry, canonical));

    /// <summary>Whether a composite type structurally matches the one it declares as its supertype.</summary>
    public static bool IsSubtype(CompositeType sub, CompositeType super, TypeRegistry registry, ReadOnlySpan<int> canonical)
    {
        switch (sub, super)
        {
            case (CoreFunctionType f, CoreFunctionType g):
                if (f.ParameterCount != g.ParameterCount || f.ResultCount != g.ResultCount)
                    return false;
                for (int i = 0; i < f.ParameterCount; i++)
                {
                    if (!IsSubtype(g.Parameters[i], f.Parameters[i], registry, canonical))
                        return false;
                }

                for (int i = 0; i < f.ResultCount; i++)
                {
                    if (!IsSubtype(f.Results[i], g.Results[i], registry, canonical))
                        return false;
                }

                return true;
            case (StructType s, StructType t):
                if (s.Fields.Length < t.Fields.Length)
                    return false;
                for (int i = 0; i < t.Fields.Length; i++)
                {
                    if (!IsSubtype(s.Fields[i], t.Fields[i], registry, canonical))
                        return false;
                }

                return true;
            case (ArrayType a, ArrayType b):
                return IsSubtype(a.Element, b.Element, registry, canonical);
            default:
                return false;
        }
    }

    private static int Id(HeapType heap, ReadOnlySpan<int> canonical) => heap.IsCanonical ? heap.TypeIndex : canonical[heap.TypeIndex];

    private static byte HeapOf(CompositeKind kind) => kind switch
    {
        CompositeKind.Function => 0x70,
        CompositeKind.Struct => 0x6B,
        _ => 0x6A,
    };

    private static bool IsAbstractSubtype(byte sub, byte super) => sub == super || super switch
    {
        0x70 => sub == 0x73,
        0x6F => sub == 0x72,
        0x69 => sub == 0x74,
        0x6E => sub is 0x6D or 0x6C or 0x6B or 0x6A or 0x71,
        0x6D => sub is 0x6C or 0x6B or 0x6A or 0x71,
        0x6C or 0x6B or 0x6A => sub == 0x71,
        _ => false,
    };
}

// A value type with its layout in memory and on the stack (CanonicalABI.md, "Alignment", "Element Size", "Flattening"). The layout is computed once, when the node is made, for 32-bit
// and for 64-bit addresses.
namespace Tarn.Wasm.Component;

/// <summary>A value type.</summary>
internal sealed class ValueTypeNode : TypeNode
{
    internal ValueTypeNode(ValueTypeKind kind, string[] names, ValueTypeNode?[] types, uint length, ResourceTypeNode? resource, int structuralId, TypeMeasure measure)
        : base(measure)
    {
        Kind = kind;
        Names = names;
        Types = types;
        Length = length;
        Resource = resource;
        StructuralId = structuralId;
        Layout = CanonicalLayout.Of(this, pointerSize: 4);
        Layout64 = CanonicalLayout.Of(this, pointerSize: 8);
        foreach (ValueTypeNode? type in types)
        {
            HasPointers |= type is { HasPointers: true };
            HasBorrows |= type is { HasBorrows: true };
        }

        HasPointers |= kind is ValueTypeKind.String or ValueTypeKind.List or ValueTypeKind.Map;
        HasBorrows |= kind == ValueTypeKind.Borrow;
        FlatCount = CountFlat();
    }

    public ValueTypeKind Kind { get; }

    /// <summary>Labels of fields, cases or flags.</summary>
    public string[] Names { get; }

    /// <summary>Types of fields and elements; of cases, null for one without a payload; of a result, its two sides.</summary>
    public ValueTypeNode?[] Types { get; }

    /// <summary>The length of a list of fixed length.</summary>
    public uint Length { get; }

    /// <summary>The resource of a handle.</summary>
    public ResourceTypeNode? Resource { get; }

    /// <summary>Equal for equal types, whatever their names.</summary>
    public int StructuralId { get; }

    /// <summary>Size and alignment with 32-bit addresses.</summary>
    public CanonicalLayout Layout { get; }

    /// <summary>Size and alignment with 64-bit addresses.</summary>
    public CanonicalLayout Layout64 { get; }

    /// <summary>Whether values of the type refer to memory.</summary>
    public bool HasPointers { get; }

    /// <summary>Whether values of the type may hold borrowed handles.</summary>
    public bool HasBorrows { get; }

    /// <summary>How many core values it is passed as; at most <see cref="CanonicalLayout.ManyFlat"/>.</summary>
    public int FlatCount { get; }

    public bool IsVariant => Kind is ValueTypeKind.Variant or ValueTypeKind.Enum or ValueTypeKind.Option or ValueTypeKind.Result;

    /// <summary>The number of cases of what is a variant.</summary>
    public int CaseCount => Kind is ValueTypeKind.Option or ValueTypeKind.Result ? 2 : Names.Length;

    /// <summary>The payload of a case of what is a variant.</summary>
    public ValueTypeNode? CaseType(int index) => Kind switch
    {
        ValueTypeKind.Option => index == 0 ? null : Types[0],
        ValueTypeKind.Enum => null,
        _ => Types[index],
    };

    /// <summary>The size of the discriminant of what is a variant.</summary>
    public int DiscriminantSize => CaseCount <= 256 ? 1 : CaseCount <= 65536 ? 2 : 4;

    public override string Description => "type";

    /// <summary>Appends the core values that a value of this type is passed as. The caller has looked at <see cref="FlatCount"/>.</summary>
    public void Flatten(List<ValType> target, ValType pointer)
    {
        switch (Kind)
        {
            case ValueTypeKind.S64 or ValueTypeKind.U64:
                target.Add(ValType.I64);
                break;
            case ValueTypeKind.F32:
                target.Add(ValType.F32);
                break;
            case ValueTypeKind.F64:
                target.Add(ValType.F64);
                break;
            case ValueTypeKind.String or ValueTypeKind.List or ValueTypeKind.Map:
                target.Add(pointer);
                target.Add(pointer);
                break;
            case ValueTypeKind.Record or ValueTypeKind.Tuple:
                foreach (ValueTypeNode? type in Types)
                    type!.Flatten(target, pointer);
                break;
            case ValueTypeKind.FixedLengthList:
                for (uint i = 0; i < Length; i++)
                    Types[0]!.Flatten(target, pointer);
                break;
            case ValueTypeKind.Variant or ValueTypeKind.Option or ValueTypeKind.Result or ValueTypeKind.Enum:
                FlattenVariant(target, pointer);
                break;
            default:
                target.Add(ValType.I32);
                break;
        }
    }

    private void FlattenVariant(List<ValType> target, ValType pointer)
    {
        target.Add(ValType.I32);
        int start = target.Count;
        List<ValType> payload = [];
        for (int i = 0; i < CaseCount; i++)
        {
            payload.Clear();
            CaseType(i)?.Flatten(payload, pointer);
            for (int j = 0; j < payload.Count; j++)
            {
                if (start + j < target.Count)
                    target[start + j] = Join(target[start + j], payload[j]);
                else
                    target.Add(payload[j]);
            }
        }
    }

    /// <summary>The core type that holds values of either type.</summary>
    public static ValType Join(ValType a, ValType b)
    {
        if (a == b)
            return a;
        return (a == ValType.I32 && b == ValType.F32) || (a == ValType.F32 && b == ValType.I32) ? ValType.I32 : ValType.I64;
    }

    private int CountFlat()
    {
        long count = 0;
        switch (Kind)
        {
            case ValueTypeKind.String or ValueTypeKind.List or ValueTypeKind.Map:
                return 2;
            case ValueTypeKind.Record or ValueTypeKind.Tuple:
                foreach (ValueTypeNode? type in Types)
                    count += type!.FlatCount;
                break;
            case ValueTypeKind.FixedLengthList:
                count = Length * (long)Types[0]!.FlatCount;
                break;
            case ValueTypeKind.Variant or ValueTypeKind.Option or ValueTypeKind.Result:
                foreach (ValueTypeNode? type in Types)
                    count = Math.Max(count, type?.FlatCount ?? 0);
                count++;
                break;
            default:
                return 1;
        }

        return (int)Math.Min(count, CanonicalLayout.ManyFlat);
    }
}

// Sizes and alignments of value types in linear memory (CanonicalABI.md, "Alignment" and "Element Size").
namespace Tarn.Wasm.Component;

/// <summary>A value type's place in memory.</summary>
/// <param name="Size">Bytes, a multiple of the alignment.</param>
/// <param name="Alignment">1, 2, 4 or 8.</param>
/// <param name="PayloadOffset">Of a variant: where its payload is.</param>
internal readonly record struct CanonicalLayout(long Size, int Alignment, int PayloadOffset)
{
    /// <summary>Parameters that are passed as core values at most.</summary>
    public const int MaxFlatParameters = 16;

    /// <summary>Parameters that an asynchronous lowering passes as core values at most.</summary>
    public const int MaxFlatAsyncParameters = 4;

    /// <summary>Results that are returned as core values at most.</summary>
    public const int MaxFlatResults = 1;

    /// <summary>Where counts of core values stop.</summary>
    public const int ManyFlat = 1000;

    public static long AlignTo(long offset, int alignment) => (offset + alignment - 1) & -alignment;

    /// <summary>The layout of a type whose parts have theirs.</summary>
    public static CanonicalLayout Of(ValueTypeNode type, int pointerSize)
    {
        switch (type.Kind)
        {
            case ValueTypeKind.Bool or ValueTypeKind.S8 or ValueTypeKind.U8:
                return new CanonicalLayout(1, 1, 0);
            case ValueTypeKind.S16 or ValueTypeKind.U16:
                return new CanonicalLayout(2, 2, 0);
            case ValueTypeKind.S64 or ValueTypeKind.U64 or ValueTypeKind.F64:
                return new CanonicalLayout(8, 8, 0);
            case ValueTypeKind.String or ValueTypeKind.List or ValueTypeKind.Map:
                return new CanonicalLayout(pointerSize * 2, pointerSize, 0);
            case ValueTypeKind.Flags:
                int flags = type.Names.Length <= 8 ? 1 : type.Names.Length <= 16 ? 2 : 4;
                return new CanonicalLayout(flags, flags, 0);
            case ValueTypeKind.Record or ValueTypeKind.Tuple:
                return OfRecord(type.Types, pointerSize);
            case ValueTypeKind.FixedLengthList:
                CanonicalLayout element = In(type.Types[0]!, pointerSize);
                return element with { Size = element.Size * type.Length };
            case ValueTypeKind.Variant or ValueTypeKind.Enum or ValueTypeKind.Option or ValueTypeKind.Result:
                return OfVariant(type, pointerSize);
            default:
                return new CanonicalLayout(4, 4, 0);
        }
    }

    private static CanonicalLayout In(ValueTypeNode type, int pointerSize) => pointerSize == 4 ? type.Layout : type.Layout64;

    private static CanonicalLayout OfRecord(ReadOnlySpan<ValueTypeNode?> fields, int pointerSize)
    {
        long size = 0;
        int alignment = 1;
        foreach (ValueTypeNode? field in fields)
        {
            CanonicalLayout layout = In(field!, pointerSize);
            size = AlignTo(size, layout.Alignment) + layout.Size;
            alignment = Math.Max(alignment, layout.Alignment);
        }

        return new CanonicalLayout(AlignTo(size, alignment), alignment, 0);
    }

    private static CanonicalLayout OfVariant(ValueTypeNode type, int pointerSize)
    {
        int discriminant = type.DiscriminantSize;
        long largest = 0;
        int payload = 1;
        for (int i = 0; i < type.Types.Length; i++)
        {
            if (type.Types[i] is not ValueTypeNode caseType)
                continue;
            CanonicalLayout layout = In(caseType, pointerSize);
            largest = Math.Max(largest, layout.Size);
            payload = Math.Max(payload, layout.Alignment);
        }

        int alignment = Math.Max(discriminant, payload);
        int offset = (int)AlignTo(discriminant, payload);
        return new CanonicalLayout(AlignTo(offset + largest, alignment), alignment, offset);
    }
}
